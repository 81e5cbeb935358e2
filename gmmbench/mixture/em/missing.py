"""Places where nobody looked: what a fit expects there is filled in at each E-step, and is no evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Floats
from .e_step import Expectation, KernelComponents, Moments

LEAST = 1e-3
"""The share of a fit that must lie where somebody looked: what was seen is never scaled up by more."""


@dataclass(frozen=True, eq=False)
class Missing:
    """Cells of one volume whose content is unknown: their centres (m, d), in the units of the points.

    A cell holds at most a weight of `most`: an image's pixel is full of ink, and no fuller, at 1.
    """

    points: Floats
    volume: float
    most: float = 1.0

    @classmethod
    def of(cls, points: ArrayLike, volume: float, dimension: int) -> Missing:
        """Checked. Raises ValueError where the centres are no finite (m, d), or the volume is not > 0."""
        x = np.asarray(points, dtype=np.float64)
        if x.ndim != 2 or not len(x) or x.shape[1] != dimension or not np.isfinite(x).all():
            raise ValueError(f"expected finite missing points (m, {dimension}) with m >= 1, got {x.shape}")
        if not (np.isfinite(volume) and volume > 0):
            raise ValueError(f"expected the volume of a missing cell > 0, got {volume}")
        return cls(x, float(volume))


class Filled:
    """E-steps over points and missing cells together, with the face of an `Expectation`.

    With p the present fit, m_u = p(u) volume is the mass of cell u and h = sum m_u that of all missing
    cells; n is the weight of all points. Cell u is expected to hold lambda_u = n m_u / (1 - h), and counts
    as a point at its centre of weight min(lambda_u, most). Without the minimum this is EM for data that are
    truncated to where somebody looked, and raises sum_i w_i log(p(x_i) / (1 - h)), which is the bound. In
    variational Bayes p is exp E[log p], of mass less than 1: with the improper prior 1 / N on the number N
    of all points, those that nobody saw are negative binomial there, too, of the same expectation.

    Args:
        seen: the points.
        hidden: the centres of the missing cells, of any weights.
        total: n.
        volume, most: of a cell, in the units of the points and of their weights.

    Source: Dempster, Laird and Rubin (1977), section 4.2; McLachlan and Jones (1988).
    """

    def __init__(
        self, seen: Expectation, hidden: Expectation, total: float, volume: float, most: float
    ) -> None:
        self.seen, self.hidden = seen, hidden
        self.total, self.volume, self.most = total, volume, most
        self.weights = np.zeros(hidden.n)

    def moments(self, components: KernelComponents) -> Moments:
        """One E-step over both, and the sums an M-step needs."""
        looked_at = self.fill(components)
        one, two = self.seen.moments(components), self.hidden.moments(components)
        return Moments(
            one.bound - self.total * float(np.log(looked_at)),
            one.count + two.count,
            one.first + two.first,
            one.second + two.second,
            one.pairs + two.pairs,
        )

    def fill(self, components: KernelComponents) -> float:
        """Give each cell the weight that is expected there; return 1 - h."""
        masses = self.volume * np.exp(self.hidden.log_density(components).astype(np.float64))
        looked_at = max(1 - float(masses.sum()), LEAST)
        self.weights = np.minimum(self.total / looked_at * masses, self.most)
        self.hidden.reweigh(self.weights)
        return looked_at

    def forget(self) -> None:
        """Let the next E-step find its lists afresh."""
        self.seen.forget()
        self.hidden.forget()
