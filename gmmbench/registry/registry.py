"""Names to classes: loads every plugin on its own; the only file that lists the built-ins."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from .. import hookspecs
from ..api import Choice, ImageSource, Model, Renderer
from ..errors import Refused, shown, unknown
from ..options import renamed

BUILT_INS = (
    "gmmbench.images.file",
    "gmmbench.images.synthetic",
    "gmmbench.models.uniform",
    "gmmbench.models.histogram",
    "gmmbench.models.gmm",
    "gmmbench.models.bgmm",
    "gmmbench.models.lightgbm",
    "gmmbench.renders.grid",
    "gmmbench.renders.sample",
    "gmmbench.renders.contour",
    "gmmbench.renders.density1d",
    "gmmbench.renders.points",
    "gmmbench.renders.channels",
    "gmmbench.renders.slices",
    "gmmbench.renders.sampling",
    "gmmbench.renders.components",
    "gmmbench.renders.residual",
    "gmmbench.renders.evolution",
    "gmmbench.renders.collage",
)

GROUPS: dict[str, tuple[str, type[Choice]]] = {
    "image": ("gmmbench_images", ImageSource),
    "model": ("gmmbench_models", Model),
    "render": ("gmmbench_renders", Renderer),
}
"""Each config group with its hook and the class that its plugins subclass."""


@dataclass(frozen=True)
class Option:
    """One choice of a group: what a user types, the YAML behind it, and who offers it."""

    name: str
    path: Path
    owner: str

    @property
    def summary(self) -> str:
        """The first comment of the YAML that is not a Hydra directive, without its command."""
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#") and "@package" not in line:
                return line.lstrip("# ").split("Run:")[0].strip()
        return ""

    def tree(self) -> dict[str, Any]:
        """What the YAML says."""
        import yaml

        found = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Plugin:
    """One plugin: who it is, what it offers by group, and whether it works."""

    name: str
    distribution: str
    version: str
    status: str
    error: str = ""
    classes: dict[str, list[type[Choice]]] = field(default_factory=dict)
    conf: Path | None = None

    @property
    def owner(self) -> str:
        """The plugin as errors call it."""
        return f"{self.name} ({self.distribution} {self.version})".replace(" )", ")")


class Registry:
    """Every plugin that is installed, and the names they offer."""

    def __init__(self, plugins: list[Plugin]) -> None:
        names = {
            (group, cls.name): cls
            for plugin in plugins
            for group in GROUPS
            for cls in plugin.classes.get(group, [])
        }
        self.plugins = plugins = [_with_sound_options(plugin, names) for plugin in plugins]
        self.classes: dict[str, dict[str, type[Choice]]] = {group: {} for group in GROUPS}
        self.options: dict[str, dict[str, Option]] = {group: {} for group in GROUPS}
        self.experiments: dict[str, Option] = {}
        self.conflicts: list[str] = []
        owners: dict[tuple[str, str], str] = {}
        for plugin in plugins:
            for group, classes in plugin.classes.items():
                for cls in classes:
                    first = owners.setdefault((group, cls.name), plugin.owner)
                    if first != plugin.owner:
                        self._conflict(f"{group} {cls.name!r}", first, plugin)
                    self.classes[group].setdefault(cls.name, cls)
        for folder, owner, block in self._folders():
            for group, known in {**self.options, "experiment": self.experiments}.items():
                for path in sorted((folder / group).glob("*.yaml")):
                    option = Option(path.stem, path, owner)
                    first = known.setdefault(option.name, option).owner
                    if first != owner:
                        self._conflict(f"the option {group}={option.name}", first, block)

    def lookup(self, group: str, name: str) -> type[Choice]:
        """The class of this name. Raises Refused with the list and the nearest name."""
        if name not in self.classes[group]:
            raise Refused(unknown(f"{group}.name", name, self.classes[group]))
        return self.classes[group][name]

    def check(self) -> None:
        """Refuse to go on while two plugins claim one name."""
        if self.conflicts:
            raise Refused(self.conflicts[0])

    def folders(self) -> list[tuple[str, Path]]:
        """The plugins' own `conf` folders, each with its plugin's name."""
        return [(plugin.name, plugin.conf) for plugin in self.plugins if plugin.conf is not None]

    def offers(self, plugin: Plugin) -> dict[str, list[str]]:
        """The names a plugin offers, by group."""
        return {group: [cls.name for cls in classes] for group, classes in plugin.classes.items()}

    def _folders(self) -> Iterator[tuple[Path, str, Plugin]]:
        ours = next(iter(self.plugins))
        yield conf_folder(), "gmmbench", ours
        for plugin in self.plugins:
            if plugin.conf is not None:
                yield plugin.conf, plugin.owner, plugin

    def _conflict(self, what: str, first: str, second: Plugin) -> None:
        self.conflicts.append(
            f"expected one plugin to offer {what}, got two: {first} and {second.owner}; "
            f"try GMMBENCH_BLOCK={second.name}"
        )


def _with_sound_options(plugin: Plugin, names: Mapping[tuple[str, str], type[Choice]]) -> Plugin:
    """The plugin itself, or, where one of its YAML files cannot work, the plugin as broken."""
    try:
        for group in GROUPS:
            for path in sorted((plugin.conf / group).glob("*.yaml")) if plugin.conf else ():
                _check_option(group, path, names)
        for path in sorted((plugin.conf / "experiment").glob("*.yaml")) if plugin.conf else ():
            _check_experiment(path)
    except (Refused, OSError, UnicodeDecodeError) as error:
        return Plugin(plugin.name, plugin.distribution, plugin.version, "broken", str(error))
    return plugin


def _check_experiment(path: Path) -> None:
    """Refuse a preset that does not parse, or that would not stand at the top of a config."""
    where = f"conf/experiment/{path.name}"
    text = path.read_text(encoding="utf-8")
    if "# @package _global_" not in text.splitlines():
        raise Refused(f"{where}: expected the line '# @package _global_' at its top, got none")
    tree = _parsed(where, text)
    if not isinstance(tree, dict) or not isinstance(tree.get("defaults"), list):
        raise Refused(f"{where}: expected a list of defaults such as '- override /model: gmm', got none")


def _check_option(group: str, path: Path, names: Mapping[tuple[str, str], type[Choice]]) -> None:
    """Refuse a YAML that does not parse, names no class, or has other options than its class."""
    where = f"conf/{group}/{path.name}"
    text = path.read_text(encoding="utf-8")
    tree = _parsed(where, text)
    if group == "render" and f"# @package render.{path.stem}" not in text.splitlines():
        raise Refused(f"{where}: expected the line '# @package render.{path.stem}' at its top, got none")
    if not isinstance(tree, dict) or (group, tree.get("name")) not in names:
        raise Refused(f"{where}: expected 'name:' and the name of a registered {group}, got {tree!r:.80}")
    cls = names[group, tree["name"]]
    fields = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]  # choices are dataclasses
    for key in tree:
        if key != "name" and (new := renamed(cls, str(key))) is not None:
            value = tree[key] if isinstance(tree[key], str) else shown(tree[key])
            raise Refused(f"{where}: {key}: expected its new name, {new}; try {new}: {value}")
    if fields != set(tree) - {"name"}:
        odd = ", ".join(sorted(fields ^ (set(tree) - {"name"})))
        raise Refused(f"{where}: expected exactly the options of its class, got one too many or few: {odd}")


def _parsed(where: str, text: str) -> Any:
    """What YAML says. Raises Refused, naming the file."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Refused(f"{where}: expected YAML, got {' '.join(str(error).split())}") from error


def conf_folder() -> Path:
    """The folder of our own YAML files: inside an installed package, beside it in a checkout."""
    inside = Path(__file__).parents[1] / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "conf"


@cache
def load() -> Registry:
    """Load the built-ins, then each entry point of the group `gmmbench` on its own.

    A plugin that fails is listed with its error and harms nothing else. Names in GMMBENCH_BLOCK
    (comma-separated plugin or distribution names) are not loaded.
    """
    manager = pluggy.PluginManager("gmmbench")
    manager.add_hookspecs(hookspecs)
    blocked = {name.strip() for name in os.environ.get("GMMBENCH_BLOCK", "").split(",")} - {""}
    plugins = []
    for path in BUILT_INS:
        name = path.rpartition(".")[2]
        loader = _importer(path)
        plugins.append(_load(manager, name, "gmmbench", version("gmmbench"), blocked, loader))
    found = entry_points(group="gmmbench")
    for entry in sorted(found, key=lambda entry: (entry.name, _distribution(entry))):
        number = entry.dist.version if entry.dist else ""
        plugin = _load(manager, entry.name, _distribution(entry), number, blocked, entry.load)
        plugins.append(plugin)
    return Registry(plugins)


def _importer(path: str) -> Callable[[], ModuleType]:
    return lambda: import_module(path)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "unknown"


def _load(
    manager: pluggy.PluginManager,
    name: str,
    distribution: str,
    number: str,
    blocked: set[str],
    loader: Callable[[], Any],
) -> Plugin:
    if {name, distribution} & blocked - {"gmmbench"}:
        return Plugin(name, distribution, number, "blocked")
    module = None
    try:
        module = loader()
        manager.register(module, name=f"{distribution}:{name}")
        manager.check_pending()
        classes = {group: list(_offered(manager, module, group)) for group in GROUPS}
        if not any(classes.values()):
            raise Refused("expected a hook that offers something, got none; try @hookimpl on gmmbench_models")
    except (Exception, SystemExit) as error:
        # SystemExit too: a plugin that leaves at import must not take the command line with it.
        if module is not None and manager.is_registered(module):
            manager.unregister(module)
        text = " ".join(str(error).split()) or "no message"
        return Plugin(name, distribution, number, "broken", f"{type(error).__name__}: {text}")
    conf = None
    if distribution != "gmmbench":
        conf = Path(str(module.__file__)).parent / "conf"
    return Plugin(name, distribution, number, "ok", "", classes, conf if conf and conf.is_dir() else None)


def _offered(manager: pluggy.PluginManager, module: Any, group: str) -> Iterator[type[Choice]]:
    hook, base = GROUPS[group]
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin is not module:
            continue
        for cls in implementation.function():
            if not (inspect.isclass(cls) and issubclass(cls, base) and is_dataclass(cls)):
                raise Refused(f"{hook}: expected dataclasses that subclass {base.__name__}, got {cls!r}")
            if inspect.isabstract(cls):
                missing = ", ".join(sorted(cls.__abstractmethods__))
                raise Refused(f"{hook}: expected {cls.__name__} to be whole, but it lacks {missing}")
            if not isinstance(getattr(cls, "name", None), str):
                raise Refused(f"{hook}: expected {cls.__name__}.name, the name users type, got none")
            yield cls
