"""Values as they are typed on the command line, in the grammar of Hydra's overrides.

All overrides that are written, for a user or for Hydra, get their values from here. The module imports no
library, so that a comparison can use it; tests compare it with Hydra's parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_/][\w./:@%+-]*")
_WORDS = ("null", "true", "false", "nan", "inf")
"""Texts that the grammar reads as values of another type, in upper or lower case."""


def written(value: Any) -> str:
    """A value as an override has it, quoted where it must be.

    Example:
        >>> print(written([0.5, None, "two words", "log"]))
        [0.5,null,"two words",log]
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(float(value)) if isinstance(value, float) else str(int(value))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{written(item)}" for key, item in value.items()) + "}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else quoted_text(text)


def quoted_text(text: str) -> str:
    """A text in double quotes, in which no character has a meaning.

    A backslash counts in Hydra only before a quote, and in OmegaConf only before `${`, which begins an
    interpolation: there backslashes are doubled and one is put before the quote, or before `${`.
    """
    literal = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    return '"' + re.sub(r'(\\*)"', r'\1\1\\"', re.sub(r"(\\+)$", r"\1\1", literal)) + '"'
