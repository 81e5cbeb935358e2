"""Presets: experiments that choose image, model and renderers together, and what may stand beside one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import registry
from ..errors import Refused, shown, unknown

KEY = "experiment"


def chosen(words: Sequence[str]) -> list[str]:
    """The presets that words such as "+experiment=post_points" name, several in a sweep. Raises Refused."""
    known = registry.load().experiments
    names: list[str] = []
    for word in words:
        key, _, value = word.partition("=")
        if key.lstrip("+") != KEY:
            continue
        if value.startswith("[") or names:
            several = ",".join([*names, value.strip("[]")])
            raise Refused(f"{word}: expected one preset, got several; try -m +{KEY}={several}")
        names += [name.strip() for name in value.split(",")]
    for name in names:
        if name not in known:
            raise Refused(unknown(KEY, name, known))
    return names


def check(overrides: Sequence[str]) -> None:
    """Refuse a choice beside a preset that names another: the preset's options belong to its own choices.

    Raises:
        Refused: one line that quotes both, with the words that say the same without a preset.
    """
    for name in chosen(overrides):
        own = {**choices(name), **swept(name)}
        for word in overrides:
            group, equals, choice = word.partition("=")
            if not equals or group not in own or _plain(choice) == _plain(own[group]):
                continue
            rest = [option for option in settings(name) if option.partition(".")[0] != group]
            same = ("-m " if swept(name) else "") + words({**own, group: choice}, rest)
            raise Refused(
                f"{word} beside +{KEY}={name}: expected the preset's own {group}={own[group]}, whose options "
                f"it sets, got another; try {same}"
            )


def choices(name: str) -> dict[str, str]:
    """The choices that a preset names, by group, as they would be typed."""
    defaults = registry.load().experiments[name].tree().get("defaults", [])
    named = [item for entry in defaults if isinstance(entry, dict) for item in entry.items()]
    groups = {str(key).removeprefix("override").strip().lstrip("/"): value for key, value in named}
    return {
        group: value if isinstance(value, str) else f"[{','.join(value)}]"
        for group, value in groups.items()
        if group in registry.GROUPS
    }


def settings(name: str) -> list[str]:
    """The options that a preset sets, as they would be typed: "model.components=500"."""
    tree = registry.load().experiments[name].tree()
    return list(_typed("", {key: value for key, value in tree.items() if key not in ("defaults", "hydra")}))


def swept(name: str) -> dict[str, str]:
    """What a preset that is a sweep goes through, as it would be typed; nothing of one that is a run."""
    sweeper = registry.load().experiments[name].tree().get("hydra", {}).get("sweeper", {})
    return {str(key): str(value) for key, value in sweeper.get("params", {}).items()}


def sweeping(arguments: Sequence[str]) -> bool:
    """Whether a command line is a sweep, by its flag or its preset. Raises Refused: an unknown preset."""
    return bool({"-m", "--multirun"} & set(arguments)) or any(swept(name) for name in chosen(arguments))


def words(choices: Mapping[str, str], options: Sequence[str]) -> str:
    """Choices and options as a shell takes them; lists are quoted, since a shell would expand them."""
    said = [*(f"{group}={choice}" for group, choice in choices.items()), *options]
    return " ".join(f"'{word}'" if "[" in word else word for word in said)


def _typed(prefix: str, tree: dict[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _typed(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}={value if isinstance(value, str) else shown(value)}"


def _plain(option: str) -> list[str]:
    return [part.strip() for part in option.strip("[]").split(",")]
