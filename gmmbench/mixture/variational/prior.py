"""The prior of a Bayesian mixture."""

from __future__ import annotations

from dataclasses import dataclass

from ..array_types import Floats
from ..covariances import FULL, CovarianceType


@dataclass(frozen=True, eq=False)
class Prior:
    """The prior of a mixture's weights, means and precisions.

    Args:
        process: False for a symmetric Dirichlet over the weights, True for a Dirichlet process.
        concentration: that of each component of the Dirichlet, or gamma of the process.
        mean: (d,); `mean_precision` is the number of points that it counts as (beta_0).
        covariance: (d, d), the inverse of the Wishart's scale matrix, of `degrees` degrees of freedom.
        kind: the type of the covariances.
        components: K.
        open_concentration: whether a process's concentration may be learned.
    """

    process: bool
    concentration: float
    mean: Floats
    mean_precision: float
    covariance: Floats
    degrees: float
    kind: CovarianceType = FULL
    components: int = 1
    open_concentration: bool = False

    @property
    def shares(self) -> int:
        """The number of components that the prior of one matrix counts for: K if they share it, else 1.

        The degrees and the inverse scale of a shared matrix are this many times those above, which are
        scikit-learn's.
        """
        return self.components if self.kind.shared else 1

    @classmethod
    def of_points(
        cls,
        points: Floats,
        weights: Floats,
        covariance_floor: Floats,
        components: int,
        kind: CovarianceType,
        process: bool,
        concentration: float | None,
    ) -> Prior:
        """The prior of one component among K, for points (n, d) of covariance floor (d, d).

        A component is as wide as one among K that fill the points' covariance, which is divided by
        K^(2/d), and means are spread like the points, hence beta_0 = K^(-2/d). (scikit-learn's defaults
        are a component as wide as all the points, and beta_0 = 1.)
        """
        share = weights / weights.sum()
        mean = share @ points
        apart = points - mean
        spread = (apart * share[:, None]).T @ apart + covariance_floor
        return cls.of_moments(mean, spread, components, kind, process, concentration)

    @classmethod
    def of_moments(
        cls,
        mean: Floats,
        covariance: Floats,
        components: int,
        kind: CovarianceType,
        process: bool,
        concentration: float | None,
    ) -> Prior:
        """The same for points of this mean (d,) and covariance (d, d), which includes the floor."""
        d = len(mean)
        spread = kind.form.restrict(covariance)
        size = components ** (2 / d)
        known = 1 / components if concentration is None else concentration
        open_ = process and concentration is None
        return cls(process, known, mean, 1 / size, spread / size, float(d), kind, components, open_)
