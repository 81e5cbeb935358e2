"""What a fit says of the colour at a position beyond its mean: covariance, entropy, mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Fitted, Floats, Lattice, Predictor

if TYPE_CHECKING:
    from gmmbench.mixture import Mixture

TILE = 24
"""Positions are answered by squares of the lattice, this many a side: few components matter in one."""

NEGLECT = 16.0
"""A component is left out of a tile where it has less than exp(-16) of the largest one's share."""

TOP = 8
"""Components of largest share that the entropy is taken of, at each position."""

PEAKS = 5
"""Components of highest peak among which the mode is sought."""

STEPS = 2
"""Steps from the best of the components' means towards the mode: each is small already."""


@dataclass(frozen=True, eq=False)
class Colours:
    """What is expected of the colours of n positions: mixtures of m Gaussians.

    Attributes:
        weights: (n, m). means: (n, m, 3). covariances: (m, 3, 3) or (n, m, 3, 3).
    """

    weights: Floats
    means: Floats
    covariances: Floats

    def largest(self, count: int, peaks: bool = False) -> _Largest:
        """The `count` components of largest weight at each position, or of highest peak; made to sum to 1."""
        n, m = self.weights.shape
        # Inverted before they are chosen: many positions share a component.
        inverse: Floats = np.asarray(np.linalg.inv(self.covariances), dtype=np.float64)
        log_det = np.linalg.slogdet(self.covariances)[1]
        top = np.broadcast_to(np.arange(m), (n, m))
        if m > count:
            with np.errstate(under="ignore"):
                size = self.weights * np.exp(-0.5 * (log_det - log_det.min())) if peaks else self.weights
            top = np.argpartition(-size, count - 1, axis=1)[:, :count]
        row = np.arange(n)[:, None]
        own = (top,) if self.covariances.ndim == 3 else (row, top)
        weights = self.weights[row, top]
        weights = weights / weights.sum(axis=1, keepdims=True)
        return _Largest(weights, self.means[row, top], self.covariances[own], inverse[own], log_det[own])


@dataclass(frozen=True, eq=False)
class _Largest:
    """weights (n, m), means (n, m, 3), covariances and their inverses (n, m, 3, 3), log det C (n, m)."""

    weights: Floats
    means: Floats
    covariances: Floats
    inverse: Floats
    log_det: Floats

    def apart(self) -> Floats:
        """(m_i - m_j)^T C_j^-1 (m_i - m_j) of every pair: (n, m, m)."""
        apart = self.means[:, None] - self.means[:, :, None]  # (n, j, i, 3)
        return np.swapaxes(((apart @ self.inverse) * apart).sum(axis=3), 1, 2)


def covariance(law: Colours) -> Floats:
    """Cov[r, g, b | x, y] = sum_k w_k (C_k + (m_k - m)(m_k - m)^T): (n, 3, 3)."""
    mean = np.einsum("nk,nkc->nc", law.weights, law.means)
    apart = law.means - mean[:, None]
    among = np.swapaxes(law.weights[:, :, None] * apart, 1, 2) @ apart
    flat = law.covariances.reshape(*law.covariances.shape[:-2], 9)
    inner = law.weights @ flat if flat.ndim == 2 else np.einsum("nk,nkc->nc", law.weights, flat)
    return np.asarray(among + inner.reshape(-1, 3, 3))


def entropy(law: Colours) -> Floats:
    """The differential entropy of a mixture in nats, by the distances of its pairs: (n,).

    h = sum_i w_i (h_i - log sum_j w_j exp(-KL(i || j))), an upper bound that is exact for one Gaussian and
    for Gaussians far apart (Kolchinsky and Tracey 2017, eq. 10, of the TOP components).
    """
    top = law.largest(TOP)
    n, m = top.weights.shape
    trace = top.covariances.reshape(n, m, 9) @ np.swapaxes(top.inverse.reshape(n, m, 9), 1, 2)
    divergence = 0.5 * (trace + top.apart() - 3 + top.log_det[:, None, :] - top.log_det[:, :, None])
    overlap = np.log((top.weights[:, None, :] * np.exp(-divergence)).sum(axis=2))
    own = 0.5 * (3 * np.log(2 * np.pi * np.e) + top.log_det)
    return np.asarray((top.weights * (own - overlap)).sum(axis=1))


def mode(law: Colours) -> Floats:
    """The most probable colour: (n, 3).

    From the mean of a component at which the density is highest, by the fixed point of M. A.
    Carreira-Perpinan, "Mode-finding for mixtures of Gaussian distributions" (2000), eq. 3.
    """
    top = law.largest(PEAKS, peaks=True)
    with np.errstate(divide="ignore"):
        scale = np.log(top.weights) - 0.5 * top.log_det
    height = np.exp(scale[:, None, :] - scale.max(axis=1)[:, None, None] - 0.5 * top.apart())
    best = height.sum(axis=2).argmax(axis=1)
    colour = top.means[np.arange(len(best)), best]
    pulled = (top.inverse @ top.means[..., None])[..., 0]
    for _ in range(STEPS):
        apart = colour[:, None] - top.means
        white = ((top.inverse @ apart[..., None])[..., 0] * apart).sum(axis=2)
        log_share = scale - 0.5 * white
        share = np.exp(log_share - log_share.max(axis=1, keepdims=True))[:, None]
        precision = (share @ top.inverse.reshape(*share.shape[::2], 9)).reshape(-1, 3, 3)
        colour = np.linalg.solve(precision, np.swapaxes(share @ pulled, 1, 2))[..., 0]
    return colour


def over(lattice: Lattice, fitted: Fitted, question: Callable[[Colours], Floats]) -> Floats:
    """A question answered at every centre of a lattice: (H, W) or (H, W, 3) or (H, W, 3, 3)."""
    from threadpoolctl import threadpool_limits

    out: Floats | None = None
    # A tile's products are small: handing them round among threads took four times as long as doing them.
    with threadpool_limits(limits=1, user_api="blas"):
        for where, law in _laws(lattice, fitted):
            answer = question(law)
            if out is None:
                out = np.empty((lattice.size, *answer.shape[1:]))
            out[where] = answer
    assert out is not None  # a lattice has a position
    return out.reshape(*lattice.shape, *out.shape[1:])


def _laws(lattice: Lattice, fitted: Fitted) -> Iterator[tuple[NDArray[np.intp], Colours]]:
    """The flat indices of each tile of a lattice, and what is expected there."""
    mixture: Mixture | None = getattr(fitted, "mixture", None)
    asked = _Conditioned.of(mixture) if mixture is not None else None
    for top in range(0, lattice.height, TILE):
        rows = np.arange(top, min(top + TILE, lattice.height))
        for left in range(0, lattice.width, TILE):
            columns = np.arange(left, min(left + TILE, lattice.width))
            where = (rows[:, None] * lattice.width + columns).ravel()
            positions = lattice.coordinates(where)
            if asked is not None:
                yield where, asked.colours(positions)
            else:
                assert isinstance(fitted, Predictor)
                yield where, _told(fitted.law(positions))


def _told(law: Any) -> Colours:
    """A predictor's law; a Student's t is taken for the Gaussian of its covariance, where it has one."""
    spread = law.covariances
    if law.degrees is not None:
        wide = np.maximum(law.degrees, 2.5)
        spread = spread * (wide / (wide - 2))[:, :, None, None]
    return Colours(law.weights, law.means, spread[0] if len(spread) == 1 else spread)


@dataclass(frozen=True, eq=False)
class _Conditioned:
    """A mixture over x, y and colours, ready to be conditioned (Bishop 2006, eqs. 2.81-2.82).

    Attributes:
        constant: log w_k - log det(C_xx) / 2, (K,). precision: C_xx^-1, (K, 2, 2), with its eigenvalues
        `curved`, (K, 2), rising. centres: (K, 2).
        means: of the colours, (K, 3). gain: C_cx C_xx^-1, (K, 3, 2). left: the covariance left, (K, 3, 3).
    """

    constant: Floats
    precision: Floats
    curved: Floats
    centres: Floats
    means: Floats
    gain: Floats
    left: Floats

    @classmethod
    def of(cls, mixture: Mixture) -> _Conditioned:
        within = mixture.covariances[:, :2, :2]
        across = mixture.covariances[:, 2:, :2]
        precision: Floats = np.asarray(np.linalg.inv(within), dtype=np.float64)
        gain = across @ precision
        left = mixture.covariances[:, 2:, 2:] - gain @ np.swapaxes(across, 1, 2)
        with np.errstate(divide="ignore"):
            constant = np.log(mixture.weights) - 0.5 * np.linalg.slogdet(within)[1]
        curved: Floats = np.asarray(np.linalg.eigvalsh(precision), dtype=np.float64)
        return cls(constant, precision, curved, mixture.means[:, :2], mixture.means[:, 2:], gain, left)

    def colours(self, positions: Floats) -> Colours:
        """What is expected at neighbouring positions (n, 2), of the components that matter there."""
        middle = positions.mean(axis=0)
        step = positions - middle
        near = self._near(middle, float(np.sqrt((step**2).sum(axis=1).max())))
        apart, precision = middle - self.centres[near], self.precision[near]
        # A Gaussian's log density is quadratic in the steps from the middle: one product answers for all.
        pull = np.einsum("kij,kj->ki", precision, apart)
        terms = np.column_stack((
            self.constant[near] - 0.5 * (pull * apart).sum(axis=1), -pull, -0.5 * precision[:, 0, 0],
            -precision[:, 0, 1], -0.5 * precision[:, 1, 1],
        ))  # fmt: skip
        x, y = step.T
        joint = np.column_stack((np.ones(len(x)), x, y, x * x, x * y, y * y)) @ terms.T
        joint -= joint.max(axis=1, keepdims=True)
        seen = joint.max(axis=0) > -NEGLECT
        share = np.exp(joint[:, seen])
        share /= share.sum(axis=1, keepdims=True)
        kept = near[seen]
        centre = self.means[kept] + np.einsum("kij,kj->ki", self.gain[kept], apart[seen])
        means = centre + (step @ self.gain[kept].reshape(-1, 2).T).reshape(len(step), -1, 3)
        return Colours(share, means, self.left[kept])

    def _near(self, middle: Floats, reach: float) -> NDArray[np.intp]:
        """The components that can matter within `reach` of a place: (k,) of their numbers.

        By the least that the nearest one has there, and the most that each can have.
        """
        far = np.sqrt(((middle - self.centres) ** 2).sum(axis=1))
        most = self.constant - 0.5 * self.curved[:, 0] * np.maximum(far - reach, 0) ** 2
        least = self.constant - 0.5 * self.curved[:, 1] * (far + reach) ** 2
        return np.flatnonzero(most > least.max() - NEGLECT)
