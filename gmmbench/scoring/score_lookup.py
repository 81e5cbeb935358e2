"""Scores as the catalogue declares them: their columns in tables, and values that bear its units."""

from __future__ import annotations

from collections.abc import Mapping

from ..results import Score
from . import catalogue
from .declaration import PARTS, TABLES, ScoreColumn, ScoreDeclaration


def columns(table: str | None = None) -> list[ScoreColumn]:
    """The columns of a table, or of all tables in their order."""
    found = [column for score in catalogue.SCORES.values() for column in _columns_of(score)]
    order = list(TABLES)
    found.sort(key=lambda column: order.index(column.table))  # stable: the order of SCORES stays
    return [column for column in found if table in (None, column.table)]


def _columns_of(score: ScoreDeclaration) -> list[ScoreColumn]:
    found: list[ScoreColumn] = []
    for table, part in score.places:
        repeated = any(column.table == table for column in found)
        title = f"{score.name}, {PARTS[part]}" if repeated else score.name
        name = f"{score.key}_{part}" if found else score.key
        found.append(ScoreColumn(name, title, table, part, score))
    return found


def score_of(
    key: str,
    view: str,
    *,
    train: float | None = None,
    held_out: float | None = None,
    overall: float | None = None,
    interval: tuple[float, float] | None = None,
    reason: str | None = None,
    held: str = "held-out pixels",
    unit: str | None = None,
    of: str | None = None,
    variant: str = "",
) -> Score:
    """A value of a declared score, with the unit and the convention of its declaration.

    Args:
        key: of the score. view: of the image.
        held: the held-out pixels in words. unit, of: where they depend on the fit.
        variant: what is added to the convention of a value that must not be ranked beside others.

    Raises:
        ValueError: the score is not declared, or not for this view.
    """
    declared = catalogue.SCORES.get(key)
    if declared is None or view not in declared.views:
        raise ValueError(_undeclared(key, view))
    entry = declared.views[view]
    return Score(
        train=train,
        held_out=held_out,
        overall=overall,
        unit=entry.unit if unit is None else unit,
        of=(entry.of if of is None else of).replace("{held}", held),
        convention=entry.convention + variant,
        reason=reason,
        interval=interval,
    )


def complete(values: Mapping[str, Score], view: str) -> dict[str, Score]:
    """Every score of the catalogue in its order; a score that the view does not have is empty, with a reason.

    Raises:
        ValueError: a value is not declared for the view, or a declared one is missing.
    """
    for key in values:
        if key not in catalogue.SCORES or view not in catalogue.SCORES[key].views:
            raise ValueError(_undeclared(key, view))
    missing = [key for key, score in catalogue.SCORES.items() if view in score.views and key not in values]
    if missing:
        raise ValueError(
            f"scores of {view}: expected a value of {', '.join(missing)}, as gmmbench/scoring/catalogue.py "
            f"declares, got none; try to return it from the scorer of {view}"
        )
    return {key: values.get(key, Score(reason=score.elsewhere)) for key, score in catalogue.SCORES.items()}


def _undeclared(key: str, view: str) -> str:
    return (
        f"scores of {view}: expected keys that gmmbench/scoring/catalogue.py declares for {view}, got {key}; "
        "try to declare it there"
    )
