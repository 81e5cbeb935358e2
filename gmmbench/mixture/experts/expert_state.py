"""The parameters of a mixture of experts on their way, and steps in units of each component's own size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..array_types import Floats, Integers, KernelFloats
from ..distributions.gaussian import Mixture
from ..em.e_step import inverse_of_lower

TURN = 1.0
"""The largest relative change of a factor's entry in one step."""


@dataclass(frozen=True, eq=False)
class ExpertState:
    """K experts over d inputs with m outputs.

    Expert k answers b + G (x - mean), and its gate is exp(height - |A (x - mean)|^2 / 2) divided by the
    sum of all.

    Attributes:
        heights: (K,), nats.
        means: (K, d).
        factors: A, (K, d, d), lower triangular with a positive diagonal.
        offsets: b, (K, m).
        slopes: G, (K, m, d).
        residuals: R, (K, m, m), lower triangular, of residuals of covariance (R^T R)^-1; or None.
    """

    heights: Floats
    means: Floats
    factors: Floats
    offsets: Floats
    slopes: Floats
    residuals: Floats | None = None

    @staticmethod
    def of_mixture(mixture: Mixture, inputs: int, residuals: bool) -> ExpertState:
        """The experts whose gates and lines are the conditional means of a joint mixture (Bishop 2006, 2.81).

        Args:
            mixture: over d inputs, which come first, and m outputs.
            inputs: d.
            residuals: whether the experts get the conditional covariances.
        """
        d = inputs
        within, across = mixture.covariances[:, :d, :d], mixture.covariances[:, d:, :d]
        factors = inverse_of_lower(np.linalg.cholesky(within)).astype(np.float64)
        slopes: Floats = np.swapaxes(np.linalg.solve(within, np.swapaxes(across, 1, 2)), 1, 2)
        with np.errstate(divide="ignore"):
            heights = np.log(mixture.weights) + np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        left: Floats | None = None
        if residuals:
            spread = mixture.covariances[:, d:, d:] - slopes @ np.swapaxes(across, 1, 2)
            spread = (spread + np.swapaxes(spread, 1, 2)) / 2
            left = inverse_of_lower(np.linalg.cholesky(spread)).astype(np.float64)
        return ExpertState(
            np.maximum(heights, heights.max() - 60), mixture.means[:, :d], factors,
            mixture.means[:, d:], slopes, left,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int, int]:
        """K, d and m."""
        return (*self.means.shape, self.offsets.shape[1])

    def rows(self) -> KernelFloats:
        """Rows [height, mean, A row by row] of the gates, for kernels: (K, 1 + d + d (d + 1) / 2)."""
        lower = np.tril_indices(self.means.shape[1])
        flat = np.concatenate((self.heights[:, None], self.means, self.factors[:, *lower]), axis=1)
        return np.ascontiguousarray(flat.astype(np.float32))

    def lines(self) -> KernelFloats:
        """Rows [b, G] of each output: (K, m, 1 + d)."""
        return np.concatenate((self.offsets[:, :, None], self.slopes), axis=2).astype(np.float32)

    def residual_rows(self) -> KernelFloats:
        """Rows [log det R, R row by row]: (K, 1 + m (m + 1) / 2); none without residuals."""
        if self.residuals is None:
            return np.empty((0, 0), np.float32)
        lower = np.tril_indices(self.residuals.shape[1])
        volume = np.log(np.diagonal(self.residuals, axis1=1, axis2=2)).sum(axis=1)
        return np.concatenate((volume[:, None], self.residuals[:, *lower]), axis=1).astype(np.float32)

    def gradient(self, totals: Floats) -> Floats:
        """From a kernel's sums (K, width) to the gradient with respect to a step: see `moved`."""
        k, d, m = self.shape
        lower = np.tril_indices(d)
        pull = totals[:, 1 : 1 + d]
        second = np.zeros((k, d, d))
        at = 1 + d + len(lower[0])
        second[:, *lower] = second[:, lower[1], lower[0]] = totals[:, 1 + d : at]
        white = self.factors @ second @ np.swapaxes(self.factors, 1, 2)
        sums = totals[:, at : at + m * (1 + d)].reshape(k, m, 1 + d)
        tilts = sums[:, :, 1:] @ np.swapaxes(self.factors, 1, 2)
        lines = np.concatenate((sums[:, :, :1], tilts), axis=2).reshape(k, -1)
        gate = np.concatenate(
            (totals[:, :1], np.einsum("kij,kj->ki", self.factors, pull), -white[:, *lower]), axis=1
        )
        if self.residuals is None:
            return np.concatenate((gate, lines), axis=1)
        return np.concatenate((gate, -lines, -totals[:, at + m * (1 + d) :]), axis=1)

    def moved(self, step: Floats, least: Floats, least_residual: Floats) -> ExpertState:
        """The experts a step further.

        Args:
            step: (K, width), in units that are each component's own. It adds to the height; moves the mean
                by A^-1 step; turns A into (1 + T) A with T lower triangular; and adds to the line, which is
                seen as a function of z = A (x - mean). A gate's step leaves the line where it is. With
                residuals a line's step is in units of R, which turns like A.
            least: (d,) the least standard deviations of a gate along each axis.
            least_residual: (m,) of a residual.
        """
        k, d, m = self.shape
        at = 1 + d + d * (d + 1) // 2
        shift = np.linalg.solve(self.factors, step[:, 1 : 1 + d, None])[:, :, 0]
        factors = _no_sharper(_turned(self.factors, step[:, 1 + d : at]), least)
        added = step[:, at : at + m * (1 + d)].reshape(k, m, 1 + d)
        residuals = self.residuals
        if residuals is not None:
            added = np.asarray(np.linalg.solve(residuals, added), dtype=np.float64)
            residuals = _no_sharper(_turned(residuals, step[:, at + m * (1 + d) :]), least_residual)
        slopes = self.slopes + added[:, :, 1:] @ self.factors
        offsets = self.offsets + added[:, :, 0] + np.einsum("kmd,kd->km", slopes, shift)
        return ExpertState(self.heights + step[:, 0], self.means + shift, factors, offsets, slopes, residuals)

    def halved(self, whole: Integers, free: Integers) -> ExpertState:
        """Experts `whole` cut across their gates' longest axes, one half of each in the places `free`."""
        covariance = np.linalg.inv(np.swapaxes(self.factors[whole], 1, 2) @ self.factors[whole])
        values, vectors = np.linalg.eigh(covariance)
        step = vectors[:, :, -1] * np.sqrt(values[:, -1:] * 2 / np.pi)
        covariance -= step[:, :, None] * step[:, None, :]
        lower = np.linalg.cholesky(covariance)
        parts = {name: np.array(a) for name, a in vars(self).items() if a is not None}
        for place, sign in ((free, -1.0), (whole, 1.0)):
            parts["heights"][place] = self.heights[whole]
            parts["means"][place] = self.means[whole] + sign * step
            parts["factors"][place] = inverse_of_lower(lower)
            parts["offsets"][place] = self.offsets[whole] + sign * np.einsum(
                "kmd,kd->km", self.slopes[whole], step
            )
            parts["slopes"][place] = self.slopes[whole]
            if self.residuals is not None:
                parts["residuals"][place] = self.residuals[whole]
        return replace(self, **parts)


def _turned(factors: Floats, step: Floats) -> Floats:
    """(1 + T) A for lower triangular T, (K, entries) row by row, whose diagonal keeps A's positive."""
    turn = np.zeros(factors.shape)
    turn[:, *np.tril_indices(factors.shape[1])] = np.clip(step, -TURN, TURN)
    every = np.arange(factors.shape[1])
    turn[:, every, every] = np.expm1(turn[:, every, every])
    return factors + turn @ factors


def _no_sharper(factors: Floats, least: Floats) -> Floats:
    """Factors whose rows are shortened where they would make a spread along an axis less than `least`."""
    length = np.sqrt(((factors * least) ** 2).sum(axis=2, keepdims=True))
    return factors / np.maximum(length, 1.0)
