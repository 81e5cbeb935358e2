"""Compare the runs in some folders: rank those that may be ranked, and say why others are not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from . import answers
from .columns import COLUMNS, PARETO_COSTS
from .curves import curves
from .find import FailedRun, FoundRun, find
from .grouping import Group, Sources, comparable, groups, model_labels
from .image_tests import over_images
from .reproduce import command
from .schema import Comparison, ImageTable, ModelRow, RunRow, ScoredRun
from .seed_means import seed_means
from .verdicts import Ranking, judge, name_order, pareto_front

__all__ = ["compare", "find"]


def compare(folders: Iterable[str | Path]) -> Comparison:
    """Compare the runs at or below the folders; nothing is written.

    A table has one image, view, hold-out and convention. In it the gain of each model at a pixel is
    averaged over the seeds that all ranked models share and that hold the pixel out: docs/comparison.md.

    Raises Refused: a folder does not exist, or there is no run in any.
    """
    runs = find(folders)
    finished = [run for run in runs if isinstance(run, FoundRun)]
    labels = model_labels(finished)
    found = groups(finished, labels)
    counted = {
        id(same): by_seed[0]
        for group in found
        for seeds in group.runs.values()
        for by_seed in seeds.values()
        for same in by_seed
    }
    label_of = {id(run): label for run, label in zip(finished, labels, strict=True)}
    rows = tuple(
        _failed_row(run) if isinstance(run, FailedRun) else _run_row(run, label_of[id(run)], counted[id(run)])
        for run in runs
    )
    tables = tuple(_table(group, judge(group)) for group in found)
    across = over_images(tables)
    return Comparison(
        answer=answers.overall(tables, across),
        notes=answers.notes(rows),
        runs=rows,
        tables=tables,
        across_images=across,
        sources=Sources(tuple(runs), tuple(found)),
    )


def _failed_row(run: FailedRun) -> RunRow:
    failure = run.failure
    return RunRow(run.folder, failure.kind, failure.reason, " ".join(failure.overrides), None)


def _run_row(run: FoundRun, label: str, counted: FoundRun) -> RunRow:
    """The row of a run; `counted` is the run of the same fit that counts, which may be itself."""
    report = run.report
    reasons = [*report.not_ranked, *(f"render={k}: {v}" for k, v in report.failed.items())]
    status = "crashed" if report.failed else "ranked" if report.ranked else "not ranked"
    original = counted if counted is not run else None
    scored = ScoredRun(
        image=report.image.name,
        view=report.image.view,
        model=label,
        seed=report.seed,
        hold_out=report.hold_out,
        hold_out_block=report.hold_out_block,
        convention=report.scores["gain"].convention,
        same_fit_as=None if original is None else original.folder,
        same_numbers=None if original is None else _same_numbers(run, original),
        alarms="; ".join(report.alarms),
        scores={name: column.value(report) for name, column in COLUMNS.items()},
        command=command(report),
        verified=report.verification.verified,
    )
    return RunRow(run.folder, status, "; ".join(reasons), "", scored)


def _same_numbers(run: FoundRun, other: FoundRun) -> bool:
    pairs = [(run.report.scores[key], other.report.scores[key]) for key in ("gain", "log_likelihood")]
    return all((own.train, own.held_out) == (its.train, its.held_out) for own, its in pairs)


def _table(group: Group, verdict: Ranking) -> ImageTable:
    report, image = group.report, group.report.image
    models = sorted((_model_row(group, verdict, label) for label in group.runs), key=_place)
    order = {row.model: place for place, row in enumerate(models)}
    pairs = sorted(verdict.pairs, key=lambda pair: (order[pair.better], order[pair.worse]))
    gains = {row.model: None if row.lower_bound else row.gain for row in models}
    table = ImageTable(
        title=group.title,
        image=image.name,
        view=image.view,
        height=image.height,
        width=image.width,
        sha256=image.sha256,
        hold_out=report.hold_out,
        hold_out_block=report.hold_out_block,
        convention=comparable(report),
        unit=report.scores["gain"].unit,
        seeds=group.seeds,
        seeds_compared=group.shared,
        seed_notes=answers.seed_notes(group),
        has_ranking=bool(verdict.letters),
        models=tuple(models),
        pairs=tuple(pairs),
        pareto_fronts={
            cost: pareto_front(gains, {row.model: row.scores[cost].mean for row in models})
            for cost in PARETO_COSTS
        },
        curves=curves(models),
    )
    return replace(table, answer=answers.table_answer(table))


def _model_row(group: Group, verdict: Ranking, label: str) -> ModelRow:
    by_seed, counted = group.runs[label], group.counted(label)
    model = next(iter(by_seed.values()))[0].report.model
    return ModelRow(
        model=label,
        option=model.option,
        parameters=model.parameters,
        letters=verdict.letters.get(label, ()),
        not_ranked=group.reasons[label] or verdict.reasons.get(label, ""),
        gain=verdict.means.get(label),
        lower_bound=group.has_bound(label),
        interval=verdict.intervals.get(label),
        seeds=tuple(sorted(by_seed)),
        seeds_counted=tuple(sorted(counted)),
        scores=seed_means([run.report for run in counted.values()], len(group.seeds)),
        verified=bool(counted) and all(run.report.verification.verified for run in counted.values()),
    )


def _place(row: ModelRow) -> tuple[bool, float, Sequence[str | int]]:
    """Ranked models first, by gain, then by name; a model without a gain comes last."""
    gain = row.shown_gain
    return not row.letters, math.inf if gain is None else -gain, name_order(row.model)
