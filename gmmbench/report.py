"""The report of a run, as JSON (documented in docs/report.md) and as Markdown."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from .animation import ANIMATIONS
from .api import LEVELS, TEST, TRAIN, VALIDATION, Choice, Density
from .outcome import Outcome, Run
from .scoring import CONVENTION

SCHEMA_VERSION = 1
PACKAGES = (
    "gmmbench",
    "numpy",
    "scipy",
    "numba",
    "scikit-learn",
    "scikit-image",
    "lightgbm",
    "pillow",
    "matplotlib",
)


@dataclass(frozen=True, eq=False)
class Report:
    """The numbers of a run; `data` is what report.json holds."""

    data: Mapping[str, Any]

    @staticmethod
    def of(outcome: Outcome) -> Report:
        """The report of an outcome."""
        run, study = outcome.run, outcome.study
        image, split, fitted = study.image, study.split, study.fitted
        score, cost = outcome.log_likelihood, outcome.cost
        weights = image.values if image.view == "ink" else np.ones(image.lattice.shape)
        pixels = {"train": TRAIN, "validation": VALIDATION, "held_out": TEST}
        return Report(
            {
                "schema": "gmmbench-report",
                "schema_version": SCHEMA_VERSION,
                "image": {
                    "option": run.options.get("image", image.name),
                    "name": image.name,
                    "view": image.view,
                    "height": image.lattice.height,
                    "width": image.lattice.width,
                    "sha256": image.sha256,
                    "notes": list(image.notes),
                },
                "model": {
                    "option": run.options.get("model", run.model.name),
                    "name": run.model.name,
                    "parameters": knobs_of(run.model),
                },
                "seed": run.seed,
                "hold_out": run.hold_out,
                "hold_out_block": run.block,
                "pixels": {name: split.count(code) for name, code in pixels.items()},
                "points": {
                    name: int(np.count_nonzero(weights[split.codes == code])) for name, code in pixels.items()
                },
                "weight": {name: float(weights[split.codes == code].sum()) for name, code in pixels.items()},
                "log_likelihood": {
                    "train": score.train,
                    "held_out": score.held_out,
                    "unit": score.unit,
                    "of": score.of,
                    "convention": CONVENTION,
                    "reason": score.reason,
                },
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
        return (
            json.dumps(_plain(self.data), indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"
        )

    def to_markdown(self) -> str:
        """The report for a person."""
        from .markdown import page

        return page(self.data, self.headline())

    def headline(self) -> str:
        """The run in one sentence."""
        data, score = self.data, self.data["log_likelihood"]
        subject = f"{data['model']['option']} on {data['image']['name']} ({data['image']['view']})"
        if score["train"] is None:
            return f"{subject}: no log-likelihood, for {score['reason']}."
        held = "none" if score["held_out"] is None else f"{score['held_out']:.4f}"
        return f"{subject}: log-likelihood {held} held out, {score['train']:.4f} train, {score['unit']}."


def config_of(run: Run) -> dict[str, Any]:
    """Every knob of a run as its YAML would set it."""
    return {
        "image": {"name": run.image.name, **knobs_of(run.image)},
        "model": {"name": run.model.name, **knobs_of(run.model)},
        "render": {
            option: {"name": renderer.name, **knobs_of(renderer)} for option, renderer in run.renders.items()
        },
        "seed": run.seed,
        "hold_out": run.hold_out,
        "hold_out_block": run.block,
        "threads": run.threads,
    }


def knobs_of(choice: Choice) -> dict[str, Any]:
    """The options of a plugin as they were chosen."""
    return dataclasses.asdict(choice)  # type: ignore[call-overload]  # every choice is one


@cache
def versions(*classes: type[Choice]) -> dict[str, str]:
    """The versions behind a run: Python, the libraries, and the plugins' own packages."""
    from importlib.metadata import packages_distributions

    found = {"python": platform.python_version()}
    owners = packages_distributions()
    modules = {cls.__module__.partition(".")[0] for cls in classes} - {"gmmbench", "__main__"}
    for name in (*PACKAGES, *sorted(dist for module in modules for dist in owners.get(module, []))):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


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


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
