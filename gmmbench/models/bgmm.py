"""The Bayesian Gaussian mixture, fitted by variational inference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Fitted, Model, Refused, Scene, Watch, hookimpl, option

from ._mixture import MixtureModel, components_option


@dataclass(frozen=True)
class BGMM(MixtureModel):
    """A mixture with a prior on its weights, which leaves components empty if it can do without them.

    The prior is a Dirichlet distribution over K weights, or a Dirichlet process (Blei and Jordan 2006). With
    births, the number of components grows and shrinks as long as the evidence bound rises. Every pixel is a
    blob with the variance of a cell, side^2 / 12. Ink in holes of several pixels is missing, not absent, as
    for `gmm`.
    """

    name = "bgmm"

    components: int = components_option(
        50, "number of Gaussians K: the largest possible, or with births the first"
    )
    process: bool = option(False, "prior on the weights: a Dirichlet process instead of a distribution")
    concentration: float | None = option(
        None, "concentration (null: 1/K; learned for a process with prior=evidence)", above=0
    )
    prior: str = option(
        "points",
        "prior width and spread of the Gaussians: of one among K that fill the points' covariance, or what "
        "the evidence favours",
        choices=("points", "evidence"),
    )
    births: int = option(
        0,
        "largest number of rounds of births and deaths at the end, each kept if the evidence improves",
        low=0,
        high=1000,
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

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Fit by variational Bayes. Raises Refused if there are fewer distinct points than components."""
        from gmmbench.mixture import fit_bayesian

        found = self._run(
            fit_bayesian,
            scene,
            rng,
            watch,
            process=self.process,
            concentration=self.concentration,
            prior=self.prior,
            births=self.births,
        )
        return self._fitted(
            found,
            scene,
            predictive=found.predictive,
            components_in_use=found.used,
            evidence_bound=found.bound,
            leftover_mass=found.leftover,
        )


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [BGMM]
