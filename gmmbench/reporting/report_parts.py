"""The parts of a report: each object of report.json (docs/report.md) as a frozen dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..results import Cost, RunOptions

View = Literal["ink", "colour", "levels"]


@dataclass(frozen=True)
class ReportedKeys:
    """The keys of the run and of its fit; None where there is none."""

    run: str | None
    fit: str | None


@dataclass(frozen=True)
class ReportedImage:
    """The image: `option` as it was chosen, size in pixels, SHA-256 of its file, notes on how it was read."""

    option: str
    name: str
    view: View
    height: int
    width: int
    sha256: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ReportedModel:
    """The model: `option` as it was chosen, its registered name, and all its options."""

    option: str
    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class PartCounts:
    """Numbers of pixels or points, by the part of the split that they belong to."""

    train: int
    validation: int
    held_out: int


@dataclass(frozen=True)
class PartWeights:
    """Sums of weights (ink, or the number of pixels), by the part of the split."""

    train: float
    validation: float
    held_out: float


@dataclass(frozen=True)
class ReportedCheck:
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
class ReportedClassifier:
    """The fit as a classifier of ink: held-out pixels, but for `image_bits`, which covers the whole image.

    Attributes:
        average_precision: the area under precision against recall.
        prevalence: the share of ink, which is the average precision of chance.
        bits_per_pixel_raw, bits_per_pixel_calibrated: Bernoulli log loss, before and after calibration.
        gain_calibrated: the information gain after calibration, bits per ink pixel.
        image_bits: length of a code for the image, bits.
    """

    average_precision: float | None
    prevalence: float | None
    bits_per_pixel_raw: float | None
    bits_per_pixel_calibrated: float | None
    gain_calibrated: float | None
    image_bits: float | None


@dataclass(frozen=True)
class ReportedLaw:
    """How the predictive distribution of colour was integrated.

    Attributes:
        integrated: "exact", or "bound" where a value is only known to be at least so high.
        mass_in_cube: its mean mass inside the cube.
        error_nats: the mean error of its log masses; None of a bound.
    """

    integrated: str
    mass_in_cube: float | None
    error_nats: float | None


@dataclass(frozen=True)
class ReportedPatches:
    """The independent patches behind the interval: how many, and the lag up to which pixels correlate."""

    count: float
    reach: float


@dataclass(frozen=True)
class ReportedDescription:
    """Information criteria in nats, and the lengths of codes in bits; None where there is none."""

    aic: float | None
    bic: float | None
    image_bits: float | None
    parameter_bits: float | None
    code_bits: float | None
    png_bits: int


@dataclass(frozen=True, kw_only=True)
class ReportedDetails:
    """What the scores are based on; None if a view or a fit does not have it.

    Attributes:
        baselines: the information gain of each baseline, in the unit of the gain.
        entropy_of_held_out_colours: bits per dimension.
    """

    normalisation_check: ReportedCheck | None = None
    baselines: Mapping[str, float | None] | None = None
    classifier: ReportedClassifier | None = None
    law: ReportedLaw | None = None
    entropy_of_held_out_colours: float | None = None
    patches: ReportedPatches | None = None
    description: ReportedDescription


@dataclass(frozen=True)
class ReportedFit:
    """The fit.

    Attributes:
        n_parameters: None for trees and kernels.
        mean: E[x] by column, in pixels and levels 0..255; None where the fit has none.
        facts: what the model adds.
    """

    n_parameters: int | None
    iterations: int
    converged: bool
    mean: Mapping[str, float | None] | None
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class ReportedCost(Cost):
    """The cost, and how many points times iterations the fit did in a second."""

    points_per_second: float | None = None


@dataclass(frozen=True)
class ReportedPicture:
    """A picture: the renderer's `option`, the names of its files, its caption, and the figures behind it."""

    option: str
    file: str
    animations: tuple[str, ...]
    caption: str
    figures: Mapping[str, Any]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the picture."""
        return (self.file, *self.animations)


@dataclass(frozen=True, kw_only=True)
class ReportedConfig(RunOptions):
    """Every option as it was set: those of the image, the model and each renderer, and those of the run."""

    image: Mapping[str, Any]
    model: Mapping[str, Any]
    render: Mapping[str, Mapping[str, Any]]

    def __post_init__(self) -> None:
        """Accept any value: a report says what was set, also where the range has become narrower."""

    def tree(self) -> dict[str, Any]:
        """The options as config.yaml has them."""
        return {"image": self.image, "model": self.model, "render": self.render, **self.run_options()}
