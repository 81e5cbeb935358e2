"""The initialisation of an estimator: scikit-learn's methods, with weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus

from ..array_types import Floats
from ..em.initialize import begin
from ..em.whitening import Units
from .observations import Observations
from .parameters import Update, update_of

MANY = 20_000_000
"""Above this number of row-component pairs, the engine does the initialisation: k-means takes longer than
the fit."""


def first_update(data: Observations, components: int, method: str, random_state: Any) -> Update:
    """The input of the first M-step.

    It is that of scikit-learn for the same random state; if weights are repetitions, that of scikit-learn
    for the repeated rows.
    """
    if data.rows * components > MANY:
        return _of_engine(data, components, method, random_state)
    shares = _shares(data, components, method, random_state)
    means, moments = data.moments_of(shares)
    update = update_of(moments, means, data.rule)
    if data.rule.kind.shared and method in ("k-means++", "random_from_data"):
        return _tied_to_all(data, update)
    return update


def _shares(data: Observations, components: int, method: str, random_state: Any) -> Floats:
    """Responsibilities (n, K) times the number of observations of each row."""
    if data.repeats is None:
        return _of_weighted_rows(data, components, method, random_state)
    x = np.repeat(_rows(data), data.repeats, axis=0) if data.rows > len(data.x) else _rows(data)
    shares = _of_rows(x, components, method, random_state)
    if data.rows > len(data.x):
        starts = np.concatenate(([0], np.cumsum(data.repeats)[:-1]))
        shares = np.add.reduceat(shares, starts, axis=0)
    return shares * (data.total / data.rows)


def _rows(data: Observations) -> Any:
    """The rows as scikit-learn would get them: in their own dtype, with missing cells filled."""
    return data.x if data.complete else (data.filled + data.centre).astype(data.x.dtype)


def _of_rows(x: Any, components: int, method: str, random_state: Any) -> Floats:
    n, shares = len(x), np.zeros((len(x), components))
    if method == "kmeans":
        labels = KMeans(components, n_init=1, random_state=random_state).fit(x).labels_
        shares[np.arange(n), labels] = 1
    elif method == "random":
        shares = random_state.uniform(size=(n, components))
        shares /= shares.sum(axis=1, keepdims=True)
    elif method == "random_from_data":
        shares[random_state.choice(n, size=components, replace=False), np.arange(components)] = 1
    else:
        shares[kmeans_plusplus(x, components, random_state=random_state)[1], np.arange(components)] = 1
    return shares


def _of_weighted_rows(data: Observations, components: int, method: str, random_state: Any) -> Floats:
    """The same if weights are not repetitions: rows count, or are drawn, according to their weights."""
    x, counts = _rows(data), data.counts
    n, every = len(x), np.arange(components)
    shares = np.zeros((n, components))
    if method == "kmeans":
        found = KMeans(components, n_init=1, random_state=random_state).fit(x, sample_weight=counts)
        shares[np.arange(n), found.labels_] = counts
    elif method == "random":
        shares = random_state.uniform(size=(n, components))
        shares *= (counts / shares.sum(axis=1))[:, None]
    elif method == "random_from_data":
        chosen = random_state.choice(n, size=components, replace=False, p=counts / counts.sum())
        shares[chosen, every] = counts[chosen]
    else:
        _, chosen = kmeans_plusplus(x, components, sample_weight=counts, random_state=random_state)
        shares[chosen, every] = counts[chosen]
    return shares


def _tied_to_all(data: Observations, update: Update) -> Update:
    """The covariance by scikit-learn's formula for tied ones if most rows belong to no component."""
    x = data.filled + data.centre
    held = (update.means * update.count[:, None]).T @ update.means
    tied = ((x * data.counts[:, None]).T @ x - held) / update.count.sum()
    return Update(update.count, update.means, np.repeat(tied[None], len(update.count), axis=0))


def _of_engine(data: Observations, components: int, method: str, random_state: Any) -> Update:
    rng = np.random.default_rng(random_state.randint(2**31 - 1))
    d = data.x.shape[1]
    mean, covariance = data.one_gaussian
    ridge = np.full(d, max(data.rule.ridge, 1e-12 * float(np.diag(covariance).max()), 1e-300))
    units = Units(mean, data.rule.kind.form.whitening_factor(covariance, ridge))
    covariance_floor = units.spread_into(np.diag(ridge))
    weights = data.counts / data.counts.max()
    state = begin(units.into(data.filled), weights, components, method, covariance_floor, rng)
    means, spread = units.out_of(state.means, state.covariances)
    spread = spread - np.diag(ridge)
    spread = data.rule.kind.restrict(spread, state.weights)
    return Update(state.weights * data.total, means + data.centre, spread)
