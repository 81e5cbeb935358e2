"""The Gaussian mixture, fitted by expectation-maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import (
    Fitted,
    Floats,
    Model,
    Refused,
    Scene,
    Watch,
    hookimpl,
    mixture_fitted,
    mixture_watch,
    option,
)
from gmmbench.mixture import COVARIANCES


@dataclass(frozen=True)
class GMM(Model):
    """A mixture of Gaussians over the points of an image.

    A pixel is a square and a level is an interval, so the variance of a cell, side^2 / 12, is added to
    every covariance (Sheppard 1898): no component can collapse between pixels. Ink in holes of several pixels
    is missing, not absent: each step fills in what it expects there.
    """

    name = "gmm"
    views = ("ink", "colour", "levels")

    components: int = option(100, "number of Gaussians K", low=1, high=1_000_000)
    covariance: str = option("full", "shape of a Gaussian", choices=tuple(COVARIANCES))
    init: str = option(
        "stratified",
        "how the first components are chosen",
        choices=("kmeans", "k-means++", "stratified", "random", "random_from_data"),
        formerly=("start",),
    )
    n_init: int = option(
        1,
        "initializations that are tried for a few iterations; the best continues",
        low=1,
        high=1000,
        formerly=("starts",),
    )
    split_merge: int = option(
        0,
        "rounds of split-and-merge moves at the end, each kept if the likelihood improves",
        low=0,
        high=1000,
        formerly=("moves",),
    )
    tolerance: float = option(1e-3, "stop at a smaller gain than this, nats per point", low=0)
    iterations: int = option(100, "stop after this many", low=1)
    engine: str = option(
        "fast", "our own kernels, or scikit-learn's as a reference", choices=("fast", "sklearn")
    )
    precision: str = option("auto", "of the fast kernels", choices=("auto", "single", "double"))
    truncation: float = option(
        1e-5,
        "largest share of a point's responsibilities that may be left out (0: none)",
        low=0,
        below=1,
        formerly=("neglect",),
    )
    missing: str = option(
        "auto",
        "ink in holes: fill in what is expected, ignore, or fill holes of more than a pixel",
        choices=("auto", "fill", "ignore"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.missing == "fill" and self.engine == "sklearn":
            raise Refused("missing: expected auto or ignore with engine=sklearn, got fill; try ignore")

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Fit by EM. Raises Refused when there are fewer distinct points than components."""
        from gmmbench.mixture import TooManyComponents, fit

        points, weights = scene.points()
        hidden = self._holes(scene)
        try:
            found = fit(
                points,
                weights,
                components=self.components,
                covariance=self.covariance,
                init=self.init,
                tolerance=self.tolerance,
                iterations=self.iterations,
                covariance_floor=scene.cells**2 / 12,
                rng=rng,
                watch=mixture_watch(watch, scene.columns),
                engine=self.engine,
                n_init=self.n_init,
                split_merge=self.split_merge,
                threads=watch.threads,
                precision=self.precision,
                truncation=self.truncation,
                missing=(hidden, scene.lattice.cell**2) if len(hidden) else None,
            )
        except TooManyComponents as error:
            raise Refused(f"model.components: {error}") from error
        return mixture_fitted(
            found.mixture,
            scene.columns,
            n_parameters=found.n_parameters,
            iterations=found.iterations,
            converged=found.converged,
            compile_seconds=found.compile_seconds,
            removed=found.removed,
            pixels_filled_in=len(hidden),
        )

    def _holes(self, scene: Scene) -> Floats:
        """The pixels (m, 2) to fill in: with colours and levels, points are not counted but described."""
        fill = self.missing == "fill" or (
            self.missing == "auto" and scene.block > 1 and self.engine == "fast"
        )
        return scene.hidden() if fill and scene.view == "ink" else np.empty((0, 2))


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [GMM]
