"""Numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DIGITS = {
    "skill": 3,
    "psnr": 1,
    "psnr_held_out": 1,
    "log_likelihood": 2,
    "log_likelihood_train": 2,
    "wall_seconds": 2,
    "compile_seconds": 2,
    "score_seconds": 2,
    "n_parameters": 0,
}


def number(value: float | None, name: str) -> str:
    """A value of the score `name`, with as many digits as mean something; "" where there is none."""
    if value is None:
        return ""
    if name == "peak_bytes":
        return f"{value / 2**20:,.0f} MiB"
    digits = DIGITS.get(name, 3)
    if value and abs(value) < 0.5 * 10**-digits:
        return f"{value:.1g}"
    return f"{value:z,.{digits}f}"


def range_of(interval: Sequence[float] | None, name: str) -> str:
    """`low to high`; "" where there is none."""
    return "" if interval is None else f"{number(interval[0], name)} to {number(interval[1], name)}"


def of_seeds(score: Mapping[str, Any]) -> str:
    """How many runs stand behind a mean: `3 seeds`, or `2 of 3 seeds`."""
    n, of = score["n"], score["of"]
    return f"{n} seed{'' if n == 1 else 's'}" if n == of else f"{n} of {of} seeds"
