"""Cells that were not observed: each E-step fills in their expected content, which is no evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Floats
from .e_step import Expectation, KernelComponents, Moments

LEAST = 1e-3
"""The least mass in observed cells; it limits the factor by which observed points are scaled up."""


@dataclass(frozen=True, eq=False)
class Missing:
    """Cells of equal volume whose content is unknown: their centres (m, d), in the units of the points.

    A cell holds a weight of at most `most`: a pixel of an image is full of ink at 1.
    """

    points: Floats
    volume: float
    most: float = 1.0

    @classmethod
    def of(cls, points: ArrayLike, volume: float, dimension: int) -> Missing:
        """From arguments to check. Raises ValueError unless centres are finite (m, d) and the volume > 0."""
        x = np.asarray(points, dtype=np.float64)
        if x.ndim != 2 or not len(x) or x.shape[1] != dimension or not np.isfinite(x).all():
            raise ValueError(f"expected finite missing points (m, {dimension}) with m >= 1, got {x.shape}")
        if not (np.isfinite(volume) and volume > 0):
            raise ValueError(f"expected the volume of a missing cell > 0, got {volume}")
        return cls(x, float(volume))


class Filled:
    """E-steps over points and missing cells together, with the methods of an `Expectation`.

    Let p be the present fit. Then m_u = p(u) volume is the mass of cell u, h = sum m_u that of all missing
    cells, and n the weight of all points. Cell u is expected to hold lambda_u = n m_u / (1 - h). It counts
    as a point at its centre, of weight min(lambda_u, most). Without the minimum, this is EM for data that
    are truncated to the observed cells, and raises sum_i w_i log(p(x_i) / (1 - h)), which is the bound. In
    variational Bayes, p is exp E[log p], whose mass is less than 1. With the improper prior 1 / N on the
    number N of all points, the unobserved ones are negative binomial there too, with the same expectation.

    Args:
        seen: the points.
        hidden: the centres of the missing cells; their weights are replaced.
        total: n.
        volume, most: those of a cell, in the units of the points and of their weights.

    Source: Dempster, Laird and Rubin (1977), section 4.2; McLachlan and Jones (1988).
    """

    def __init__(
        self, seen: Expectation, hidden: Expectation, total: float, volume: float, most: float
    ) -> None:
        self.seen, self.hidden = seen, hidden
        self.total, self.volume, self.most = total, volume, most
        self.weights = np.zeros(hidden.n)

    def moments(self, components: KernelComponents) -> Moments:
        """One E-step over both, and the sums that an M-step needs."""
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
        """Give each cell its expected weight, and return 1 - h."""
        masses = self.volume * np.exp(self.hidden.log_density(components).astype(np.float64))
        looked_at = max(1 - float(masses.sum()), LEAST)
        self.weights = np.minimum(self.total / looked_at * masses, self.most)
        self.hidden.reweigh(self.weights)
        return looked_at

    def forget(self) -> None:
        """Forget the lists of the last E-step."""
        self.seen.forget()
        self.hidden.forget()
