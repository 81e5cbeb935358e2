"""A run and its outcome: the options of a run, what is learnt in it, scores, pictures and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .api import Fitted, ImageSource, Model, Picture, Renderer, Study
from .options import check_options, option


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of a run that belong to no choice. They stand at the top of `conf/config.yaml`.

    This is their only declaration in Python: the command line, `Run`, keys and reports take them from here.

    Raises:
        Refused: a value is out of range.
    """

    seed: int = option(0, "every random draw follows from it", low=0)
    hold_out: float = option(0.2, "share of the pixels that are held out", low=0, high=0.9)
    hold_out_block: int = option(1, "side of the squares that are held out, pixels", low=1, high=1000)
    threads: int | None = option(None, "threads that a fit may use (null: all cores)", low=1)
    verify: bool = option(False, "fit and score once more in isolation, and compare")

    def __post_init__(self) -> None:
        check_options(self, RunOptions)

    def run_options(self) -> dict[str, Any]:
        """These options by name."""
        return {field.name: getattr(self, field.name) for field in fields(RunOptions)}


@dataclass(frozen=True)
class Run(RunOptions):
    """One image, one model, some renderers, and the options of a run: one run is one fit.

    Attributes:
        image: the image's source.
        model: the model.
        renders: the renderers by choice.
        choices: the names that the user chose, by group (`image`, `model`, `render`), for the report.
    """

    image: ImageSource
    model: Model
    renders: Mapping[str, Renderer]
    choices: Mapping[str, Any] = field(default_factory=dict)

    def remembers(self, view: str) -> bool:
        """Whether the history of the fit is recorded, because a renderer needs it."""
        return any("history" in renderer.needs.get(view, ()) for renderer in self.renders.values())


@dataclass(frozen=True, eq=False)
class Cost:
    """What a fit cost.

    Attributes:
        wall_seconds: wall-clock time, without compiling.
        cpu_seconds: CPU time of the process, without compiling.
        compile_seconds: time in which kernels were compiled.
        peak_bytes: peak memory of the process; None if it is unknown.
        threads: the threads that the fit was allowed.
        score_seconds: wall-clock time of scoring.
        cached: whether the fit was read from a store; the other numbers are then those of its making.
    """

    wall_seconds: float
    cpu_seconds: float
    compile_seconds: float
    peak_bytes: int | None
    threads: int
    score_seconds: float = 0.0
    cached: bool = False


@dataclass(frozen=True)
class Score:
    """One score of a fit.

    Attributes:
        train: over the training pixels; None if it does not exist there.
        held_out: over the held-out pixels, likewise.
        overall: over all pixels, likewise.
        unit: the unit of these numbers.
        of: what is scored, such as ink.
        convention: how it is scored: numbers of different conventions must not be compared.
        reason: why there is no number, if that is not obvious.
        interval: the 95 % interval of `held_out`.
    """

    train: float | None = None
    held_out: float | None = None
    overall: float | None = None
    unit: str = ""
    of: str = ""
    convention: str = ""
    reason: str | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class CheckDetails:
    """The normalisation check of a density.

    Attributes:
        reasons: why the fit is not the density that it claims to be; empty where it is.
        mass_in_box: mass inside the image, or inside the range of levels; None where it is not finite.
        share_in_box: share of its samples that lie there.
        tiles, p_value: of the chi-squared test of samples against masses.
        how: how the masses were integrated.
        holds: whether it passed.
    """

    reasons: tuple[str, ...]
    mass_in_box: float | None
    share_in_box: float
    tiles: int
    p_value: float | None
    how: str
    holds: bool


@dataclass(frozen=True)
class ClassifierDetails:
    """The fit as a classifier of ink: held-out pixels, but for `image_bits`, which covers the whole image.

    Attributes:
        average_precision: the area under precision against recall.
        prevalence: the share of ink, which is the average precision of chance.
        bits_per_pixel_raw, bits_per_pixel_calibrated: Bernoulli log loss, before and after calibration.
        gain_calibrated: the information gain after calibration, bits per ink pixel.
        image_bits: length of a code for the image, bits.
    """

    average_precision: float | None = None
    prevalence: float | None = None
    bits_per_pixel_raw: float | None = None
    bits_per_pixel_calibrated: float | None = None
    gain_calibrated: float | None = None
    image_bits: float | None = None


@dataclass(frozen=True)
class LawDetails:
    """How the predictive distribution of colour was integrated.

    Attributes:
        integrated: "exact", or "bound" where a value is only known to be at least so high.
        mass_in_cube: its mean mass inside the cube.
        error_nats: the mean error of its log masses; None of a bound.
        total, total_error: the mass of all colours over what the fit claims for the cube, estimated from
            samples, and its standard error; None where core integrates the distribution.
    """

    integrated: str
    mass_in_cube: float | None
    error_nats: float | None
    total: float | None = None
    total_error: float | None = None


@dataclass(frozen=True)
class PatchDetails:
    """The independent patches behind the interval: how many, and the lag up to which pixels correlate."""

    count: float
    reach: float


@dataclass(frozen=True)
class DescriptionDetails:
    """Information criteria in nats, and the lengths of codes in bits; None where there is none."""

    aic: float | None
    bic: float | None
    image_bits: float | None
    parameter_bits: float | None
    code_bits: float | None
    png_bits: int


@dataclass(frozen=True, kw_only=True)
class ViewDetails:
    """What the scores of one view are based on; None if a view or a fit does not have it.

    Attributes:
        baselines: the information gain of each baseline, in the unit of the gain.
        entropy_of_held_out_colours: bits per dimension.
    """

    normalisation_check: CheckDetails | None = None
    baselines: Mapping[str, float | None] | None = None
    classifier: ClassifierDetails | None = None
    law: LawDetails | None = None
    entropy_of_held_out_colours: float | None = None
    patches: PatchDetails | None = None


@dataclass(frozen=True, kw_only=True)
class ScoreDetails(ViewDetails):
    """What the scores are based on: that of their view, and what describes any fit.

    Attributes:
        asked: which object answered: a freshly loaded copy of the fit, or the fit itself and why.
    """

    description: DescriptionDetails
    asked: str = ""


@dataclass(frozen=True, eq=False)
class Scores:
    """Every number of a fit, and the maps that comparisons are made from.

    Attributes:
        values: the scores by the report's keys.
        not_ranked: the verdict (`scoring.fit_verdict`): why the fit must not be ranked; empty if it may be.
        details: what the scores are based on: normalisation check, baselines, ...
        alarms: those of the reasons that are scores too good to be true; there should be none.
        gain: (H, W) float32, information gain of each pixel over uniform, nats, NaN where unscored.
        weight: (H, W) float32, the weight of each pixel in the mean.
        log_likelihood: (H, W) float32, log-likelihood of each pixel, nats, NaN where unscored.
    """

    values: Mapping[str, Score]
    not_ranked: tuple[str, ...]
    details: ScoreDetails
    alarms: tuple[str, ...]
    gain: NDArray[np.float32]
    weight: NDArray[np.float32]
    log_likelihood: NDArray[np.float32]


@dataclass(frozen=True)
class Verification:
    """Whether a fit was made once more in isolation (`running.verify`), and what that showed.

    Attributes:
        verified: whether its answers stand; None for an ordinary run, which is not isolated.
        why: in a few words.
        seconds: what it cost, beside the ordinary fit and its scores.
    """

    verified: bool | None = None
    why: str = "not isolated"
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a store holds of a fit: the fit, its history (see `Study`), its scores, cost and verification."""

    fitted: Fitted
    history: tuple[tuple[int, float | None, Fitted], ...]
    scores: Scores
    cost: Cost
    verification: Verification = Verification()


@dataclass(frozen=True)
class Keys:
    """The keys of a run (see `running.keys`), computed once and passed on; None where there is none.

    Attributes:
        run: of all that the run writes.
        fit: of its fit and scores.
        about: what the key of the fit was made from.
    """

    run: str | None = None
    fit: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came out of a run.

    Attributes:
        run: the run.
        study: the image, the split and the fit.
        pictures: what was drawn, by the renderer's choice.
        skipped: why a renderer could not draw this fit, by its choice.
        failed: how a renderer failed, by its choice.
        scores: the scores of the fit.
        cost: the cost of the fit.
        keys: the keys of the run.
        verification: whether the fit was made once more in isolation.
    """

    run: Run
    study: Study
    pictures: Mapping[str, Picture]
    skipped: Mapping[str, str]
    failed: Mapping[str, str]
    scores: Scores
    cost: Cost
    keys: Keys
    verification: Verification = Verification()
