"""Means over seeds with Student's intervals, and how many runs stand behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from ..scoring.intervals import LEVEL


@dataclass(frozen=True)
class Column:
    """A score in a table: where it stands in a report, and which way is better (1 up, -1 down, 0 neither)."""

    section: str
    key: str
    part: str
    title: str
    better: int = 0


COLUMNS = {
    "gain": Column("generalisation", "gain", "held_out", "gain", 1),
    "skill": Column("generalisation", "skill", "held_out", "skill", 1),
    "ceiling": Column("generalisation", "ceiling", "held_out", "ceiling"),
    "bits_per_dim": Column("generalisation", "bits_per_dim", "held_out", "bits per dimension", -1),
    "expected_ink": Column("generalisation", "expected_ink", "held_out", "expected ink"),
    "log_likelihood": Column("generalisation", "log_likelihood", "held_out", "log-likelihood", 1),
    "gain_train": Column("representation", "gain", "train", "gain", 1),
    "ceiling_train": Column("representation", "ceiling", "train", "ceiling"),
    "kl": Column("representation", "kl", "train", "KL divergence", -1),
    "bits_per_dim_train": Column("representation", "bits_per_dim", "train", "bits per dimension", -1),
    "log_likelihood_train": Column("representation", "log_likelihood", "train", "log-likelihood", 1),
    "psnr": Column("fidelity", "psnr", "overall", "PSNR", 1),
    "psnr_held_out": Column("fidelity", "psnr", "held_out", "PSNR, held out", 1),
    "ssim": Column("fidelity", "ssim", "overall", "SSIM", 1),
    "ssim_held_out": Column("fidelity", "ssim", "held_out", "SSIM, held out", 1),
    "wall_seconds": Column("cost", "cost", "wall_seconds", "fit", -1),
    "compile_seconds": Column("cost", "cost", "compile_seconds", "compiling", -1),
    "score_seconds": Column("cost", "cost", "score_seconds", "scoring", -1),
    "n_parameters": Column("cost", "fit", "n_parameters", "parameters", -1),
    "peak_bytes": Column("cost", "cost", "peak_bytes", "peak memory", -1),
}
"""Every score that is averaged over seeds, by its key in comparison.json."""

UNITS = {
    "wall_seconds": "seconds",
    "compile_seconds": "seconds",
    "score_seconds": "seconds",
    "n_parameters": "parameters",
    "peak_bytes": "bytes",
}
"""Of the costs; a score's unit stands in its report."""


def value(report: Mapping[str, Any], name: str) -> int | float | None:
    """A score of a report, by its key in COLUMNS; None where it has none."""
    column = COLUMNS[name]
    found: int | float | None = report.get(column.key, {}).get(column.part)
    return found


def over_seeds(reports: Sequence[Mapping[str, Any]], of: int) -> dict[str, dict[str, Any]]:
    """Each score's mean over the runs of a model, out of `of` seeds.

    The interval is Student's over seeds, mean +- t sd / sqrt(n) on n - 1 degrees of freedom: what another
    split and start would change, not what another image would. None with a single seed.
    """
    return {name: _mean(reports, name, of) for name in COLUMNS}


def _mean(reports: Sequence[Mapping[str, Any]], name: str, of: int) -> dict[str, Any]:
    column = COLUMNS[name]
    got = [x for report in reports if (x := value(report, name)) is not None]
    n = len(got)
    told = [report.get(column.key, {}) for report in reports]
    reason = next((score["reason"] for score in told if score.get("reason")), None)
    mean = float(np.mean(got)) if n else None
    sd = float(np.std(got, ddof=1)) if n > 1 else None
    interval = None
    if mean is not None and sd is not None:
        reach = float(student.ppf(0.5 + LEVEL / 2, n - 1)) * sd / n**0.5
        low = mean - reach
        # no fit takes less than nothing
        interval = (max(0.0, low) if column.section == "cost" else low, mean + reach)
    return {
        "mean": mean,
        "sd": sd,
        "interval": interval,
        "n": n,
        "of": of,
        "unit": UNITS.get(name) or next((score["unit"] for score in told if score.get("unit")), ""),
        "reason": reason if not n else None,
    }
