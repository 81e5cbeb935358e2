"""Errors of Hydra and OmegaConf as one line: what was expected, what came, and what to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationResolutionError,
    OmegaConfBaseException,
)

from .. import registry
from ..errors import Refused, nearest, unknown
from ..options import renamed, renaming
from . import presets
from .grammar import quoted
from .search_path import composed
from .settings import Settings, StoreSettings

MERGING = "Error merging override "
"""The beginning of Hydra's message if a value has the wrong structure."""

EXTRAS = {"submitit": "slurm", "ray": "ray", "optuna": "optuna"}
"""The packages that launchers and sweepers need, and our extra that installs each."""


def explain(error: BaseException, overrides: Sequence[str]) -> str:
    """One line for an error of Hydra or OmegaConf, given the overrides that led to it."""
    links = list(_chain(error))
    found = [line for link in links if (line := _by_error(link, overrides)) is not None]
    found += [line for word in overrides if (line := _by_word(word, links)) is not None]
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return [*found, f"config: {first}; try --help"][0]


def _by_error(link: BaseException, overrides: Sequence[str]) -> str | None:
    """The line for one error of a chain; None if it says nothing useful."""
    if (line := _by_launcher(link)) is not None:
        return line
    if isinstance(link, MissingConfigException) and link.missing_cfg_file:
        group, _, option = str(link.missing_cfg_file).rpartition("/")
        line = unknown(group or "config", option, link.options or registry.load().choices.get(group, {}))
        own_file = group == "image" and "." in option
        return line + (f"; for a file of your own, image.path={option}" if own_file else "")
    if isinstance(link, ConfigAttributeError | ConfigKeyError) and link.full_key:
        return _unknown_key(str(link.full_key), overrides)
    if isinstance(link, OverrideParseException):
        return (
            f"{link.override}: expected key=value, got something else; "
            "try quotes around a value with special characters"
        )
    if isinstance(link, HydraException) and str(link):
        return _by_text(str(link).splitlines()[0], overrides)
    return None


def _by_launcher(link: BaseException) -> str | None:
    """The line for a launcher or sweeper that refuses its options or is not installed; otherwise None."""
    if isinstance(link, Refused):
        return str(link)
    group, package = "hydra/launcher", link.name if isinstance(link, ModuleNotFoundError) else None
    if isinstance(link, MissingConfigException):
        group, _, package = str(link.missing_cfg_file).rpartition("/")
    if package not in EXTRAS or group not in ("hydra/launcher", "hydra/sweeper"):
        return None
    install = f"pip install 'gmmbench[{EXTRAS[package]}]'"
    return f"{group}: expected the package {package}, got none; try {install}"


def _by_text(text: str, overrides: Sequence[str]) -> str | None:
    """The line for an error of Hydra that only its message identifies; otherwise None."""
    if text.startswith("Ambiguous value for argument"):
        word = text.partition("'")[2].rpartition("'")[0]
        return f"{word}: expected one value, got several; try -m for a sweep, or [a,b] for a list"
    if text.startswith("Could not append to config"):
        return f"{text.rstrip('.')}; try it without the +"
    if text.startswith(MERGING):
        key, _, value = text[len(MERGING) :].partition("=")
        usual = OmegaConf.select(_usual(overrides), key)
        return f"{key}: expected a value such as {usual}, got {value}; try {key}={usual}"
    return None


def _by_word(word: str, links: Sequence[BaseException]) -> str | None:
    """The line for an override that makes Hydra fail without naming it; otherwise None."""
    group, _, option = word.partition("=")
    if "${" in option and any(isinstance(link, InterpolationResolutionError) for link in links):
        return f"{group}: expected a value, got {option}, which refers to no key; try {group}=VALUE"
    if group in registry.GROUPS and option in ("", "null"):
        names = ", ".join(registry.load().choices[group])
        return f"{group}: expected one of {names}, got {option or 'nothing'}"
    return None


def _unknown_key(key: str, overrides: Sequence[str]) -> str:
    keys = list(dict.fromkeys([*registry.GROUPS, *_flat_keys(OmegaConf.to_container(_usual(overrides)))]))
    if key in keys:  # one choice of the sweep has it, and another does not
        return (
            f"{key}: expected an option of every choice in the sweep, got one that some lack; try two sweeps"
        )
    if (line := _renamed(key, overrides)) is not None:
        return line
    near = nearest(key, keys)
    parent = key.rpartition(".")[0]
    siblings = [known.rpartition(".")[2] for known in keys if known.rpartition(".")[0] == parent]
    expected = f"one of {', '.join(siblings)}" if siblings else "a key that exists"
    return f"{key}: expected {expected}, got an unknown key" + (f"; try {near}" if near else "")


def _renamed(key: str, overrides: Sequence[str]) -> str | None:
    """The line for a key that is a former name of an option; otherwise None."""
    parent, _, old = key.rpartition(".")
    values = [value for word in overrides for name, _, value in [word.partition("=")] if name == key]
    for cls in _classes(parent, overrides):
        if (new := renamed(cls, old)) is not None:
            return renaming(f"{parent}." if parent else "", old, new, values[-1] if values else "VALUE")
    return None


def _classes(parent: str, overrides: Sequence[str]) -> Iterator[type[Any]]:
    """The dataclasses whose options may follow a key: in a sweep, those of all its choices."""
    if parent in ("", "store"):
        yield StoreSettings if parent else Settings
        return
    known = registry.load()
    group, _, choice = parent.partition(".")
    named = [word.partition("=")[2].split(",") for word in overrides if word.startswith(f"{group}=")]
    for name in [choice] if choice else [name for names in named for name in names]:
        if name in known.choices.get(group, {}):
            chosen = str(known.choices[group][name].tree().get("name"))
            yield from filter(None, [known.classes[group].get(chosen)])
    usual = OmegaConf.select(_usual(overrides), f"{parent}.name")
    yield from filter(None, [known.classes.get(group, {}).get(str(usual))])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _usual(overrides: Sequence[str]) -> DictConfig:
    """The config with the choices of the overrides, if they exist, and every option at its default."""
    keys = (*registry.GROUPS, presets.KEY)
    groups = [word for word in overrides if word.partition("=")[0].lstrip("+") in keys]
    try:
        cfg = composed([quoted(word, sweep=False) for word in groups if "," not in word or "[" in word])
    except (HydraException, OmegaConfBaseException):
        cfg = composed([])
    del cfg["hydra"]
    return cfg


def _flat_keys(tree: Any, prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat_keys(value, f"{prefix}{key}.")
