"""The sortable tables of the page: columns, and cells with their text, notes and sort key."""

from __future__ import annotations

from dataclasses import dataclass

from .charts import bar
from .columns import COLUMNS, RANKING, TABLES, ResultColumn
from .numbers import ShownColumn, columns_of, gain_text, number, range_of, seeds_of, spread_of
from .schema import ImageTable, ModelRow


@dataclass(frozen=True)
class PageColumn:
    """A column; `first` is the direction in which a click sorts it first."""

    title: str
    unit: str
    note: str
    first: str


@dataclass(frozen=True)
class PageCell:
    """A cell.

    Attributes:
        text: the number. below: its interval and what else is to be said of it.
        sort: what sorts the column; None for a missing value, which is sorted last.
        why: the reason why there is no value.
        bar: per cent of the largest gain, for the bar below it; None for none.
    """

    text: str
    below: tuple[str, ...]
    sort: float | None
    why: str
    bar: float | None


@dataclass(frozen=True)
class PageRow:
    """A model in a sortable table."""

    model: ModelRow
    cells: tuple[PageCell, ...]
    seeds: str
    n_seeds: int
    short: bool


@dataclass(frozen=True)
class PageTable:
    """A sortable table of the page."""

    key: str
    title: str
    ranking: bool
    columns: tuple[PageColumn, ...]
    rows: tuple[PageRow, ...]


def page_tables(table: ImageTable) -> tuple[PageTable, ...]:
    """The tables of an image, the ranking first; a table without any value is left out."""
    return tuple(
        _page_table(table, key, title)
        for key, title in TABLES.items()
        if key == RANKING or columns_of(table, key)
    )


def _page_table(table: ImageTable, key: str, title: str) -> PageTable:
    shown = columns_of(table, key)
    if key == RANKING:
        gain = ShownColumn("gain", table.unit, table.unit)
        shown = [gain, *(column for column in shown if column.name != "gain")]
    rows = [
        PageRow(
            model=row,
            cells=tuple(_cell(table, row, column) for column in shown),
            seeds=seeds_of(len(row.seeds_counted), len(table.seeds)),
            n_seeds=len(row.seeds_counted),
            short=len(row.seeds_counted) < len(table.seeds),
        )
        for row in table.models
    ]
    return PageTable(key, title, key == RANKING, tuple(map(_column, shown)), tuple(rows))


def _column(shown: ShownColumn) -> PageColumn:
    column = COLUMNS[shown.name]
    ideal = isinstance(column.better, int | float)
    return PageColumn(
        title=column.title,
        unit=shown.heading,
        note=f"{column.better:g} is ideal" if ideal else "",
        first="descending" if column.better == "higher" else "ascending",
    )


def _cell(table: ImageTable, row: ModelRow, shown: ShownColumn) -> PageCell:
    score = shown.score(row)
    if score is None:
        return PageCell("", (), None, f"in another unit, {row.scores[shown.name].unit}", None)
    column = COLUMNS[shown.name]
    headline = shown.name == "gain"
    value = row.shown_gain if headline else score.mean
    notes = [range_of(row.interval, "gain") if headline else spread_of(score, shown.name)]
    if value is not None and score.n_runs != len(row.seeds_counted):
        notes.append(seeds_of(score.n_runs, score.n_seeds))
    return PageCell(
        text=gain_text(row) if headline else number(value, shown.name),
        below=tuple(note for note in notes if note),
        sort=_sort_key(value, column),
        why=score.reason or "",
        bar=bar(row, table) if headline and value is not None else None,
    )


def _sort_key(value: float | None, column: ResultColumn) -> float | None:
    """The value or, where one value is ideal, the distance from it."""
    if value is None or not isinstance(column.better, int | float):
        return value
    return abs(value - column.better)
