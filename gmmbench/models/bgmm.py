"""The Bayesian Gaussian mixture, fitted by variational inference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Fitted, Model, Refused, Scene, Watch, hookimpl, knob, mixture_fitted


@dataclass(frozen=True)
class BGMM(Model):
    """A mixture with a Dirichlet prior on its weights, which leaves components empty that it can spare.

    What is returned is the Gaussian mixture at the posterior means, which is a density.
    """

    name = "bgmm"
    views = ("ink", "colour", "levels")

    components: int = knob(50, "largest number of Gaussians K", low=1, high=1_000_000)
    covariance: str = knob("full", "shape of a Gaussian", choices=("full", "diag", "spherical", "tied"))
    concentration: float | None = knob(
        None, "Dirichlet concentration of each component (null: 1/K); smaller leaves more empty", above=0
    )
    start: str = knob(
        "kmeans",
        "how the first components are chosen",
        choices=("kmeans", "k-means++", "random", "random_from_data"),
    )
    tolerance: float = knob(1e-3, "stop at a smaller gain of the bound than this", low=0)
    iterations: int = knob(100, "stop after this many", low=1)

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Fit by variational Bayes. Raises Refused when there are fewer points than components."""
        from gmmbench.mixture import fit_bayesian

        points, weights = scene.points()
        try:
            found = fit_bayesian(
                points,
                weights,
                components=self.components,
                covariance=self.covariance,
                concentration=self.concentration,
                start=self.start,
                tolerance=self.tolerance,
                iterations=self.iterations,
                floor=scene.cells**2 / 12,
                rng=rng,
                watch=watch,
            )
        except ValueError as error:
            raise Refused(f"model.components: {error}") from error
        used = found.mixture.weights * weights.sum() > 1
        return mixture_fitted(
            found.mixture,
            scene.columns,
            n_parameters=found.n_parameters,
            iterations=found.iterations,
            converged=found.converged,
            components_in_use=int(used.sum()),
        )


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [BGMM]
