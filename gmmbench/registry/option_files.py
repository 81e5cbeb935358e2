"""The YAML files of choices: finding, reading and checking them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..api import Choice
from ..errors import Refused, shown
from ..options import renamed
from .loading import GROUPS, Plugin

PRESETS = "experiment"
"""The config group of presets, which choose an image, a model and renderers together."""


@dataclass(frozen=True)
class ChoiceFile:
    """The YAML file of one choice or preset.

    Attributes:
        name: the choice as a user types it; the file's name without its ending.
        path: the file.
        owner: the plugin that contains it, as named in errors.
    """

    name: str
    path: Path
    owner: str

    @property
    def summary(self) -> str:
        """The first comment line that is not a Hydra directive, without its command."""
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#") and "@package" not in line:
                return line.lstrip("# ").split("Run:")[0].strip()
        return ""

    def tree(self) -> dict[str, Any]:
        """The content of the YAML file; empty if it is not a mapping."""
        import yaml

        found = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}


def conf_folder() -> Path:
    """The folder of our own YAML files: inside the package if installed, beside it in a checkout."""
    inside = Path(__file__).parents[1] / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "conf"


def choice_files(folder: Path, owner: str) -> Iterator[tuple[str, ChoiceFile]]:
    """The files in a `conf` folder, each with its group; presets have the group PRESETS."""
    for group in (*GROUPS, PRESETS):
        for path in sorted((folder / group).glob("*.yaml")):
            yield group, ChoiceFile(path.stem, path, owner)


def checked(plugin: Plugin, names: Mapping[tuple[str, str], type[Choice]]) -> Plugin:
    """The plugin itself or, if one of its YAML files cannot work, the plugin as broken.

    Args:
        plugin: a plugin with or without a `conf` folder.
        names: all classes that are offered, by group and name.
    """
    try:
        for group, file in choice_files(plugin.conf, plugin.owner) if plugin.conf else ():
            if group == PRESETS:
                _check_preset(file.path)
            else:
                _check_choice(group, file.path, names)
    except Refused as error:
        return plugin.broken(str(error))
    except Exception as error:  # a file of one plugin must not affect the others
        return plugin.broken(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return plugin


def _check_preset(path: Path) -> None:
    """Refuse a preset that does not parse, or that Hydra would not place at the top of the config."""
    where = f"conf/{PRESETS}/{path.name}"
    text = path.read_text(encoding="utf-8")
    if "# @package _global_" not in text.splitlines():
        raise Refused(f"{where}: expected the line '# @package _global_' at its top, got none")
    tree = _parsed(where, text)
    if not isinstance(tree, dict) or not isinstance(tree.get("defaults"), list):
        raise Refused(f"{where}: expected a list of defaults such as '- override /model: gmm', got none")


def _check_choice(group: str, path: Path, names: Mapping[tuple[str, str], type[Choice]]) -> None:
    """Refuse a YAML file that does not parse, names no class, or differs from its class in its options."""
    where = f"conf/{group}/{path.name}"
    text = path.read_text(encoding="utf-8")
    tree = _parsed(where, text)
    if group == "render" and f"# @package render.{path.stem}" not in text.splitlines():
        raise Refused(f"{where}: expected the line '# @package render.{path.stem}' at its top, got none")
    if not isinstance(tree, dict) or (group, str(tree.get("name"))) not in names:
        raise Refused(f"{where}: expected 'name:' and the name of a registered {group}, got {tree!r:.80}")
    cls = names[group, str(tree["name"])]
    fields = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]  # choices are dataclasses
    keys = {str(key) for key in tree} - {"name"}
    for key in keys - fields:
        if (new := renamed(cls, key)) is not None:
            value = tree[key] if isinstance(tree[key], str) else shown(tree[key])
            raise Refused(f"{where}: {key}: expected its new name, {new}; try {new}: {value}")
    if fields != keys:
        odd = ", ".join(sorted(fields ^ keys))
        raise Refused(
            f"{where}: expected exactly the options of its class, got one too many or too few: {odd}"
        )


def _parsed(where: str, text: str) -> Any:
    """The content of a YAML file. Raises Refused, naming the file."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise Refused(f"{where}: expected YAML, got {' '.join(str(error).split())}") from error
