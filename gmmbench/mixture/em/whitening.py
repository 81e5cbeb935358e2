"""The units that the engine computes in: an affine map that gives any points a spread of about one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from ..covariances import Form

ROUNDING = 1e-12
"""The least eigenvalue of a covariance that float64 distinguishes from 0, as a share of its variances."""


@dataclass(frozen=True, eq=False)
class Units:
    """u = L^-1 (x - origin), with L lower triangular.

    A mixture of full covariances is the same mixture in any such units. In these units, float32 is enough for
    points of any scale, and the boxes around blocks are tight even if columns are correlated.

    Args:
        origin: (d,).
        factor: L, (d, d).
    """

    origin: Floats
    factor: Floats

    @classmethod
    def of(cls, points: Floats, weights: Floats, covariance_floor: Floats, form: Form) -> Units:
        """Units in which points (n, d) with a covariance floor (d,) have a spread of about one.

        Covariances of the form keep their form in these units.
        """
        share = weights / weights.sum()
        origin = share @ points
        spread = np.zeros((len(covariance_floor), len(covariance_floor)))
        for start in range(0, len(points), 1 << 16):
            apart = points[start : start + (1 << 16)] - origin
            spread += (apart * share[start : start + (1 << 16), None]).T @ apart
        return cls(origin, form.whitening_factor(spread, covariance_floor))

    @classmethod
    def of_moments(cls, mean: Floats, covariance: Floats) -> Units:
        """Units in which a distribution of mean (d,) and covariance (d, d) has mean 0 and covariance 1."""
        return cls(mean, np.asarray(np.linalg.cholesky(covariance), dtype=np.float64))

    @property
    def log_volume(self) -> float:
        """log det L: a log density in these units minus the one in the points' own."""
        return float(np.log(np.diag(self.factor)).sum())

    def into(self, points: Floats) -> Floats:
        """Points (n, d) in these units."""
        inverse = np.linalg.inv(self.factor)
        out = np.empty(points.shape)
        for start in range(0, len(points), 1 << 16):
            out[start : start + (1 << 16)] = (points[start : start + (1 << 16)] - self.origin) @ inverse.T
        return out

    def spread_into(self, covariances: Floats) -> Floats:
        """Covariances (..., d, d) in these units."""
        inverse = np.linalg.inv(self.factor)
        return inverse @ covariances @ inverse.T

    def out_of(self, means: Floats, covariances: Floats) -> tuple[Floats, Floats]:
        """Means (K, d) and covariances (K, d, d) in the points' own units.

        If the points are nearly collinear, rounding alone can make a covariance indefinite. In that case
        ROUNDING of each axis's variance is added to all covariances.
        """
        spread = self.factor @ covariances @ self.factor.T
        symmetric = (spread + np.swapaxes(spread, -1, -2)) / 2
        try:
            np.linalg.cholesky(symmetric)
        except np.linalg.LinAlgError:
            axes = np.diagonal(symmetric, axis1=-2, axis2=-1)
            symmetric = symmetric + ROUNDING * axes[..., None] * np.eye(len(self.origin))
        return means @ self.factor.T + self.origin, symmetric
