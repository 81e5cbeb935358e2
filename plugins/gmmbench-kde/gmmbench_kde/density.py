"""The fitted density: exact sums of Gaussians on a lattice of pixels, at any point of the plane."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Density, Floats

TINY = 1e-300
"""The share of the ink above which a sum is reliable: terms lost to underflow are negligible then."""
REACH = 38.7
"""Standard deviations beyond which the kernel is 0 in double precision."""
BLOCK, SMALL, HOLES = 1 << 17, 1 << 14, 32
"""A block of points is split if it has more than BLOCK points, or if the grid of its distinct x and y is
larger than SMALL and has more than HOLES nodes per point. Grids stay whole; scattered points become tiles."""
NEGLIGIBLE = math.log(1e-4)
"""The logarithm of the largest relative error that the omitted pixels may cause in a sum."""


def bell(a: Floats | NDArray[np.intp], b: Floats | NDArray[np.intp], deviation: float) -> Floats:
    """exp(-(a_i - b_j)^2 / 2 s^2) for a (n,), b (m,), s in the same unit: (n, m)."""
    table: Floats = np.exp(-0.5 * ((a[:, None] - b) / deviation) ** 2)
    return table


@dataclass(frozen=True, eq=False)
class KernelDensity(Density):
    """A Gaussian on each pixel of `ink` (height, width), of side `cell`; `bandwidth` is in pixels."""

    ink: Floats
    cell: float
    bandwidth: float
    iterations: int = 1

    columns = ("x", "y")
    n_parameters = None
    converged = True

    @property
    def deviation(self) -> float:
        """The standard deviation of the kernel along each axis, including the 1/12 of a pixel: pixels."""
        return math.sqrt(self.bandwidth**2 + 1 / 12)

    @cached_property
    def pixels(self) -> tuple[Floats, Floats]:
        """The pixels with ink: (n, 2) of column and row, and their share of the ink (n,)."""
        rows, columns = np.nonzero(self.ink)
        return np.column_stack((columns, rows)).astype(float), self.ink[rows, columns] / self.ink.sum()

    def log_density(self, points: Floats) -> Floats:
        """The logarithm of the exact sum of kernels at points (n, 2): (n,) nats, to about 1e-4.

        The Gaussian factors into x and y, so a block of points needs two matrix products: kernels along y,
        the image, kernels along x. All terms are positive. The sums therefore stay accurate far from all ink,
        unlike those of an FFT, whose round-off is a share of the *peak*. Where doubles underflow, the sum is
        over the nearest pixels.
        """
        where = self.checked(points) / self.cell - 0.5  # pixel centres are whole numbers
        sums = self._sums(where) / self.ink.sum()
        near = sums > TINY
        logs = np.log(np.where(near, sums, 1))
        logs[~near] = self._tails(where[~near])
        return logs - math.log(2 * math.pi * (self.deviation * self.cell) ** 2)

    def _sums(self, where: Floats) -> Floats:
        """sum_i w_i exp(-r_i^2 / 2 s^2) at points (n, 2), in pixels: (n,)."""
        sums = np.zeros(len(where))
        if not len(where):
            return sums
        x, column = np.unique(where[:, 0], return_inverse=True)
        y, row = np.unique(where[:, 1], return_inverse=True)
        if len(where) > BLOCK or len(x) * len(y) > max(SMALL, HOLES * len(where)):
            longer = where[:, np.ptp(where, axis=0).argmax()]
            for half in np.array_split(np.argsort(longer), 2):
                sums[half] = self._sums(where[half])
            return sums
        rows, columns = (self._within_reach(*pair) for pair in zip((y, x), self.ink.shape, strict=True))
        by_row = bell(y, rows, self.deviation) @ self.ink[np.ix_(rows, columns)]
        table: Floats = by_row @ bell(columns, x, self.deviation)
        return table[row, column]

    def _within_reach(self, sorted_: Floats, side: int) -> NDArray[np.intp]:
        """The rows (or columns) of an image of this side whose kernels reach any of these coordinates."""
        reach = REACH * self.deviation
        first, last = max(0, sorted_[0] - reach), min(side - 1, sorted_[-1] + reach)
        return np.arange(math.ceil(first), math.floor(last) + 1)

    def _tails(self, where: Floats) -> Floats:
        """log sum_i w_i exp(-r_i^2 / 2 s^2) with shares w_i, far from all ink: points (n, 2), pixels: (n,).

        It sums over the k nearest pixels, and again over more of them if the others might still matter.
        """
        pixels, shares = self.pixels
        logs = np.empty(len(where))
        open_, k = np.arange(len(where)), 16
        while len(open_):
            k = min(k, len(pixels))
            unsure = []
            for block in np.array_split(open_, math.ceil(len(open_) * k / (BLOCK * HOLES))):
                distance, i = self._tree.query(where[block], k=np.arange(1, k + 1))
                terms = np.log(shares[i]) - 0.5 * (distance / self.deviation) ** 2
                logs[block] = np.logaddexp.reduce(terms, axis=1)
                others = (
                    -0.5 * (distance[:, -1] / self.deviation) ** 2
                )  # the worst case: all other ink is at the k-th pixel
                unsure.append(block[(others > logs[block] + NEGLIGIBLE) & (k < len(pixels))])
            open_, k = np.concatenate(unsure), 4 * k
        return logs

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import KDTree

        return KDTree(self.pixels[0])

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n samples (n, 2): a pixel chosen by its ink, plus a step sampled from the kernel."""
        pixels, shares = self.pixels
        centres = pixels[rng.choice(len(pixels), size=n, p=shares)]
        return (centres + 0.5 + rng.normal(0, self.deviation, size=(n, 2))) * self.cell

    def mean(self) -> Floats:
        """E[z] (2,), which is the mean of the ink, because the kernels are symmetric."""
        pixels, shares = self.pixels
        mean: Floats = (shares @ pixels + 0.5) * self.cell
        return mean

    def save(self) -> tuple[Mapping[str, Floats], Mapping[str, Any]]:
        """The ink and the kernel, which are all that defines the density."""
        return {"ink": self.ink}, {key: getattr(self, key) for key in ("cell", "bandwidth", "iterations")}

    @classmethod
    def load(cls, arrays: Mapping[str, Floats], facts: Mapping[str, Any]) -> KernelDensity:
        """The density that was saved."""
        return cls(arrays["ink"], **facts)

    def facts(self) -> Mapping[str, Any]:
        """The bandwidth in pixels, for the report."""
        return {"bandwidth_pixels": self.bandwidth}
