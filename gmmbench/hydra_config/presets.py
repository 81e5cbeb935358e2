"""Presets: experiments that choose an image, a model and renderers together, and their overrides."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import registry
from ..errors import Refused, unknown
from ..overrides import written

KEY = "experiment"


def chosen(arguments: Sequence[str]) -> list[str]:
    """The presets named by arguments such as "+experiment=post_points"; in a sweep there may be several.

    Raises:
        Refused: a preset is unknown, or there are several in a single run.
    """
    known = registry.load().experiments
    names: list[str] = []
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key.lstrip("+") != KEY:
            continue
        if value.startswith("[") or names:
            several = ",".join([*names, value.strip("[]")])
            raise Refused(f"{argument}: expected one preset, got several; try -m +{KEY}={several}")
        names += [name.strip() for name in value.split(",")]
    for name in names:
        if name not in known:
            raise Refused(unknown(KEY, name, known))
    return names


def check(overrides: Sequence[str]) -> None:
    """Refuse a choice other than the preset's, because the preset sets options of its own choices.

    Raises:
        Refused: one line with both choices and the equivalent command without a preset.
    """
    for name in chosen(overrides):
        own = {**choices(name), **swept(name)}
        for override in overrides:
            group, equals, choice = override.partition("=")
            if not equals or group not in own or _names(choice) == _names(own[group]):
                continue
            rest = [option for option in settings(name) if option.partition(".")[0] != group]
            same = ("-m " if swept(name) else "") + in_shell({**own, group: choice}, rest)
            raise Refused(
                f"{override} with +{KEY}={name}: expected {group}={own[group]}, whose options the preset "
                f"sets, got another choice; try {same}"
            )


def choices(name: str) -> dict[str, str]:
    """The choices of a preset by group, as you would type them."""
    defaults = registry.load().experiments[name].tree().get("defaults", [])
    named = [item for entry in defaults if isinstance(entry, dict) for item in entry.items()]
    groups = {str(key).removeprefix("override").strip().lstrip("/"): value for key, value in named}
    return {
        group: value if isinstance(value, str) else f"[{','.join(value)}]"
        for group, value in groups.items()
        if group in registry.GROUPS
    }


def settings(name: str) -> list[str]:
    """The options that a preset sets, as you would type them: "model.components=500"."""
    tree = registry.load().experiments[name].tree()
    return list(overrides_of({key: value for key, value in tree.items() if key not in ("defaults", "hydra")}))


def swept(name: str) -> dict[str, str]:
    """The parameters of a preset that is a sweep, as you would type them; empty for a single run."""
    sweeper = registry.load().experiments[name].tree().get("hydra", {}).get("sweeper", {})
    return {str(key): str(value) for key, value in sweeper.get("params", {}).items()}


def sweeping(arguments: Sequence[str]) -> bool:
    """Whether a command line is a sweep, by its flag or its preset. Raises Refused if a preset is unknown."""
    return bool({"-m", "--multirun"} & set(arguments)) or any(swept(name) for name in chosen(arguments))


def in_shell(choices: Mapping[str, str], options: Sequence[str]) -> str:
    """Choices and options as you type them in a shell, quoted if the shell would change them."""
    return shlex.join([*(f"{group}={choice}" for group, choice in choices.items()), *options])


def overrides_of(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The values of a config as overrides: "model.components=500"."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from overrides_of(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={written(value)}"


def _names(choice: str) -> list[str]:
    return [part.strip() for part in choice.strip("[]").split(",")]
