"""From overrides to a run: composed by Hydra, then built and checked by type."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from .. import registry
from ..api import Choice, ImageSource, Model, Renderer
from ..errors import Refused, shown, unknown
from ..options import refusal, renamed, renaming
from ..overrides import written
from ..results import Run
from ..storage.store import Store
from . import presets
from .explain import explain
from .grammar import quoted
from .search_path import composed
from .settings import Settings, StoreSettings

T = TypeVar("T")


def compose(*overrides: str) -> Run:
    """Compose a `Run` from the overrides that you would type on the command line.

    Args:
        overrides: such as "image=dog", "model.components=50", "render=[grid,sample]".

    Raises:
        Refused: one line with what was expected, what came, and what to try.

    Example:
        >>> import gmmbench
        >>> gmmbench.compose("model.components=7").model.components
        7
    """
    presets.check(overrides)
    try:
        cfg = composed([quoted(override, sweep=False) for override in overrides])
        with_hydra = OmegaConf.to_container(cfg.hydra.runtime.choices)
        assert isinstance(with_hydra, dict)
        del cfg["hydra"]
        return build(cfg, {str(key): value for key, value in with_hydra.items()})
    except Refused:
        raise
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # Hydra raises a ValueError of its own for `model=null`.
        raise Refused(explain(error, overrides)) from error


def build(cfg: DictConfig, choices: Mapping[str, Any]) -> Run:
    """Build a `Run` from a composed config, with every value checked.

    Args:
        cfg: the config without its `hydra` part.
        choices: the choice in each group (`hydra.runtime.choices`).

    Raises:
        Refused: a key is unknown or a value is invalid; the line begins with the key.
    """
    tree = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(tree, dict)
    known = [*_fields(Settings), "store", *registry.GROUPS]
    for key in map(str, tree):
        if key not in known:
            raise Refused(_unknown("", Settings, key, tree[key], known))
    store_of(cfg)
    settings = typed("", Settings, {key: tree[key] for key in _fields(Settings) if key in tree})
    renders = tree.get("render")
    if not isinstance(renders, dict) or not renders:
        raise Refused(
            f"render: expected one or more of {', '.join(registry.load().choices['render'])}, "
            f"got {shown(renders)}; try render=grid or render=[grid,sample]"
        )
    named = {group: choices[group] for group in registry.GROUPS if choices.get(group) is not None}
    return Run(
        image=cast(ImageSource, _chosen("image", tree.get("image"))),
        model=cast(Model, _chosen("model", tree.get("model"))),
        renders={
            str(choice): cast(Renderer, _chosen("render", options, f"render.{choice}"))
            for choice, options in renders.items()
        },
        choices=named,
        **settings.run_options(),
    )


def timeout_of(cfg: DictConfig) -> float | None:
    """The timeout in seconds of a composed config that `build` accepted; None for no limit."""
    return None if cfg.get("timeout") is None else float(cfg.timeout)


def store_of(cfg: DictConfig) -> Store | None:
    """The store that a composed config names; None if it is switched off. Raises Refused."""
    tree = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(tree, dict)
    chosen = tree.get("store")
    if not isinstance(chosen, dict):
        raise Refused(f"store: expected store.use and store.dir, got {shown(chosen)}; try store.use=false")
    settings = typed("store.", StoreSettings, {str(key): value for key, value in chosen.items()})
    return Store(settings.dir) if settings.use else None


def _chosen(group: str, tree: Any, prefix: str | None = None) -> Choice:
    """The instance that a part of the config describes by name and options. Raises Refused."""
    known = registry.load()
    if not isinstance(tree, dict) or "name" not in tree:
        names = ", ".join(known.choices[group])
        raise Refused(f"{prefix or group}: expected one of {names}, got {shown(tree)}")
    cls = known.lookup(group, str(tree["name"]))
    return typed(f"{prefix or group}.", cls, {key: tree[key] for key in tree if key != "name"})


def typed(prefix: str, cls: type[T], values: Mapping[str, Any]) -> T:
    """An instance of a dataclass of options from YAML values.

    Raises:
        Refused: an unknown key, a wrong type, or a value out of range; the line begins with the key.
    """
    fields = _fields(cls)
    for key in values:
        if key not in fields:
            raise Refused(_unknown(prefix, cls, str(key), values[key], fields))
    kinds = typing.get_type_hints(cls)
    for key, value in values.items():
        # OmegaConf would accept true as 1.
        if isinstance(value, bool) and bool not in (kinds[key], *typing.get_args(kinds[key])):
            raise Refused(prefix + refusal(fields[key], kinds[key], value))
    ready = {
        key: _with_points(value) if kinds[key] == list[list[float]] else value
        for key, value in values.items()
    }
    try:
        plain = _converted(cls, ready)
    except OmegaConfBaseException:
        for key, value in ready.items():  # find the one that does not fit
            try:
                _converted(cls, {key: value})
            except OmegaConfBaseException:
                raise Refused(prefix + refusal(fields[key], kinds[key], values[key])) from None
        raise
    try:
        return cls(**plain)
    except Refused as error:
        raise Refused(f"{prefix}{error}") from None


def _unknown(prefix: str, cls: type[Any], key: str, value: Any, known: Iterable[str]) -> str:
    """The line that refuses a key which is not an option of a dataclass, or is a former name of one."""
    if (new := renamed(cls, key)) is not None:
        return renaming(prefix, key, new, written(value))
    return unknown(f"{prefix}{key}", key, known)


def _converted(cls: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values converted to the annotations of a dataclass. Raises OmegaConfBaseException."""
    tree = OmegaConf.to_container(OmegaConf.merge(_schema(cls), dict(values)))  # type: ignore[arg-type]  # classes can be hashed
    assert isinstance(tree, dict)
    return {key: tree[key] for key in values}


@cache
def _schema(cls: type[Any]) -> Any:
    return OmegaConf.structured(cls)


def _with_points(value: Any) -> Any:
    """Whole numbers as floats, because OmegaConf does not accept 0 for 0.0 in a list of lists."""
    if isinstance(value, list):
        return [_with_points(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _fields(cls: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    return {field.name: field for field in dataclasses.fields(cls)}
