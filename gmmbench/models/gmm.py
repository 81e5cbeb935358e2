"""The Gaussian mixture, fitted by expectation-maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmmbench import Fitted, Model, Scene, Watch, hookimpl, option

from ._mixture import MixtureModel, init_option


@dataclass(frozen=True)
class GMM(MixtureModel):
    """A mixture of Gaussians over the points of an image, fitted by EM.

    The variance of a cell, side^2 / 12, is added to every covariance. Ink in holes of several pixels is
    missing, not absent: each step fills in what it expects there.
    """

    name = "gmm"

    init: str = init_option("stratified")
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
    precision: str = option("auto", "precision of the fast kernels", choices=("auto", "single", "double"))
    truncation: float = option(
        1e-5,
        "largest share of a point's responsibilities that may be left out (0: none)",
        low=0,
        below=1,
        formerly=("neglect",),
    )

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Fit by EM. Raises Refused if there are fewer distinct points than components."""
        from gmmbench.mixture import fit

        found = self._run(
            fit,
            scene,
            rng,
            watch,
            n_init=self.n_init,
            split_merge=self.split_merge,
            precision=self.precision,
            truncation=self.truncation,
        )
        return self._fitted(found, scene, removed=found.removed)


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [GMM]
