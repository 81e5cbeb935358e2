"""A run and what comes of it: one choice of image, model and renderers, its scores, pictures and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .api import ImageSource, Model, Picture, Renderer, Study


@dataclass(frozen=True)
class Run:
    """One choice of image, model, renderers (by option name) and seed: one run is one fit.

    `hold_out` is the share of the pixels kept from the fit, in squares of `block` pixels; `threads` None
    means all cores. `options`
    holds the names the user typed, by group, and `config` the resolved configuration, for the record.
    """

    image: ImageSource
    model: Model
    renders: Mapping[str, Renderer]
    seed: int = 0
    hold_out: float = 0.2
    block: int = 1
    threads: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Cost:
    """What a fit cost: seconds of wall clock and CPU, those of compiling apart, and the threads allowed.

    The peak is of the process's memory, in bytes (None: unknown).
    """

    wall_seconds: float
    cpu_seconds: float
    compile_seconds: float
    peak_bytes: int | None
    threads: int


@dataclass(frozen=True, eq=False)
class Score:
    """One number with its unit, train and held out (None where there is none, with the reason)."""

    train: float | None
    held_out: float | None
    unit: str
    of: str
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a run: the study, the pictures, what was skipped or failed and why, scores, cost."""

    run: Run
    study: Study
    pictures: Mapping[str, Picture]
    skipped: Mapping[str, str]
    failed: Mapping[str, str]
    log_likelihood: Score
    score_map: NDArray[np.float32]
    cost: Cost
