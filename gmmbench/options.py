"""Options: dataclass fields that know their range, their former names, and how to check themselves."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import Refused, nearest, shown


def option(
    default: Any,
    help: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[str] | None = None,
    formerly: Sequence[str] = (),
) -> Any:
    """A dataclass field with a default, one line of help, and the values it may take.

    Args:
        default: the default value; a list is copied for each instance.
        help: what the option does, with its unit.
        low, high: the inclusive range of a number, or of each number in a list.
        above, below: the exclusive range of the same.
        choices: the values that a text may have.
        formerly: names that this option had before; using one is refused with a line that gives the new name.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Brush:
        ...     size: float = option(2.0, "width of a stroke, pixels", above=0)
        >>> Brush().size
        2.0
    """
    limits = {"low": low, "high": high, "above": above, "below": below, "choices": choices}
    metadata = {"help": help, **{key: value for key, value in limits.items() if value is not None}}
    if formerly:
        metadata["formerly"] = tuple(formerly)
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def check_options(holder: Any, cls: Any = None) -> None:
    """Check the fields of a dataclass against their annotations and options.

    Args:
        holder: an instance of a dataclass.
        cls: the dataclass whose fields are checked: that of the instance, or one it inherits from.

    Raises:
        Refused: naming the field, what was expected, what came, and the default to try.
    """
    kinds = typing.get_type_hints(cls or type(holder))
    for field in dataclasses.fields(cls or holder):
        value = getattr(holder, field.name)
        if not _fits(value, kinds[field.name], field.metadata):
            raise Refused(refusal(field, kinds[field.name], value))


def refusal(field: dataclasses.Field[Any], kind: Any, value: Any) -> str:
    """The line that refuses `value` for `field`: expected, got, try."""
    choices = field.metadata.get("choices")
    advice = nearest(value, choices) if choices and isinstance(value, str) else None
    if advice is None:
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        advice = None if default is dataclasses.MISSING else shown(default)
    expected = expectation(kind, field.metadata)
    return f"{field.name}: expected {expected}, got {shown(value)}" + (f"; try {advice}" if advice else "")


def renamed(cls: Any, name: str) -> str | None:
    """The present name of a dataclass's option that was called `name` before; None if there is none."""
    fields = dataclasses.fields(cls)
    if any(field.name == name for field in fields):
        return None
    return next((field.name for field in fields if name in field.metadata.get("formerly", ())), None)


def renaming(prefix: str, old: str, new: str, value: str) -> str:
    """The line that refuses an option's former name, with the user's value under the new one.

    Args:
        prefix: what stands before the name, such as "model.".
        old: the name that was used.
        new: the option's present name.
        value: the user's value as it is typed.
    """
    return f"{prefix}{old}: expected its new name, {prefix}{new}; try {prefix}{new}={value}"


def check_names(cls: Any, names: Mapping[str, Any]) -> None:
    """Refuse arguments of a dataclass that bear the former name of one of its options.

    Raises:
        Refused: naming the option's present name.
    """
    for old, value in names.items():
        if (new := renamed(cls, old)) is not None:
            raise Refused(renaming("", old, new, shown(value)))


def expectation(kind: Any, limits: Mapping[str, Any]) -> str:
    """An option's type and range as text, such as "a whole number >= 1"."""
    if "choices" in limits:
        return "one of " + ", ".join(limits["choices"])
    kind, optional = _without_none(kind)
    if typing.get_origin(kind) is list:
        (inner,) = typing.get_args(kind)
        words = "a list, each item " + expectation(inner, limits)
    else:
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]
        bounds = [
            f"{sign} {limits[key]}"
            for key, sign in (("low", ">="), ("above", ">"), ("high", "<="), ("below", "<"))
            if key in limits
        ]
        words = " ".join([words, " and ".join(bounds)]).strip()
    return words + (" or null" if optional else "")


def _without_none(kind: Any) -> tuple[Any, bool]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        return inner[0], True
    return kind, False


def _fits(value: Any, kind: Any, limits: Mapping[str, Any]) -> bool:
    kind, optional = _without_none(kind)
    if value is None:
        return optional
    if typing.get_origin(kind) is list:
        (inner,) = typing.get_args(kind)
        return (
            isinstance(value, list | tuple)
            and len(value) > 0
            and all(_fits(item, inner, limits) for item in value)
        )
    if kind in (bool, str):
        return isinstance(value, kind) and ("choices" not in limits or value in limits["choices"])
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        return False
    return (
        math.isfinite(value)
        and value >= limits.get("low", value)
        and value <= limits.get("high", value)
        and ("above" not in limits or value > limits["above"])
        and ("below" not in limits or value < limits["below"])
    )
