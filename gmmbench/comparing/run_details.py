"""How runs were made: the command that repeats each, its options, versions and normalisation check."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .find import FoundRun
from .schema import Comparison, RunRow, ScoredRun


@dataclass(frozen=True)
class RunDetails:
    """How a run was made.

    Attributes:
        config: every option, as JSON.
        versions: those of the libraries, where they are not the common ones.
        check: what the normalisation check found.
        image: notes on the image, and the hash of its file.
    """

    row: RunRow
    scored: ScoredRun
    config: str
    versions: str
    check: str
    image: tuple[str, ...]
    threads: int | None


def run_details(comparison: Comparison) -> list[RunDetails]:
    """How each scored run was made; empty for a comparison that was read from a file."""
    runs = comparison.sources.runs
    common = common_versions(runs)
    found = []
    for run, row in zip(runs, comparison.runs if runs else (), strict=True):
        if row.scored is None:
            continue
        versions = run.report.get("versions", {})
        found.append(
            RunDetails(
                row=row,
                scored=row.scored,
                config=json.dumps(run.report["config"], indent=1, ensure_ascii=False),
                versions="" if versions == common else _versions(versions),
                check=_check(run.report),
                image=(*run.report["image"].get("notes", []), f"sha256 {run.report['image']['sha256']}"),
                threads=run.report["cost"].get("threads"),
            )
        )
    return found


def common_versions(runs: Sequence[FoundRun]) -> Mapping[str, str]:
    """The versions behind the first run; a run with other versions lists its own."""
    return next((run.report.get("versions", {}) for run in runs if run.report), {})


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _check(report: Mapping[str, Any]) -> str:
    details = report.get("details", {})
    if (found := details.get("normalisation_check")) is not None:
        p = "none" if found["p_value"] is None else f"{found['p_value']:.3g}"
        verdict = "Normalisation check passed"
        if not found["holds"]:
            verdict = f"Normalisation check failed ({'; '.join(found['reasons'])})"
        mass = f"mass in the image {found['mass_in_box']:.6f}"
        mass += f", share of samples in it {found['share_in_box']:.5f}"
        tested = f"samples against masses over {found['tiles']} tiles, p = {p}; masses {found['how']}"
        return f"{verdict}: {mass}; {tested}."
    if (law := details.get("law")) is not None:
        return f"Its predictive distribution of colour was integrated: {law['integrated']}."
    return "A classifier: each of its probabilities is normalised, so there is nothing to check."
