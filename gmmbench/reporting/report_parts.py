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
