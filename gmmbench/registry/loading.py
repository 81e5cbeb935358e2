"""Loading plugins: each on its own, so that a broken one is listed with its error and affects no other."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from .. import hookspecs
from ..api import Choice, ImageSource, Model, Renderer
from ..errors import Refused
from .built_ins import BUILT_INS

OURS = "gmmbench"
"""The name of our distribution and of the entry points' group."""

GROUPS: dict[str, tuple[str, type[Choice]]] = {
    "image": ("gmmbench_images", ImageSource),
    "model": ("gmmbench_models", Model),
    "render": ("gmmbench_renders", Renderer),
}
"""Each config group with its hook and the class that its plugins subclass."""


@dataclass(frozen=True)
class Plugin:
    """One plugin.

    Attributes:
        name: of its entry point, or of the module of a built-in.
        distribution: the pip package that contains it.
        version: of the distribution.
        status: "ok", "broken" or "blocked".
        error: why it is broken.
        classes: the classes it offers, by group.
        conf: its folder of YAML files; None for built-ins and for a plugin without one.
    """

    name: str
    distribution: str
    version: str
    status: str
    error: str = ""
    classes: dict[str, list[type[Choice]]] = field(default_factory=dict)
    conf: Path | None = None

    @property
    def owner(self) -> str:
        """The plugin as named in errors: its name, distribution and version."""
        return f"{self.name} ({self.distribution} {self.version})".replace(" )", ")")

    def broken(self, error: str) -> Plugin:
        """The same plugin, marked as broken: it offers nothing because of an error."""
        return Plugin(self.name, self.distribution, self.version, "broken", error)


def load_plugins() -> list[Plugin]:
    """The built-ins, then the entry points of the group `gmmbench`, sorted by name.

    Plugins and distributions named in the environment variable GMMBENCH_BLOCK (separated by commas) are
    not loaded.
    """
    manager = pluggy.PluginManager(OURS)
    manager.add_hookspecs(hookspecs)
    blocked = {name.strip() for name in os.environ.get("GMMBENCH_BLOCK", "").split(",")} - {""}
    plugins = []
    for path in BUILT_INS:
        plugin = Plugin(path.rpartition(".")[2], OURS, version(OURS), "ok")
        plugins.append(_loaded(manager, plugin, blocked, _importer(path)))
    for entry in sorted(entry_points(group=OURS), key=lambda entry: (entry.name, _distribution(entry))):
        plugin = Plugin(entry.name, _distribution(entry), entry.dist.version if entry.dist else "", "ok")
        plugins.append(_loaded(manager, plugin, blocked, entry.load))
    return plugins


def _importer(path: str) -> Callable[[], ModuleType]:
    return lambda: import_module(path)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "unknown"


def _loaded(
    manager: pluggy.PluginManager, plugin: Plugin, blocked: set[str], import_it: Callable[[], Any]
) -> Plugin:
    """The plugin with the classes it offers, or marked as broken or blocked."""
    name, distribution, number = plugin.name, plugin.distribution, plugin.version
    if {name, distribution} & blocked - {OURS}:
        return Plugin(name, distribution, number, "blocked")
    module = None
    try:
        module = import_it()
        manager.register(module, name=f"{distribution}:{name}")
        manager.check_pending()
        classes = {group: list(_offered(manager, module, group)) for group in GROUPS}
        if not any(classes.values()):
            raise Refused("expected a hook that offers something, got none; try @hookimpl on gmmbench_models")
    except (Exception, SystemExit) as error:
        # SystemExit as well, because a plugin that exits on import must not end the command.
        if module is not None and manager.is_registered(module):
            manager.unregister(module)
        return plugin.broken(f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}")
    conf = None if distribution == OURS else Path(str(module.__file__)).parent / "conf"
    return Plugin(name, distribution, number, "ok", "", classes, conf if conf and conf.is_dir() else None)


def _offered(manager: pluggy.PluginManager, module: Any, group: str) -> Iterator[type[Choice]]:
    """The classes that a plugin offers for a group. Raises Refused if one of them cannot be used."""
    hook, base = GROUPS[group]
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin is not module:
            continue
        for cls in implementation.function():
            if not (inspect.isclass(cls) and issubclass(cls, base) and is_dataclass(cls)):
                raise Refused(f"{hook}: expected dataclasses that subclass {base.__name__}, got {cls!r}")
            if inspect.isabstract(cls):
                missing = ", ".join(sorted(cls.__abstractmethods__))
                raise Refused(
                    f"{hook}: expected {cls.__name__} to define every abstract method, but it lacks {missing}"
                )
            if not isinstance(getattr(cls, "name", None), str):
                raise Refused(f"{hook}: expected {cls.__name__}.name, the name that users type, got none")
            yield cls
