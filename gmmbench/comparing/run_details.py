"""How runs were made: the command that repeats each, its options, versions and normalisation check."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..reporting.report import Report
from .find import FailedRun, FoundRun
from .schema import Comparison, RunRow, ScoredRun


@dataclass(frozen=True)
class RunDetails:
    """How a run was made.

    Attributes:
        config: every option, as JSON.
        versions: those of the libraries, where they are not the common ones.
        check: what the normalisation check found.
        verification: what verification found; "" if it was not asked for.
        image: notes on the image, and the hash of its file.
    """

    row: RunRow
    scored: ScoredRun
    config: str
    versions: str
    check: str
    verification: str
    image: tuple[str, ...]
    threads: int


def run_details(comparison: Comparison) -> list[RunDetails]:
    """How each scored run was made; empty for a comparison that was read from a file."""
    runs = comparison.sources.runs
    common = common_versions(runs)
    found = []
    for run, row in zip(runs, comparison.runs if runs else (), strict=True):
        if row.scored is None or not isinstance(run, FoundRun):
            continue
        report = run.report
        found.append(
            RunDetails(
                row=row,
                scored=row.scored,
                config=json.dumps(report.config.tree(), indent=1, ensure_ascii=False),
                versions="" if report.versions == common else _versions(report.versions),
                check=_check(report),
                verification=_verification(report),
                image=(*report.image.notes, f"sha256 {report.image.sha256}"),
                threads=report.cost.threads,
            )
        )
    return found


def common_versions(runs: Sequence[FoundRun | FailedRun]) -> Mapping[str, str]:
    """The versions behind the first run; a run with other versions lists its own."""
    return next((run.report.versions for run in runs if isinstance(run, FoundRun)), {})


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _verification(report: Report) -> str:
    found = report.verification
    if found.verified is None:
        return ""
    return f"{'Verified' if found.verified else 'Not verified'}: {found.why}."


def _check(report: Report) -> str:
    if (found := report.details.normalisation_check) is not None:
        p = "none" if found.p_value is None else f"{found.p_value:.3g}"
        verdict = "Normalisation check passed"
        if not found.holds:
            verdict = f"Normalisation check failed ({'; '.join(found.reasons)})"
        mass = "none" if found.mass_in_box is None else f"{found.mass_in_box:.6f}"
        shares = f"mass in the image {mass}, share of samples in it {found.share_in_box:.5f}"
        tested = f"samples against masses over {found.tiles} tiles, p = {p}; masses {found.how}"
        return f"{verdict}: {shares}; {tested}."
    if (law := report.details.law) is not None:
        return f"Its predictive distribution of colour was integrated: {law.integrated}."
    return "A classifier: each of its probabilities is normalised, so there is nothing to check."
