"""Runs that may be compared, grouped; each fit is counted once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..reporting.report import Report
from ..scoring.catalogue import BOUND
from .find import FailedRun, FoundRun

IGNORED_OPTIONS = ("name", "path", "view")
"""Options of an image that say where it comes from, or that the report knows better: the view it got."""


@dataclass(frozen=True, eq=False)
class Group:
    """Runs that may be compared: of one image, view, hold-out and convention.

    Attributes:
        title: the image's name, with what distinguishes the group from others of that name.
        runs: by model and seed. Of runs of the same fit the first is counted; the others add pictures.
        seeds: that any model was run with. shared: those that all ranked models have.
        reasons: why a model is not ranked; "" where it is.
    """

    title: str
    runs: Mapping[str, Mapping[int, tuple[FoundRun, ...]]]
    seeds: tuple[int, ...]
    shared: tuple[int, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def report(self) -> Report:
        """The report of the first run: any of them has what they share."""
        return self.first.report

    @property
    def first(self) -> FoundRun:
        """The first run."""
        return _first(self.runs)

    @property
    def ranked(self) -> list[str]:
        """The models that may be ranked."""
        return [label for label, reason in self.reasons.items() if not reason]

    def has_bound(self, label: str) -> bool:
        """Whether a model's score is only a lower bound, under any of the seeds behind its means."""
        return any(
            run.report.scores["gain"].convention.endswith(BOUND) for run in self.counted(label).values()
        )

    def counted(self, label: str) -> dict[int, FoundRun]:
        """The runs behind a model's means: of the shared seeds if it is ranked, otherwise all."""
        seeds = self.shared if not self.reasons[label] else self.runs[label]
        return {seed: self.runs[label][seed][0] for seed in seeds}


@dataclass(frozen=True, eq=False)
class Sources:
    """The runs behind a comparison: all of them, and a group for each table."""

    runs: tuple[FoundRun | FailedRun, ...] = ()
    groups: tuple[Group, ...] = ()


def model_labels(runs: Sequence[FoundRun]) -> list[str]:
    """For each run the name of its model, with the options in which the runs of that model differ."""
    values: dict[str, dict[str, set[str]]] = {}
    for run in runs:
        for key, value in run.report.model.parameters.items():
            by_option = values.setdefault(run.report.model.option, {})
            by_option.setdefault(key, set()).add(_text(value))
    labels = []
    for run in runs:
        choice, options = run.report.model.option, run.report.model.parameters
        varied = [f"{key}={_text(options[key])}" for key in sorted(options) if len(values[choice][key]) > 1]
        labels.append(" ".join([choice, *varied]))
    return labels


def groups(runs: Sequence[FoundRun], labels: Sequence[str]) -> list[Group]:
    """The runs grouped by what may be compared, in the order of their titles; `labels` name their models."""
    keyed: dict[str, dict[str, dict[int, list[FoundRun]]]] = {}
    for run, label in zip(runs, labels, strict=True):
        by_seed = keyed.setdefault(_key(run.report), {}).setdefault(label, {})
        by_seed.setdefault(run.report.seed, []).append(run)
    titles = _titles({key: _first(models).report.image.name for key, models in keyed.items()})
    found = []
    for key in sorted(keyed, key=lambda key: (titles[key], key)):
        by_model = {
            # a run with maps is counted before one whose maps are gone
            label: {
                seed: tuple(sorted(same, key=lambda run: not run.has_maps)) for seed, same in seeds.items()
            }
            for label, seeds in keyed[key].items()
        }
        found.append(_with_shared_seeds(titles[key], by_model))
    return found


def _with_shared_seeds(title: str, runs: Mapping[str, Mapping[int, tuple[FoundRun, ...]]]) -> Group:
    seeds = tuple(sorted({seed for by_seed in runs.values() for seed in by_seed}))
    reasons = {label: _not_ranked(by_seed) for label, by_seed in runs.items()}
    reasons |= _without_a_common_seed({label: runs[label] for label, reason in reasons.items() if not reason})
    ranked = [label for label, reason in reasons.items() if not reason]
    shared = tuple(seed for seed in seeds if ranked and all(seed in runs[label] for label in ranked))
    return Group(title, runs, seeds, shared, reasons)


def _without_a_common_seed(runs: Mapping[str, Mapping[int, Sequence[FoundRun]]]) -> dict[str, str]:
    """Why models drop out so that the others have a seed in common: the seed is the one that most have."""
    times = Counter(seed for by_seed in runs.values() for seed in by_seed)
    if not runs or max(times.values()) == len(runs):
        return {}
    seed = min(times, key=lambda seed: (-times[seed], seed))
    if times[seed] == 1:
        return dict.fromkeys(runs, "the models that may be ranked have no seed in common")
    return {
        label: f"it has no run of seed {seed}, by which {times[seed]} others are compared"
        for label, by_seed in runs.items()
        if seed not in by_seed
    }


def _not_ranked(by_seed: Mapping[int, Sequence[FoundRun]]) -> str:
    """Why a model may not be ranked; "" where it may."""
    for seed, (run, *_) in sorted(by_seed.items()):
        if not run.report.ranked:
            return f"seed {seed}: {'; '.join(run.report.not_ranked)}"
        if wrong := _wrong_maps(run):
            return f"seed {seed}: {wrong}"
    return ""


def _wrong_maps(run: FoundRun) -> str:
    if not run.has_maps:
        return "scores.npz is missing"
    try:
        gain, weight, held = run.maps()
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        return f"scores.npz cannot be read: {type(error).__name__}"
    shape = (run.report.image.height, run.report.image.width)
    if not gain.shape == weight.shape == held.shape == shape:
        return f"scores.npz: expected maps of {shape[0]} x {shape[1]} pixels"
    return "" if np.isfinite(gain[held]).all() else "held-out pixels without a finite score"


def _first(models: Mapping[str, Mapping[int, Sequence[FoundRun]]]) -> FoundRun:
    return next(iter(next(iter(models.values())).values()))[0]


def _key(report: Report) -> str:
    """What runs must share to be compared. Another threshold makes another image, another name does not."""
    image = report.image
    options = {key: value for key, value in report.config.image.items() if key not in IGNORED_OPTIONS}
    return json.dumps(
        {
            "view": image.view,
            "sha256": image.sha256,
            "size": f"{image.width} x {image.height}",
            **{f"image.{key}": value for key, value in sorted(options.items())},
            "hold_out": report.hold_out,
            "hold_out_block": report.hold_out_block,
            "convention": comparable(report),
        }
    )


def comparable(report: Report) -> str:
    """The convention by which a report's gain is compared: lower bounds are shown beside exact scores."""
    return report.scores["gain"].convention.removesuffix(BOUND)


def _titles(names: Mapping[str, str]) -> dict[str, str]:
    """The image's name by key; where keys share a name, it is followed by what distinguishes them."""
    titles = {}
    for key, name in names.items():
        own = json.loads(key)
        same = [json.loads(other) for other in names if names[other] == name]
        parts = list(dict.fromkeys(part for other in same for part in other))
        apart = [
            part for part in parts if len({_text(other.get(part)) for other in same}) > 1 and part in own
        ]
        distinct = [f"{part}={own[part][:8] if part == 'sha256' else own[part]}" for part in apart]
        titles[key] = ", ".join([name, *distinct])
    return titles


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).strip('"')
