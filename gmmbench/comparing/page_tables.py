"""The sortable tables of the page: columns, and cells with their text, notes and sort key."""

from __future__ import annotations

from dataclasses import dataclass

from .charts import bar
from .columns import COLUMNS, COST, RANKING, TABLES, ResultColumn
from .numbers import columns_of, number, range_of, seeds_of, unit_of
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
    names = columns_of(table, key)
    if key == RANKING:
        names = ["gain", *(name for name in names if name != "gain")]
    rows = [
        PageRow(
            model=row,
            cells=tuple(_cell(table, row, COLUMNS[name]) for name in names),
            seeds=seeds_of(len(row.seeds_counted), len(table.seeds)),
            n_seeds=len(row.seeds_counted),
            short=len(row.seeds_counted) < len(table.seeds),
        )
        for row in table.models
    ]
    columns = tuple(_column(table, COLUMNS[name]) for name in names)
    return PageTable(key, title, key == RANKING, columns, tuple(rows))


def _column(table: ImageTable, column: ResultColumn) -> PageColumn:
    ideal = isinstance(column.better, int | float)
    return PageColumn(
        title=column.title,
        unit=unit_of(table, column.name),
        note=f"{column.better:g} is ideal" if ideal else "",
        first="descending" if column.better == "higher" else "ascending",
    )


def _cell(table: ImageTable, row: ModelRow, column: ResultColumn) -> PageCell:
    score = row.scores[column.name]
    headline = column.name == "gain"
    value = row.shown_gain if headline else score.mean
    notes = [range_of(row.interval if headline else score.interval, column.name)]
    if value is not None and score.n_runs != len(row.seeds_counted):
        notes.append(seeds_of(score.n_runs, score.n_seeds))
    if value is not None and column.table != COST and _units_differ(table, column.name):
        notes.append(score.unit)  # a classifier's unit is not that of a density
    return PageCell(
        text=number(value, column.name),
        below=tuple(note for note in notes if note),
        sort=_sort_key(value, column),
        why=score.reason or "",
        bar=bar(row, table) if headline and value is not None else None,
    )


def _units_differ(table: ImageTable, name: str) -> bool:
    return len({row.scores[name].unit for row in table.models} - {""}) > 1


def _sort_key(value: float | None, column: ResultColumn) -> float | None:
    """The value or, where one value is ideal, the distance from it."""
    if value is None or not isinstance(column.better, int | float):
        return value
    return abs(value - column.better)
