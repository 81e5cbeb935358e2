"""Means over seeds with Student's intervals, and how many runs are behind each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from ..reporting.report import Report
from ..scoring.intervals import LEVEL
from .columns import COLUMNS, COST, ResultColumn
from .schema import SeedMean

LEAST_RUNS = 3
"""With fewer runs a mean has no interval."""


def seed_means(reports: Sequence[Report], n_seeds: int) -> dict[str, SeedMean]:
    """The mean of each column over the runs of a model, out of `n_seeds` seeds.

    The interval is mean +- t sd / sqrt(n) with Student's t on n - 1 degrees of freedom: what another split
    and initialization would change, not what another image would. With fewer than LEAST_RUNS runs there is
    none: of two, t on one degree of freedom is 12.7 times the standard error, so the values say more.
    """
    return {name: _mean(reports, column, n_seeds) for name, column in COLUMNS.items()}


def _mean(reports: Sequence[Report], column: ResultColumn, n_seeds: int) -> SeedMean:
    values = [x for report in reports if (x := column.value(report)) is not None]
    n = len(values)
    scores = [score for report in reports if (score := column.score(report)) is not None]
    reason = next((score.reason for score in scores if score.reason), None)
    mean = float(np.mean(values)) if n else None
    sd = float(np.std(values, ddof=1)) if n > 1 else None
    interval = None
    if mean is not None and sd is not None and n >= LEAST_RUNS:
        reach = float(student.ppf(0.5 + LEVEL / 2, n - 1)) * sd / n**0.5
        # no cost is negative
        interval = (max(0.0, mean - reach) if column.table == COST else mean - reach, mean + reach)
    return SeedMean(
        mean=mean,
        sd=sd,
        interval=interval,
        values=tuple(map(float, values)),
        n_runs=n,
        n_seeds=n_seeds,
        unit=column.unit or next((score.unit for score in scores if score.unit), ""),
        reason=reason if not n else None,
    )
