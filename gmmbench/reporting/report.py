"""The report of a run as data: what report.json holds (docs/report.md), as frozen dataclasses."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ..api import LEVELS, TEST, TRAIN, VALIDATION, Density
from ..errors import Refused
from ..plain_data import plain
from ..results import Outcome, Score, ScoreDetails, Verification
from ..running.provenance import config_of, options_of, versions
from ..scoring import catalogue
from .animation import ANIMATIONS
from .report_parts import (
    PartCounts,
    PartWeights,
    ReportedConfig,
    ReportedCost,
    ReportedFit,
    ReportedImage,
    ReportedKeys,
    ReportedModel,
    ReportedPicture,
    View,
)
from .typed_json import build, check_schema, dump, parse, stored

SCHEMA = "gmmbench-report"
SCHEMA_VERSION = 3
"""Raised whenever a key changes its meaning or is removed."""

NEEDED = "gain"
"""The score that every report has; others may have been declared after the report was written."""

UNKNOWN = Score(reason="the report was written before this score was declared")


@dataclass(frozen=True)
class Report:
    """The numbers of a run, as report.json holds them; `report_markdown.to_markdown` is for people.

    Attributes:
        keys: of the run and of its fit.
        image, model: what was fitted, and by what.
        seed, hold_out, hold_out_block: as set.
        pixels: how many belong to each part of the split. points: how many of them are data.
        weight: the sum of the weights of those pixels.
        scores: every score of the catalogue, by its key. In report.json they are beside the other keys.
        ranked, not_ranked: whether the fit may be ranked, and why not.
        alarms: scores that are too good to be true; there should be none.
        details: what the scores are based on.
        fit, cost: the fit and what it cost.
        pictures: what was drawn.
        skipped, failed: why a renderer could not draw this fit, and how one crashed, by its choice.
        versions: of Python, the libraries, and the packages of the plugins used.
        config: every option.
        verification: whether the fit was made once more in isolation, and what that showed.
    """

    keys: ReportedKeys
    image: ReportedImage
    model: ReportedModel
    seed: int
    hold_out: float
    hold_out_block: int
    pixels: PartCounts
    points: PartCounts
    weight: PartWeights
    scores: Mapping[str, Score]
    ranked: bool
    not_ranked: tuple[str, ...]
    alarms: tuple[str, ...]
    details: ScoreDetails
    fit: ReportedFit
    cost: ReportedCost
    pictures: tuple[ReportedPicture, ...]
    skipped: Mapping[str, str]
    failed: Mapping[str, str]
    versions: Mapping[str, str]
    config: ReportedConfig
    verification: Verification = Verification()

    @staticmethod
    def of(outcome: Outcome) -> Report:
        """The report of an outcome."""
        run, study, scores = outcome.run, outcome.study, outcome.scores
        split, fitted = study.split, study.fitted
        weights = study.image.values if study.image.view == "ink" else np.ones(study.image.lattice.shape)
        parts = {"train": TRAIN, "validation": VALIDATION, "held_out": TEST}
        weighed = {name: weights[split.codes == code] for name, code in parts.items()}
        n_parameters = fitted.n_parameters
        return Report(
            keys=ReportedKeys(outcome.keys.run, outcome.keys.fit),
            image=_image(outcome),
            model=ReportedModel(
                option=str(run.choices.get("model", run.model.name)),
                name=run.model.name,
                parameters=_free(options_of(run.model)),
            ),
            seed=run.seed,
            hold_out=run.hold_out,
            hold_out_block=run.hold_out_block,
            pixels=PartCounts(**{name: split.count(code) for name, code in parts.items()}),
            points=PartCounts(**{name: int(np.count_nonzero(part)) for name, part in weighed.items()}),
            weight=PartWeights(**{name: float(part.sum()) for name, part in weighed.items()}),
            scores={key: _finite_score(score) for key, score in scores.values.items()},
            ranked=not scores.not_ranked,
            not_ranked=tuple(scores.not_ranked),
            alarms=tuple(scores.alarms),
            details=build(ScoreDetails, plain(dataclasses.asdict(scores.details)), "details"),
            fit=ReportedFit(
                n_parameters=None if n_parameters is None else int(n_parameters),
                iterations=int(fitted.iterations),
                converged=bool(fitted.converged),
                mean=_mean(outcome),
                facts=_free(fitted.facts()),
            ),
            cost=ReportedCost(**dataclasses.asdict(outcome.cost), points_per_second=_pace(outcome)),
            pictures=_pictures(outcome),
            skipped=dict(outcome.skipped),
            failed=dict(outcome.failed),
            versions=versions(type(run.image), type(run.model), *map(type, run.renders.values())),
            config=ReportedConfig(**_free(config_of(run))),
            verification=outcome.verification,
        )

    def to_json(self) -> str:
        """The report as report.json holds it."""
        told: dict[str, Any] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
        for key, value in stored(self).items():
            told |= value if key == "scores" else {key: value}
        return dump({**told, "config": self.config.tree()})

    @staticmethod
    def from_json(text: str | bytes, name: str = "report.json") -> Report:
        """The report in the text of a report.json; `name` is that of the file, for the error.

        Raises Refused: it is no such file, of another version, or of another shape.
        """
        try:
            data = parse(text)
            check_schema(data, SCHEMA, SCHEMA_VERSION)
            if NEEDED not in data:
                raise ValueError(f"expected the key {NEEDED}, got none")
            scores = {
                key: build(Score, data[key], key) if key in data else UNKNOWN for key in catalogue.SCORES
            }
            known = {"schema", "schema_version", *catalogue.SCORES}
            others = {key: value for key, value in data.items() if key not in known}
            return build(Report, others, made={"scores": scores})
        except ValueError as error:
            raise Refused(f"{name}: {error}; try the run's command again") from error

    def aim(self) -> float | None:
        """What a search maximises: the held-out skill, of colours the gain; None where there is neither."""
        found = self.scores["gain" if self.image.view == "colour" else "skill"].held_out
        return found if self.ranked else None

    def headline(self) -> str:
        """The run in one sentence."""
        gain, ceiling = self.scores["gain"], self.scores["ceiling"]
        components = self.fit.facts.get("components")
        model = self.model.option + (f", {components:,} components" if isinstance(components, int) else "")
        subject = f"{model}, on {self.image.name} ({self.image.view})"
        got, top, over = gain.held_out, ceiling.held_out, "held-out"
        if got is None and gain.reason is None:
            got, top, over = gain.train, ceiling.train, "training"
        if got is None:
            return f"{subject}: no score, for {gain.reason or 'nothing was scored'}."
        what = {
            "ink": f"bits per {over} ink pixel over uniform",
            "colour": f"of 8 bits per dimension of {over} colours over uniform",
            "levels": f"bits per {over} pixel over uniform",
        }[self.image.view]
        of = f" of {top:.2f}" if top else ""
        share = f", {got / top:z.0%}" if top else ""
        doubt = "" if self.ranked else f"; not ranked: {'; '.join(self.not_ranked)}"
        return f"{subject}: gains {got:z.2f}{of} {what}{share}{doubt}."


def _image(outcome: Outcome) -> ReportedImage:
    image = outcome.study.image
    return ReportedImage(
        option=str(outcome.run.choices.get("image", image.name)),
        name=image.name,
        view=cast(View, image.view),
        height=image.lattice.height,
        width=image.lattice.width,
        sha256=image.sha256,
        notes=tuple(image.notes),
    )


def _pictures(outcome: Outcome) -> tuple[ReportedPicture, ...]:
    return tuple(
        ReportedPicture(
            option=option,
            file=f"{option}.png",
            animations=tuple(f"{option}.{kind}" for kind in ANIMATIONS if picture.frames),
            caption=picture.caption,
            figures=_free(picture.figures),
        )
        for option, picture in outcome.pictures.items()
    )


def _mean(outcome: Outcome) -> dict[str, float | None] | None:
    """E[x] by column, in pixels and levels 0..255."""
    fitted = outcome.study.fitted
    mean = fitted.mean() if isinstance(fitted, Density) else None
    if mean is None or not isinstance(fitted, Density):
        return None
    cell = outcome.study.image.lattice.cell
    return {
        column: _finite(value / cell if column in ("x", "y") else value * LEVELS - 0.5)
        for column, value in zip(fitted.columns, mean, strict=True)
    }


def _pace(outcome: Outcome) -> float | None:
    """Points times iterations in a second of the fit."""
    image, split, cost = outcome.study.image, outcome.study.split, outcome.cost
    data = image.values > 0 if image.view == "ink" else np.ones(image.lattice.shape, dtype=bool)
    points = int(np.count_nonzero(data & (split.trained)))
    return points * outcome.study.fitted.iterations / cost.wall_seconds if cost.wall_seconds > 0 else None


def _finite(value: float | None) -> float | None:
    """The number; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def _finite_score(score: Score) -> Score:
    ends = [] if score.interval is None else [end for end in map(_finite, score.interval) if end is not None]
    return dataclasses.replace(
        score,
        train=_finite(score.train),
        held_out=_finite(score.held_out),
        overall=_finite(score.overall),
        interval=(ends[0], ends[1]) if len(ends) == 2 else None,
    )


def _free(told: Mapping[str, Any]) -> dict[str, Any]:
    """An object whose keys are free (those of a plugin, say), as it is read from JSON."""
    read: dict[str, Any] = json.loads(json.dumps(plain(told), default=str))
    return read
