"""The registry: the plugins that are installed, and the classes and choices they offer by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..api import Choice
from ..errors import Refused, unknown
from .loading import GROUPS, OURS, Plugin, load_plugins
from .option_files import PRESETS, ChoiceFile, checked, choice_files, conf_folder


class Registry:
    """All installed plugins and the names they offer.

    Attributes:
        plugins: all plugins, including broken and blocked ones.
        classes: the classes by group and by the name in `name:`.
        choices: the YAML files by group and by the name that users type.
        experiments: the YAML files of presets by name.
        conflicts: a line for each name that two plugins claim.
    """

    def __init__(self, plugins: list[Plugin]) -> None:
        names = {
            (group, cls.name): cls
            for plugin in plugins
            for group in GROUPS
            for cls in plugin.classes.get(group, [])
        }
        self.plugins = [checked(plugin, names) for plugin in plugins]
        self.classes: dict[str, dict[str, type[Choice]]] = {group: {} for group in GROUPS}
        self.choices: dict[str, dict[str, ChoiceFile]] = {group: {} for group in GROUPS}
        self.experiments: dict[str, ChoiceFile] = {}
        self.conflicts: list[str] = []
        self._find_classes()
        self._find_files()

    def lookup(self, group: str, name: str) -> type[Choice]:
        """The class of this name. Raises Refused, listing the names and the nearest one."""
        if name not in self.classes[group]:
            raise Refused(unknown(f"{group}.name", name, self.classes[group]))
        return self.classes[group][name]

    def check(self) -> None:
        """Raise Refused if two plugins claim one name."""
        if self.conflicts:
            raise Refused(self.conflicts[0])

    def folders(self) -> list[tuple[str, Path]]:
        """The plugins' own `conf` folders, each with its plugin's name."""
        return [(plugin.name, plugin.conf) for plugin in self.plugins if plugin.conf is not None]

    def offers(self, plugin: Plugin) -> dict[str, list[str]]:
        """The names that a plugin offers, by group."""
        return {group: [cls.name for cls in classes] for group, classes in plugin.classes.items()}

    def _find_classes(self) -> None:
        owners: dict[tuple[str, str], str] = {}
        for plugin in self.plugins:
            for group, classes in plugin.classes.items():
                for cls in classes:
                    first = owners.setdefault((group, cls.name), plugin.owner)
                    if first != plugin.owner:
                        self._conflict(f"{group} {cls.name!r}", first, plugin)
                    self.classes[group].setdefault(cls.name, cls)

    def _find_files(self) -> None:
        for folder, owner, plugin in self._folders():
            for group, file in choice_files(folder, owner):
                known = self.experiments if group == PRESETS else self.choices[group]
                first = known.setdefault(file.name, file).owner
                if first != owner:
                    self._conflict(f"the choice {group}={file.name}", first, plugin)

    def _folders(self) -> Iterator[tuple[Path, str, Plugin]]:
        """Our own folder of YAML files and those of the plugins, with their owners."""
        yield conf_folder(), OURS, self.plugins[0]
        for plugin in self.plugins:
            if plugin.conf is not None:
                yield plugin.conf, plugin.owner, plugin

    def _conflict(self, what: str, first: str, second: Plugin) -> None:
        self.conflicts.append(
            f"expected one plugin to offer {what}, got two: {first} and {second.owner}; "
            f"try GMMBENCH_BLOCK={second.name}"
        )


@cache
def load() -> Registry:
    """The registry of what is installed, loaded once in a process."""
    return Registry(load_plugins())
