"""Plugins in, names out: loads every plugin on its own, and knows the choices that they offer."""

from .loading import GROUPS, Plugin
from .option_files import ChoiceFile, conf_folder
from .registry import Registry, load

__all__ = ["GROUPS", "ChoiceFile", "Plugin", "Registry", "conf_folder", "load"]
