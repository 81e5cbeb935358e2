"""Numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..scoring.intervals import NOTHING
from .columns import COLUMNS, COST
from .schema import ImageTable, Interval, ModelRow, PairRow, SeedMean

MOST_PAIRS = 24
"""Pairs of a table that a person is shown."""


def pairs_shown(table: ImageTable) -> tuple[list[PairRow], int]:
    """The pairs with an interval, and the number left out; of many, the best's and neighbours' stay."""
    pairs = [pair for pair in table.pairs if pair.interval_corrected is not None]
    if len(pairs) <= MOST_PAIRS:
        return pairs, 0
    order = {row.model: place for place, row in enumerate(table.models)}
    near = [p for p in pairs if order[p.better] == 0 or abs(order[p.better] - order[p.worse]) == 1]
    return near[:MOST_PAIRS], len(pairs) - len(near[:MOST_PAIRS])


def number(value: float | None, name: str) -> str:
    """A value of the column `name` with the digits that mean something; "" where there is none."""
    if value is None:
        return ""
    column = COLUMNS[name]
    if column.unit == "bytes":
        return f"{value / 2**20:,.0f} MiB"
    if column.unit == "seconds":
        return seconds(value)
    if NOTHING < abs(value) < 0.5 * 10**-column.digits:
        return f"{value:.1g}"
    return f"{value:z,.{column.digits}f}"


def seconds(value: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= 0.995 * size:
            shown = value / size
            return f"{shown:,.0f} {unit}" if shown >= 100 else f"{shown:.3g} {unit}"
    return "0 s"


def range_of(interval: Interval | Sequence[float] | None, name: str) -> str:
    """`low to high`; "" where there is none, or where it is no wider than the digits shown."""
    if interval is None:
        return ""
    low, high = (number(end, name) for end in interval)
    return "" if low == high else f"{low} to {high}"


def seeds_of(n: int, of: int) -> str:
    """How many runs are behind a mean: `3 seeds`, or `2 of 3 seeds`."""
    return f"{n} seed{'' if n == 1 else 's'}" if n == of else f"{n} of {of} seeds"


def spread_of(score: SeedMean, name: str) -> str:
    """What is known of the spread over seeds: the interval, both values of two seeds, or ""."""
    if score.interval is not None:
        return range_of(score.interval, name)
    if len(score.values) != 2:
        return ""
    one, other = (number(value, name) for value in score.values)
    return "" if one == other else f"{one} and {other}"


def gain_text(row: ModelRow) -> str:
    """The information gain of a model, a lower bound with its sign."""
    text = number(row.shown_gain, "gain")
    return f"\N{GREATER-THAN OR EQUAL TO} {text}" if row.lower_bound and text else text


@dataclass(frozen=True)
class ShownColumn:
    """A column of numbers that share a unit; `heading` is the unit that its heading shows."""

    name: str
    unit: str
    heading: str

    def score(self, row: ModelRow) -> SeedMean | None:
        """A model's score; None where it is in another unit."""
        score = row.scores[self.name]
        return score if score.mean is None or score.unit == self.unit else None


def columns_of(image_table: ImageTable, table: str) -> list[ShownColumn]:
    """The columns of a table of COLUMNS that any model has a value of: one for each unit of a score."""
    return [
        ShownColumn(name, unit, _heading(name, unit))
        for name, column in COLUMNS.items()
        if column.table == table
        for unit in _units(image_table, name)
    ]


def _units(table: ImageTable, name: str) -> list[str]:
    scores = (row.scores[name] for row in table.models)
    return list(dict.fromkeys(score.unit for score in scores if score.mean is not None))


def _heading(name: str, unit: str) -> str:
    """The unit of a column, unless its numbers or its title bear it."""
    if COLUMNS[name].table == COST:
        return ""
    title = COLUMNS[name].title.partition(",")[0]
    return "" if unit == title else unit.removeprefix(f"{title}, ")
