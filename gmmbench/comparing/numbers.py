"""Numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..scoring.intervals import NOTHING
from .seeds import COLUMNS

DIGITS = {
    "skill": 3,
    "psnr": 1,
    "psnr_held_out": 1,
    "log_likelihood": 2,
    "log_likelihood_train": 2,
    "n_parameters": 0,
}


PAIRS = 24
"""Pairs that a person is shown of a table at the most."""


def pairs_shown(table: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], int]:
    """Pairs with an interval, of too many those with the best model and of neighbours; how many are left."""
    pairs = [pair for pair in table["pairs"] if pair["interval_corrected"] is not None]
    if len(pairs) <= PAIRS:
        return pairs, 0
    order = {row["model"]: place for place, row in enumerate(table["models"])}
    near = [p for p in pairs if order[p["better"]] == 0 or abs(order[p["better"]] - order[p["worse"]]) == 1]
    return near[:PAIRS], len(pairs) - len(near[:PAIRS])


def number(value: float | None, name: str) -> str:
    """A value of the score `name`, with as many digits as mean something; "" where there is none."""
    if value is None:
        return ""
    if name == "peak_bytes":
        return f"{value / 2**20:,.0f} MiB"
    if name.endswith("_seconds"):
        return seconds(value)
    digits = DIGITS.get(name, 3)
    if NOTHING < abs(value) < 0.5 * 10**-digits:
        return f"{value:.1g}"
    return f"{value:z,.{digits}f}"


def seconds(value: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= 0.995 * size:
            shown = value / size
            return f"{shown:,.0f} {unit}" if shown >= 100 else f"{shown:.3g} {unit}"
    return "0 s"


def range_of(interval: Sequence[float] | None, name: str) -> str:
    """`low to high`; "" where there is none, or it is no wider than the digits shown."""
    if interval is None:
        return ""
    low, high = (number(end, name) for end in interval)
    return "" if low == high else f"{low} to {high}"


def of_seeds(n: int, of: int) -> str:
    """How many runs stand behind a mean: `3 seeds`, or `2 of 3 seeds`."""
    return f"{n} seed{'' if n == 1 else 's'}" if n == of else f"{n} of {of} seeds"


def columns_of(table: Mapping[str, Any], section: str) -> list[str]:
    """The scores of a section that any model of the table has."""
    return [
        name
        for name, column in COLUMNS.items()
        if column.section == section and any(m["scores"][name]["mean"] is not None for m in table["models"])
    ]


def unit_of(table: Mapping[str, Any], name: str) -> str:
    """The unit of a column, where its numbers do not bring their own and all models share it."""
    units = {row["scores"][name]["unit"] for row in table["models"]} - {""}
    if len(units) != 1 or COLUMNS[name].section == "cost":
        return ""
    title, unit = COLUMNS[name].title.partition(",")[0], str(units.pop())
    return "" if unit == title else unit.removeprefix(f"{title}, ")


def gain_of(row: Mapping[str, Any]) -> float | None:
    """The gain of the ranking, or of a model that stands in none its mean over seeds."""
    found: float | None = row["gain"] if row["gain"] is not None else row["scores"]["gain"]["mean"]
    return found
