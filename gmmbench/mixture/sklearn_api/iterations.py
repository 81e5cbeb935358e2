"""The iterations of an estimator: several starts, the best of which counts, as scikit-learn does it."""

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
"""Part of a bound by which rounding makes equal ones differ; of equal ones the first counts."""


class Parameters(Protocol):
    """What EM and variational Bayes have in common."""

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
        """After an M-step."""

    def bound(self, before: Sums, total: float) -> float:
        """The bound, where `before` are the sums that led here."""


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, eq=False)
class Reached(Generic[P]):
    """What a start came to."""

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
        """A start begins."""
        self.began = self.last = time()
        if self.verbose:
            print(f"Initialization {number}")

    def iterates(self, number: int, change: float) -> None:
        """An iteration is done."""
        if number % self.interval or not self.verbose:
            return
        if self.verbose == 1:
            print(f"  Iteration {number}")
        else:
            now = time()
            print(f"  Iteration {number}\t time lapse {now - self.last:.5f}s\t ll change {change:.5f}")
            self.last = now

    def ends(self, converged: bool, bound: float) -> None:
        """A start has come to its end."""
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
    """Iterate from each start until the bound changes by less than the tolerance; the best counts.

    Args:
        begin: makes the parameters of the next start.
        iterations: at most so many; 0: the parameters remain those of the first start.
        before: the bound where the fit goes on from an earlier one, else -inf.

    Raises:
        ValueError: the bound is no number any more.
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
