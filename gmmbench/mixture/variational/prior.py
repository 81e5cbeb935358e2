"""What a Bayesian mixture believes before the points, and how the points may teach it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from ..em.m_step import shaped


@dataclass(frozen=True, eq=False)
class Prior:
    """The prior of a mixture's weights, means and precisions.

    Args:
        process: False for a symmetric Dirichlet over the weights, True for a Dirichlet process.
        concentration: of the Dirichlet, each component's; of the process, gamma.
        mean: (d,); `mean_precision` is how many points it counts as (beta_0).
        covariance: (d, d), the inverse of the Wishart's scale matrix, of `degrees` degrees of freedom.
        kind: the covariances' type, one of `COVARIANCES`.
        shares: of tied covariances, for how many components the prior of the one matrix counts: its
            degrees and inverse scale are `shares` times those here, which are scikit-learn's.
        open_concentration: whether a process's concentration may be learned.
    """

    process: bool
    concentration: float
    mean: Floats
    mean_precision: float
    covariance: Floats
    degrees: float
    kind: str = "full"
    shares: int = 1
    open_concentration: bool = False

    @classmethod
    def of_points(
        cls, points: Floats, weights: Floats, floor: Floats, components: int, kind: str, process: bool,
        concentration: float | None,
    ) -> Prior:  # fmt: skip
        """The prior of one component among K, for points (n, d) of floor (d, d).

        A component is as wide as one among K that fill the points' covariance, which is divided by
        K^(2/d), and means are spread like the points, hence beta_0 = K^(-2/d). (scikit-learn's defaults
        are a component as wide as all the points, and beta_0 = 1.)
        """
        d = points.shape[1]
        share = weights / weights.sum()
        mean = share @ points
        apart = points - mean
        spread = shaped(((apart * share[:, None]).T @ apart + floor)[None], np.ones(1), kind)[0]
        size = components ** (2 / d)
        known = 1 / components if concentration is None else concentration
        shares = components if kind == "tied" else 1
        open_ = process and concentration is None
        return cls(process, known, mean, 1 / size, spread / size, float(d), kind, shares, open_)
