"""Plugins in, choices out: each plugin is loaded on its own, and its choices are found by name."""

from .loading import GROUPS, Plugin
from .option_files import ChoiceFile, conf_folder
from .registry import Registry, load

__all__ = ["GROUPS", "ChoiceFile", "Plugin", "Registry", "conf_folder", "load"]
