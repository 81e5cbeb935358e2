"""The fitted density: exact sums of Gaussians on a pixel lattice, at any point of the plane."""

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
"""The share of the ink a sum must exceed to be trusted: beside it, terms lost to underflow are nothing."""
REACH = 38.7
"""Deviations after which a bell is 0 in double precision."""
BLOCK, SMALL, HOLES = 1 << 17, 1 << 14, 32
"""A block of points is cut in two beyond so many points; or when the grid of its distinct x and y is larger
than SMALL and has more than HOLES nodes for each point. Grids stay whole, scattered points become tiles."""
NEGLIGIBLE = math.log(1e-4)
"""What the neighbours left out of a sum may add to its logarithm, as a logarithm."""


def bell(a: Floats | NDArray[np.intp], b: Floats | NDArray[np.intp], deviation: float) -> Floats:
    """exp(-(a_i - b_j)^2 / 2 s^2) for a (n,), b (m,), s in the same unit: (n, m)."""
    table: Floats = np.exp(-0.5 * ((a[:, None] - b) / deviation) ** 2)
    return table


@dataclass(frozen=True, eq=False)
class KernelDensity(Density):
    """A Gaussian on each pixel of `ink` (height, width), whose side is `cell`; `bandwidth` is in pixels."""

    ink: Floats
    cell: float
    bandwidth: float
    iterations: int = 1

    columns = ("x", "y")
    n_parameters = None
    converged = True

    @property
    def deviation(self) -> float:
        """The standard deviation of the kernel along each axis, its pixel's own 1/12 included: pixels."""
        return math.sqrt(self.bandwidth**2 + 1 / 12)

    @cached_property
    def pixels(self) -> tuple[Floats, Floats]:
        """The pixels with ink: (n, 2) of column and row, and their share of the ink (n,)."""
        rows, columns = np.nonzero(self.ink)
        return np.column_stack((columns, rows)).astype(float), self.ink[rows, columns] / self.ink.sum()

    def log_density(self, points: Floats) -> Floats:
        """The logarithm of the exact sum of kernels at points (n, 2): (n,) nats, to about 1e-4.

        The Gaussian factors, so a block of points needs two matrix products, of bells along y, the image,
        and bells along x. All terms are positive: unlike an FFT, whose round-off is a share of the *peak*,
        this keeps its digits deep into the white. Where even doubles underflow, the nearest pixels decide.
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
        """The rows (or columns) of an image of this side whose bells reach any of these coordinates."""
        reach = REACH * self.deviation
        first, last = max(0, sorted_[0] - reach), min(side - 1, sorted_[-1] + reach)
        return np.arange(math.ceil(first), math.floor(last) + 1)

    def _tails(self, where: Floats) -> Floats:
        """log sum_i w_i exp(-r_i^2 / 2 s^2), w_i shares, far from all ink: points (n, 2), pixels: (n,).

        Sums the k nearest pixels; a point for which the others might still matter is asked again with more.
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
                others = -0.5 * (distance[:, -1] / self.deviation) ** 2  # all ink at the k-th: the worst case
                unsure.append(block[(others > logs[block] + NEGLIGIBLE) & (k < len(pixels))])
            open_, k = np.concatenate(unsure), 4 * k
        return logs

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import KDTree

        return KDTree(self.pixels[0])

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n draws (n, 2): a pixel by its ink, then a step of the kernel."""
        pixels, shares = self.pixels
        centres = pixels[rng.choice(len(pixels), size=n, p=shares)]
        return (centres + 0.5 + rng.normal(0, self.deviation, size=(n, 2))) * self.cell

    def mean(self) -> Floats:
        """E[z] (2,): the kernels are symmetric, so it is the mean of the ink."""
        pixels, shares = self.pixels
        mean: Floats = (shares @ pixels + 0.5) * self.cell
        return mean

    def save(self) -> tuple[Mapping[str, Floats], Mapping[str, Any]]:
        """All there is to know: the ink and the kernel."""
        return {"ink": self.ink}, {key: getattr(self, key) for key in ("cell", "bandwidth", "iterations")}

    @classmethod
    def load(cls, arrays: Mapping[str, Floats], facts: Mapping[str, Any]) -> KernelDensity:
        """The same density."""
        return cls(arrays["ink"], **facts)

    def facts(self) -> Mapping[str, Any]:
        """The bandwidth in pixels, for the report."""
        return {"bandwidth_pixels": self.bandwidth}
