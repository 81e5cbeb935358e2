"""The report of a run, as JSON (documented in docs/report.md) and as Markdown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..api import LEVELS, TEST, TRAIN, VALIDATION, Density
from ..plain_data import plain
from ..results import Outcome
from ..running.provenance import config_of, options_of, versions
from .animation import ANIMATIONS

SCHEMA_VERSION = 2


@dataclass(frozen=True, eq=False)
class Report:
    """The numbers of a run; `data` is what report.json holds."""

    data: Mapping[str, Any]

    @staticmethod
    def of(outcome: Outcome) -> Report:
        """The report of an outcome."""
        run, study = outcome.run, outcome.study
        image, split, fitted = study.image, study.split, study.fitted
        scores, cost = outcome.scores, outcome.cost
        weights = image.values if image.view == "ink" else np.ones(image.lattice.shape)
        pixels = {"train": TRAIN, "validation": VALIDATION, "held_out": TEST}
        return Report(
            {
                "schema": "gmmbench-report",
                "schema_version": SCHEMA_VERSION,
                "keys": {"run": outcome.keys.run, "fit": outcome.keys.fit},
                "image": {
                    "option": run.choices.get("image", image.name),
                    "name": image.name,
                    "view": image.view,
                    "height": image.lattice.height,
                    "width": image.lattice.width,
                    "sha256": image.sha256,
                    "notes": list(image.notes),
                },
                "model": {
                    "option": run.choices.get("model", run.model.name),
                    "name": run.model.name,
                    "parameters": options_of(run.model),
                },
                "seed": run.seed,
                "hold_out": run.hold_out,
                "hold_out_block": run.hold_out_block,
                "pixels": {name: split.count(code) for name, code in pixels.items()},
                "points": {
                    name: int(np.count_nonzero(weights[split.codes == code])) for name, code in pixels.items()
                },
                "weight": {name: float(weights[split.codes == code].sum()) for name, code in pixels.items()},
                **{key: dataclasses.asdict(value) for key, value in scores.values.items()},
                "ranked": not scores.not_ranked,
                "not_ranked": list(scores.not_ranked),
                "alarms": list(scores.alarms),
                "details": dict(scores.details),
                "fit": {
                    "n_parameters": fitted.n_parameters,
                    "iterations": fitted.iterations,
                    "converged": fitted.converged,
                    "mean": _mean(outcome),
                    "facts": dict(fitted.facts()),
                },
                "cost": {
                    "wall_seconds": cost.wall_seconds,
                    "cpu_seconds": cost.cpu_seconds,
                    "compile_seconds": cost.compile_seconds,
                    "peak_bytes": cost.peak_bytes,
                    "threads": cost.threads,
                    "score_seconds": cost.score_seconds,
                    "cached": cost.cached,
                    "points_per_second": _pace(outcome),
                },
                "pictures": [
                    {
                        "option": option,
                        "file": f"{option}.png",
                        "animations": [f"{option}.{kind}" for kind in ANIMATIONS if picture.frames],
                        "caption": picture.caption,
                        "figures": dict(picture.figures),
                    }
                    for option, picture in outcome.pictures.items()
                ],
                "skipped": dict(outcome.skipped),
                "failed": dict(outcome.failed),
                "versions": versions(type(run.image), type(run.model), *map(type, run.renders.values())),
                "config": config_of(run),
            }
        )

    def to_json(self) -> str:
        """The report as JSON: no NaN or infinity, those are null."""
        return json.dumps(plain(self.data), indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"

    def to_markdown(self) -> str:
        """The report for a person."""
        from .report_markdown import page

        return page(self.data, self.headline())

    def aim(self) -> float | None:
        """What a search maximises: the held-out skill, of colours the gain; None where there is neither."""
        found = self.data["gain" if self.data["image"]["view"] == "colour" else "skill"]["held_out"]
        return float(found) if found is not None and self.data["ranked"] else None

    def headline(self) -> str:
        """The run in one sentence."""
        data, gain = self.data, self.data["gain"]
        components = data["fit"]["facts"].get("components")
        model = data["model"]["option"] + (f", {components:,} components" if components else "")
        subject = f"{model}, on {data['image']['name']} ({data['image']['view']})"
        got, over = gain["held_out"], "held-out"
        if got is None and gain["reason"] is None:
            got, over = gain["train"], "training"
        if got is None:
            return f"{subject}: no score, for {gain['reason'] or 'nothing was scored'}."
        ceiling = data["ceiling"]["held_out" if over == "held-out" else "train"]
        what = {
            "ink": f"bits per {over} ink pixel over uniform",
            "colour": f"of 8 bits per dimension of {over} colours over uniform",
            "levels": f"bits per {over} pixel over uniform",
        }[data["image"]["view"]]
        of = f" of {ceiling:.2f}" if ceiling else ""
        share = f", {got / ceiling:z.0%}" if ceiling else ""
        doubt = "" if data["ranked"] else f"; not ranked: {'; '.join(data['not_ranked'])}"
        return f"{subject}: gains {got:z.2f}{of} {what}{share}{doubt}."


def _mean(outcome: Outcome) -> dict[str, Any] | None:
    """E[x] by column, in pixels and levels 0..255."""
    fitted = outcome.study.fitted
    mean = fitted.mean() if isinstance(fitted, Density) else None
    if mean is None or not isinstance(fitted, Density):
        return None
    cell = outcome.study.image.lattice.cell
    return {
        column: float(value / cell if column in ("x", "y") else value * LEVELS - 0.5)
        for column, value in zip(fitted.columns, mean, strict=True)
    }


def _pace(outcome: Outcome) -> float | None:
    """Points times iterations in a second of the fit."""
    image, split, cost = outcome.study.image, outcome.study.split, outcome.cost
    data = image.values > 0 if image.view == "ink" else np.ones(image.lattice.shape, dtype=bool)
    points = int(np.count_nonzero(data & (split.codes == TRAIN)))
    return points * outcome.study.fitted.iterations / cost.wall_seconds if cost.wall_seconds > 0 else None
