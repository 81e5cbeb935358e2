"""The iterations of an estimator from several initialisations; as in scikit-learn, the best one counts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..array_types import Floats
from .observations import Observations, Sums

NOT_CONVERGED = (
    "Best performing initialization did not converge. Try different init parameters, or increase max_iter, "
    "tol, or check for degenerate data."
)
"""scikit-learn's message."""


TIE = 1e-12
"""Bounds that differ by less than this share are equal up to rounding; among equal ones, the first counts."""


class Parameters(Protocol):
    """The parameters of EM and of variational Bayes, as the iterations use them."""

    @property
    def offset(self) -> Floats:
        """Log joint density at each mean, or its expectation, nats: (K,)."""

    @property
    def means(self) -> Floats:
        """(K, d)."""

    @property
    def factors(self) -> Floats:
        """A, (K, d, d), lower triangular, with A^T A the (mean) precisions."""

    def updated(self, sums: Sums) -> Self:
        """The parameters after an M-step."""

    def bound(self, before: Sums, total: float) -> float:
        """The bound; `before` are the sums of the E-step that led to these parameters."""


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, eq=False)
class Reached(Generic[P]):
    """The result of the iterations from one initialisation."""

    parameters: P
    bounds: tuple[float, ...]
    converged: bool
    bound: float


class Narrator:
    """Prints progress as scikit-learn's estimators do."""

    def __init__(self, verbose: int, interval: int) -> None:
        self.verbose, self.interval = int(verbose), interval
        self.began = self.last = time()

    def begins(self, number: int) -> None:
        """Report the start of an initialisation."""
        self.began = self.last = time()
        if self.verbose:
            print(f"Initialization {number}")

    def iterates(self, number: int, change: float) -> None:
        """Report an iteration."""
        if number % self.interval or not self.verbose:
            return
        if self.verbose == 1:
            print(f"  Iteration {number}")
        else:
            now = time()
            print(f"  Iteration {number}\t time lapse {now - self.last:.5f}s\t ll change {change:.5f}")
            self.last = now

    def ends(self, converged: bool, bound: float) -> None:
        """Report the end of an initialisation."""
        how = "converged" if converged else "did not converge"
        if self.verbose == 1:
            print(f"Initialization {how}.")
        elif self.verbose:
            print(f"Initialization {how}. time lapse {time() - self.began:.5f}s\t lower bound {bound:.5f}.")


def best_of(
    data: Observations,
    begin: Callable[[], P],
    n_init: int,
    *,
    iterations: int,
    tolerance: float,
    before: float,
    narrator: Narrator,
) -> Reached[P]:
    """Iterate from each initialisation until the bound changes by less than the tolerance; return the best.

    Args:
        begin: makes the parameters of the next initialisation.
        iterations: the largest number; 0: the result is the first initialisation.
        before: the bound of an earlier fit that is continued, else -inf.

    Raises:
        ValueError: the bound is no longer finite.
    """
    best: Reached[P] | None = None
    for attempt in range(n_init):
        narrator.begins(attempt)
        found = _iterated(data, begin(), iterations, tolerance, before, narrator)
        if best is None or found.bound > best.bound + TIE * abs(best.bound):
            best = found
        if iterations:
            narrator.ends(found.converged, found.bound)
    assert best is not None
    if iterations and not best.converged:
        warnings.warn(NOT_CONVERGED, ConvergenceWarning, stacklevel=4)
    return best


def _iterated(
    data: Observations, parameters: P, iterations: int, tolerance: float, before: float, narrator: Narrator
) -> Reached[P]:
    bound, converged = before, False
    bounds: list[float] = []
    while len(bounds) < iterations and not converged:
        sums = data.moments(parameters.offset, parameters.means, parameters.factors)
        parameters = parameters.updated(sums)
        now = parameters.bound(sums, data.total)
        if not np.isfinite(now):
            raise ValueError(
                "the lower bound is no longer finite; try a larger reg_covar, or scale the input data"
            )
        change, bound = now - bound, now
        bounds.append(bound)
        narrator.iterates(len(bounds), change)
        converged = abs(change) < tolerance
    return Reached(parameters, tuple(bounds), converged, bound if bounds else -np.inf)
