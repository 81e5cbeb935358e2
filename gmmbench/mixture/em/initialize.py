"""Initialisation: the first components of a fit, made from the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..array_types import Floats, Integers

SAMPLE = 20
"""Points per component that k-means uses, but at least SAMPLE_LEAST in all."""

SAMPLE_LEAST = 20_000

LLOYD = 10
"""Lloyd's iterations after k-means++: the first ones bring most of the gain of a hundred."""


@dataclass(frozen=True, eq=False)
class State:
    """The parameters of a mixture during a fit: weights (K,), means (K, d), covariances (K, d, d)."""

    weights: Floats
    means: Floats
    covariances: Floats

    def keep(self, chosen: NDArray[Any]) -> State:
        """Some of the components, with weights that sum to 1 again."""
        weights = self.weights[chosen]
        return State(weights / weights.sum(), self.means[chosen], self.covariances[chosen])


def split(state: State, whole: Integers, free: Integers) -> State:
    """Cut the components `whole` across their longest axes; one half of each goes to a place in `free`."""
    weights, means, spread = (np.array(a) for a in (state.weights, state.means, state.covariances))
    values, vectors = np.linalg.eigh(spread[whole])
    # two halves of a Gaussian cut across its longest axis: their means lie sqrt(2 / pi) sd away
    step = vectors[:, :, -1] * np.sqrt(values[:, -1:] * 2 / np.pi)
    weights[whole] /= 2
    weights[free] = weights[whole]
    means[free] = means[whole] - step
    means[whole] += step
    spread[whole] -= step[:, :, None] * step[:, None, :]
    spread[free] = spread[whole]
    return State(weights / weights.sum(), means, spread)


def reseeded(state: State) -> State:
    """Replace components of weight 0 by halves of the heaviest ones, and by quarters if need be."""
    while len(empty := np.flatnonzero(state.weights == 0)):
        heavy = np.argsort(-state.weights, kind="stable")[: len(state.weights) - len(empty)]
        pairs = min(len(empty), len(heavy))
        state = split(state, heavy[:pairs], empty[:pairs])
    return state


def begin(
    points: Floats,
    weights: Floats,
    components: int,
    init: str,
    covariance_floor: Floats,
    rng: np.random.Generator,
) -> State:
    """The first components for points (n, d) with weights (n,).

    The covariance floor (d, d) is added to their covariances.

    - "kmeans": k-means++ on a subsample, then LLOYD iterations; "k-means++": without these iterations
      (Arthur and Vassilvitskii 2007).
    - "stratified": the cells of a k-d tree with K leaves of equal numbers of points.
    - "random", "random_from_data": K of the points, each as wide as one component among K.
    """
    if init == "stratified":
        labels = stratify(points, components)
        return _of_cells(points, weights, labels, components, covariance_floor)
    seen = _subsample(weights, max(SAMPLE_LEAST, SAMPLE * components), rng)
    few, share = points[seen], (weights[seen] if len(seen) == len(points) else np.ones(len(seen)))
    if init.startswith("random"):
        centres = few[_some(few, components, rng)]
        spread = np.atleast_2d(np.cov(few.T, aweights=share, bias=True))
        wide = spread / components ** (2 / points.shape[1]) + covariance_floor
        return State(np.full(components, 1 / components), centres, np.repeat(wide[None], components, axis=0))
    centres = _plus_plus(few, share, components, rng)
    labels = _nearest(few, centres)
    for _ in range(LLOYD if init == "kmeans" else 0):
        centres = _centres(few, share, labels, centres)
        labels = _nearest(few, centres)
    return _of_cells(few, share, labels, components, covariance_floor, centres)


def stratify(points: Floats, cells: int) -> Integers:
    """The leaf of each point (n,), in a k-d tree with `cells` leaves of nearly equal numbers of points."""
    labels = np.empty(len(points), np.intp)
    todo = [(np.arange(len(points)), 0, cells)]
    while todo:
        members, first, count = todo.pop()
        if count == 1:
            labels[members] = first
            continue
        inside = points[members]
        axis = int(np.argmax(np.ptp(inside, axis=0)))
        left = count // 2
        at = min(max(1, round(len(members) * left / count)), len(members) - 1)
        sides = members[np.argpartition(inside[:, axis], at)]
        todo += [(sides[:at], first, left), (sides[at:], first + left, count - left)]
    return labels


def _subsample(weights: Floats, size: int, rng: np.random.Generator) -> Integers:
    """At most `size` different points, drawn with probabilities that follow their weights."""
    positive = np.flatnonzero(weights > 0)
    if len(positive) <= size:
        return np.arange(len(weights))
    share = weights[positive] / weights[positive].sum()
    # the `size` smallest of exponential times at rates `share` (Efraimidis and Spirakis 2006)
    times = rng.exponential(size=len(positive)) / share
    return np.sort(positive[np.argpartition(times, size)[:size]])


def _some(points: Floats, count: int, rng: np.random.Generator) -> Integers:
    """`count` of the points, at different places as long as there are enough."""
    order = rng.permutation(len(points))
    _, first = np.unique(points[order], axis=0, return_index=True)
    chosen = order[np.sort(first)][:count]
    return np.concatenate((chosen, rng.integers(len(points), size=count - len(chosen))))


def _plus_plus(points: Floats, weights: Floats, components: int, rng: np.random.Generator) -> Floats:
    """Draw centres one by one, in proportion to weight times squared distance from the nearest centre."""
    columns = np.ascontiguousarray(points.T)
    centres = np.empty((components, points.shape[1]))
    centres[0] = points[rng.choice(len(points), p=weights / weights.sum())]
    nearest = np.full(len(points), np.inf)
    for k in range(1, components):
        distance = np.zeros(len(points))
        for axis, column in enumerate(columns):
            distance += (column - centres[k - 1, axis]) ** 2
        np.minimum(nearest, distance, out=nearest)
        edges = np.cumsum(weights * nearest)
        if edges[-1] > 0:
            drawn = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
            centres[k] = points[min(drawn, len(points) - 1)]
        else:  # every distinct point of the sample is already a centre
            centres[k] = points[rng.integers(len(points))]
    return centres


def _nearest(points: Floats, centres: Floats) -> Integers:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(centres).query(points)[1], dtype=np.intp)


def _centres(points: Floats, weights: Floats, labels: Integers, before: Floats) -> Floats:
    """Means of the cells; an empty cell keeps its centre."""
    count = np.bincount(labels, weights, len(before))
    sums = [np.bincount(labels, weights * column, len(before)) for column in points.T]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.stack(sums, axis=1) / count[:, None]
    return np.where(count[:, None] > 0, means, before)


def _of_cells(
    points: Floats,
    weights: Floats,
    labels: Integers,
    components: int,
    covariance_floor: Floats,
    centres: Floats | None = None,
) -> State:
    """Moments of cells. Covariances are shrunk towards the mean one, most strongly in cells of few points."""
    d = points.shape[1]
    means = _centres(points, weights, labels, np.zeros((components, d)) if centres is None else centres)
    count = np.bincount(labels, weights, components)
    spread = np.empty((components, d, d))
    for i in range(d):  # axis by axis, since n may be tens of millions
        pull = weights * (points[:, i] - means[labels, i])
        for j in range(i + 1):
            product = pull * (points[:, j] - means[labels, j])
            spread[:, i, j] = np.bincount(labels, product, components)
            spread[:, j, i] = spread[:, i, j]
    pooled = spread.sum(axis=0) / count.sum()
    prior = (d + 1) * max(float(count.sum()) / len(points), 1e-12)  # the weight of d + 1 mean points
    covariances = (spread + prior * pooled) / (count + prior)[:, None, None] + covariance_floor
    share = count + 0.1 * prior
    return State(share / share.sum(), means, covariances)
