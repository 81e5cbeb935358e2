"""Names to classes: every plugin loaded on its own, and the choices that they offer."""

from .registry import GROUPS, Option, Plugin, Registry, conf_folder, load

__all__ = ["GROUPS", "Option", "Plugin", "Registry", "conf_folder", "load"]
