"""The columns of a comparison: each score of a report and each cost, with its title, unit and digits."""

from __future__ import annotations

from dataclasses import dataclass

from ..reporting.report import Report
from ..results import Score
from ..scoring import declaration, score_lookup
from ..scoring.declaration import Better, ScoreColumn

RANKING, COST = "generalisation", "cost"


@dataclass(frozen=True)
class ResultColumn:
    """A number of a report that is averaged over seeds.

    Attributes:
        name: its key in comparisons. title: what people read.
        table: the key of its table.
        path: its place in a report: the key of a score and its part, or `cost` or `fit` and a field.
        unit: of a cost; that of a score is in the report.
    """

    name: str
    title: str
    table: str
    path: tuple[str, str]
    better: Better = None
    digits: int = 3
    unit: str = ""

    def value(self, report: Report) -> int | float | None:
        """The number in a report; None where it has none."""
        score, (place, part) = self.score(report), self.path
        found: int | float | None = getattr(getattr(report, place) if score is None else score, part)
        return found

    def score(self, report: Report) -> Score | None:
        """The score in a report; None where the column is a cost."""
        return None if self.table == COST else report.scores[self.path[0]]


TABLES = {**declaration.TABLES, COST: "Cost of a fit"}
"""The tables of an image, by key, in their order; the first is the ranking."""


def _of_score(column: ScoreColumn) -> ResultColumn:
    score = column.score
    path = (score.key, column.part)
    return ResultColumn(column.name, column.title, column.table, path, score.better, score.digits)


COSTS = (
    ResultColumn("wall_seconds", "fit time", COST, ("cost", "wall_seconds"), "lower", unit="seconds"),
    ResultColumn(
        "compile_seconds", "compile time", COST, ("cost", "compile_seconds"), "lower", unit="seconds"
    ),
    ResultColumn("score_seconds", "scoring time", COST, ("cost", "score_seconds"), "lower", unit="seconds"),
    ResultColumn("n_parameters", "parameters", COST, ("fit", "n_parameters"), "lower", 0, "parameters"),
    ResultColumn("peak_bytes", "peak memory", COST, ("cost", "peak_bytes"), "lower", unit="bytes"),
)

COLUMNS = {column.name: column for column in (*map(_of_score, score_lookup.columns()), *COSTS)}
"""Every column by its name, in the order in which tables show them."""

PARETO_COSTS = {
    "wall_seconds": "fit time, seconds",
    "n_parameters": "parameters",
    "peak_bytes": "peak memory, MiB",
}
"""The costs that the information gain is plotted against, each with the title of its axis."""
