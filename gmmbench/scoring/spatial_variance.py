"""The variance of a mean over pixels whose errors are correlated in space, from one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2

from ..api import Floats

FIRST_EDGES = (0.5, 1.5, 2.5)
"""Lags in pixels at which the first rings end; the pixel itself is ring 0."""

GROWTH = 1.25
"""Each later ring ends this much farther out than the one before."""

FARTHEST = 0.5
"""The longest lag, as a share of the image's shorter side: farther apart there are too few pairs."""

NOT_POSITIVE = 2
"""The sum ends at this many rings in a row whose covariance is not positive."""


@dataclass(frozen=True)
class SpatialVariance:
    """The variance of D = sum s / sum n over the pixels of an image.

    Attributes:
        variance: of D.
        independent: what it would be if the errors of pixels were independent.
        patches: how many independent patches the variance rests on; its degrees of freedom are one less.
        reach: the lag in pixels up to which pixels were taken as correlated; 0 for none.
    """

    variance: float
    independent: float
    patches: float
    reach: float


class Lags:
    """Pairs of scored pixels by their distance, and the variance of a mean over these pixels.

    The estimator is an initial positive sequence (Geyer 1992, section 3.3), carried from a chain to the
    plane. With residuals e = s - D n of the scored pixels, the sums of e_u e_v over all ordered pairs (u, v)
    are taken ring by ring of the distance, from ring 0 (u = v, with sum S_0) outwards. The sum ends at two
    rings in a row that are not positive; the largest partial sum T is the variance of the sum of e.

    Of m scored pixels, P ordered pairs lie within the reach of T. The variance rests on the smaller of two
    numbers of patches: m S_0 / T, the effective sample size (Clifford, Richardson and Hemon 1989; Dutilleul
    1993), and m^2 / P, how often an area of that reach fits among the scored pixels. The second matters
    where a weak smooth part hides under strong white noise: then T rests on few areas, however many pixels.

    Args:
        scored: (H, W), True at the pixels that carry a score.
    """

    def __init__(self, scored: NDArray[np.bool_]) -> None:
        shorter = min(scored.shape)
        reach = int(np.ceil(FARTHEST * shorter))
        # without this margin a lag would wrap around to the other side of the image
        self._shape = tuple(int(next_fast_len(side + reach, real=True)) for side in scored.shape)
        self._rows = np.concatenate((np.arange(reach + 1), np.arange(self._shape[0] - reach, self._shape[0])))
        self._columns = np.arange(reach + 1)
        self._edges = ring_edges(FARTHEST * shorter)
        down = np.minimum(self._rows, self._shape[0] - self._rows)
        lag = np.hypot(down[:, None], self._columns[None, :])
        self._ring = np.searchsorted(self._edges, lag.ravel(), side="right")
        # lags to the left mirror those to the right and are not computed
        self._times = np.broadcast_to(np.where(self._columns > 0, 2.0, 1.0), lag.shape).ravel()
        self.pixels = int(np.count_nonzero(scored))
        self._pairs = np.cumsum(self.sums(self.transform(scored.astype(np.float64))))

    @property
    def transform_bytes(self) -> int:
        """The memory that one transform takes."""
        return 16 * self._shape[0] * (self._shape[1] // 2 + 1)

    def transform(self, values: Floats) -> NDArray[np.complex128]:
        """The padded Fourier transform of values (H, W), 0 where unscored; it is linear in them."""
        return np.asarray(rfft2(values, self._shape))

    def sums(self, transform: NDArray[np.complex128]) -> Floats:
        """Sums of e_u e_v over all ordered pairs of pixels in each ring, from the transform of e."""
        power = transform.real**2 + transform.imag**2
        by_lag = irfft2(power, self._shape)[np.ix_(self._rows, self._columns)].ravel()
        sums = np.bincount(self._ring, by_lag * self._times, len(self._edges) + 1)
        return np.asarray(sums[:-1], dtype=np.float64)

    def variance(self, transform: NDArray[np.complex128], total: float) -> SpatialVariance:
        """The variance of D = sum s / sum n from the transform of s - D n, where `total` is sum n."""
        sums = self.sums(transform)
        own = float(sums[0])
        if not own > 0:
            return SpatialVariance(0.0, 0.0, float(self.pixels), 0.0)
        largest, last = _largest_partial_sum(sums)
        effective = self.pixels * own / largest
        areas = self.pixels**2 / float(self._pairs[last])
        reach = float(self._edges[last]) if last else 0.0
        return SpatialVariance(largest / total**2, own / total**2, min(effective, areas), reach)


def ring_edges(farthest: float) -> Floats:
    """The lags in pixels at which rings end, up to `farthest`; ring 0 ends at half a pixel."""
    edges = list(FIRST_EDGES)
    while edges[-1] < farthest:
        edges.append(max(edges[-1] + 1, edges[-1] * GROWTH))
    return np.array([edge for edge in edges if edge <= max(farthest, FIRST_EDGES[0])])


def _largest_partial_sum(sums: Floats) -> tuple[float, int]:
    """The largest sum of the first rings and the last ring in it, until NOT_POSITIVE are not positive."""
    largest, last = float(sums[0]), 0
    running, missed = largest, 0
    for ring in range(1, len(sums)):
        running += float(sums[ring])
        missed = 0 if sums[ring] > 0 else missed + 1
        if missed == NOT_POSITIVE:
            break
        if running > largest:
            largest, last = running, ring
    return largest, last
