"""The Bayesian Gaussian mixture, fitted by variational inference."""

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
class BGMM(Model):
    """A mixture with a prior on its weights, which leaves components empty that it can spare.

    The prior is a Dirichlet distribution over K weights, or a Dirichlet process (Blei and Jordan 2006); with
    births the number of components grows and shrinks as the evidence bound says. Every pixel is a blob of
    the variance of a cell, side^2 / 12. Ink in holes of several pixels is missing, not absent, as for `gmm`.
    """

    name = "bgmm"
    views = ("ink", "colour", "levels")

    components: int = option(
        50, "Gaussians K: the most there can be, or with births the first", low=1, high=1_000_000
    )
    covariance: str = option("full", "shape of a Gaussian", choices=tuple(COVARIANCES))
    process: bool = option(False, "prior on the weights: a Dirichlet process instead of a distribution")
    concentration: float | None = option(
        None, "concentration (null: 1/K; of a process with the evidence's prior, learned)", above=0
    )
    prior: str = option(
        "points",
        "how wide and far apart Gaussians are believed to be: as one among K that fill the points' "
        "covariance, or as the evidence favours",
        choices=("points", "evidence"),
    )
    births: int = option(
        0, "most rounds of births and deaths at the end, kept if the evidence gains", low=0, high=1000
    )
    init: str = option(
        "kmeans",
        "how the first components are chosen",
        choices=("kmeans", "k-means++", "stratified", "random", "random_from_data"),
        formerly=("start",),
    )
    tolerance: float = option(1e-3, "stop at a smaller gain of the bound than this, nats per point", low=0)
    iterations: int = option(100, "stop after this many", low=1)
    engine: str = option(
        "fast", "our own kernels, or scikit-learn's as a reference", choices=("fast", "sklearn")
    )
    missing: str = option(
        "auto",
        "ink in holes: fill in what is expected, ignore, or fill holes of more than a pixel",
        choices=("auto", "fill", "ignore"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine == "sklearn" and self.births:
            raise Refused(
                f"births: expected 0 with scikit-learn's engine, which has none, got {self.births}; try 0"
            )
        if self.engine == "sklearn" and self.prior != "points":
            raise Refused(f"prior: expected points with scikit-learn's engine, got {self.prior}; try points")
        if self.engine == "sklearn" and self.init == "stratified":
            raise Refused(
                "init: expected an initialization that scikit-learn has, got stratified; try kmeans"
            )
        if self.engine == "sklearn" and self.missing == "fill":
            raise Refused("missing: expected auto or ignore with engine=sklearn, got fill; try ignore")

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Fit by variational Bayes. Raises Refused when there are fewer points than components."""
        from gmmbench.mixture import TooManyComponents, fit_bayesian

        points, weights = scene.points()
        hidden = self._holes(scene)
        try:
            found = fit_bayesian(
                points,
                weights,
                components=self.components,
                covariance=self.covariance,
                process=self.process,
                concentration=self.concentration,
                prior=self.prior,
                births=self.births,
                init=self.init,
                tolerance=self.tolerance,
                iterations=self.iterations,
                engine=self.engine,
                threads=watch.threads,
                covariance_floor=scene.cells**2 / 12,
                rng=rng,
                watch=mixture_watch(watch, scene.columns),
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
            predictive=found.predictive,
            components_in_use=found.used,
            evidence_bound=found.bound,
            leftover_mass=found.leftover,
            pixels_filled_in=len(hidden),
        )

    def _holes(self, scene: Scene) -> Floats:
        """The pixels (m, 2) to fill in."""
        auto = self.missing == "auto" and scene.block > 1 and self.engine == "fast"
        fill = self.missing == "fill" or auto
        return scene.hidden() if fill and scene.view == "ink" else np.empty((0, 2))


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [BGMM]
