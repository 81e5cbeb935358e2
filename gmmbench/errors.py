"""Errors for users, as one line: what was expected, what came, and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class Refused(ValueError):  # noqa: N818 - a refusal is an answer to the user
    """What the user asked for cannot be done. The message is one line: expected, got, try."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name closest to a misspelt one; None if none is close."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)), None)


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """The line that refuses an unknown name: the known names, and the nearest one to try."""
    names = sorted(known)
    near = nearest(word, names)
    return f"{what}: expected one of {', '.join(names)}, got {word!r}" + (f"; try {near}" if near else "")


def shown(value: Any) -> str:
    """A value as a user would type it in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(shown(item) for item in value) + "]"
    return str(value)
