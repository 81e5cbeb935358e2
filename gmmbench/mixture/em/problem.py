"""The points of a fit, in the units and blocks of the E-step, with the options of the fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Floats
from ..covariances import FULL, CovarianceType, Diagonal, Form
from ..distributions.gaussian import Mixture
from ..fit_checks import FitArguments, check_distinct
from .e_step import PRECISIONS, Expectation, KernelComponents
from .incomplete import IncompleteExpectation, filled, most_likely_gaussian
from .initialize import State, begin
from .missing import Filled, Missing
from .whitening import Units

RIDGE = 1e-13
"""The least variance, in units of the points' own: the least that float64 distinguishes from zero."""

NARROW = 1e-4
"""Covariance floors of a smaller standard deviation than this, in units of the points' own, need float64."""


@dataclass(frozen=True)
class Options:
    """The options of the iterations; `fit` explains them."""

    covariance: CovarianceType = FULL
    tolerance: float = 1e-3
    iterations: int = 100
    precision: str = "auto"
    truncation: float = 1e-5
    threads: int | None = None
    empty: str = "reseed"


class Problem:
    """Points (n, d) with weights (n,) and a covariance floor (d,), in whitened units and in blocks.

    Points may lack some of their cells (NaN); then they are not `complete`. `points` has guesses there, for
    initialisation, `spread` (d, d) is their covariance by EM for a single Gaussian, whose mean is 0 in these
    units, and the bound is that of the cells that are known.

    With missing cells, the bound is the log-likelihood of the points given that they lie elsewhere.
    """

    def __init__(
        self,
        points: Floats,
        weights: Floats,
        covariance_floor: Floats,
        options: Options,
        missing: Missing | None = None,
    ) -> None:
        self.options = options
        self.weights = weights / weights.max()
        lacking = np.isnan(points)
        self.complete = not lacking.any()
        self.spread: Floats | None = None
        if self.complete:
            self.units = Units.of(points, self.weights, covariance_floor, options.covariance.form)
            self.points = self.units.into(points)
        else:
            self.units, self.points, self.spread = _units_of_axes(
                points, self.weights, covariance_floor, options.covariance.form
            )
        axes = np.log(np.diag(self.units.factor))
        self.log_volume = float(self.weights @ (~lacking @ axes) / self.weights.sum())
        spread = self.units.spread_into(np.diag(covariance_floor))
        least = float(np.linalg.eigvalsh(spread)[0])
        self.covariance_floor = spread + max(0.0, RIDGE - least) * np.eye(len(covariance_floor))
        precision = options.precision
        if precision == "auto":
            precision = "double" if least < NARROW**2 else "single"
        if precision not in PRECISIONS:
            raise ValueError(f"expected a precision of auto, single, double, got {options.precision!r}")
        prepared = partial(
            Expectation,
            diagonal=options.covariance.form.diagonal,
            precision=precision,
            truncation=options.truncation,
            threads=options.threads,
        )
        self.total = float(self.weights.sum())
        self.hidden = np.empty((0, points.shape[1]))
        self.expectation: Expectation | Filled | IncompleteExpectation
        if not self.complete:
            inside = np.where(lacking, np.nan, self.points)
            self.expectation = IncompleteExpectation(inside, self.weights)
            return
        self.expectation = seen = prepared(self.points, self.weights)
        if missing is not None:
            self.hidden = self.units.into(missing.points)
            hidden = prepared(self.hidden, np.zeros(len(self.hidden)))
            volume = missing.volume / np.exp(self.units.log_volume)
            most = missing.most / float(weights.max())
            self.expectation = Filled(seen, hidden, self.total, volume, most)

    @classmethod
    def of(
        cls,
        arguments: FitArguments,
        components: int,
        options: Options,
        missing: tuple[ArrayLike, float] | None,
    ) -> Problem:
        """The problem of a fit: its points of weight > 0, and its missing cells (centres (m, d) and volume).

        Raises:
            TooManyComponents: fewer distinct points than components.
            ValueError: missing cells that are not valid, or a precision that does not exist.
        """
        x, w = arguments.points, arguments.weights
        if not w.all():
            x, w = x[w > 0], w[w > 0]
        check_distinct(x, components)
        holes = None if missing is None else Missing.of(*missing, x.shape[1])
        return cls(x, w, arguments.covariance_floor, options, holes)

    def parts(self, components: KernelComponents) -> list[tuple[Expectation, Floats, Floats]]:
        """The points, and the missing cells as `components` fill them.

        Each part is its E-step, its points (n, d) and their weights (n,).

        Raises:
            ValueError: points with missing cells (NaN), which have no such E-step.
        """
        if isinstance(self.expectation, IncompleteExpectation):
            raise ValueError("expected points without missing cells")
        if not isinstance(self.expectation, Filled):
            return [(self.expectation, self.points, self.weights)]
        self.expectation.fill(components)
        seen, hidden = self.expectation.seen, self.expectation.hidden
        return [(seen, self.points, self.weights), (hidden, self.hidden, self.expectation.weights)]

    def begin(self, components: int, init: str | Mixture, rng: np.random.Generator) -> State:
        """The first parameters: by a method of initialisation, or from a mixture in the points' own units."""
        covariance = self.options.covariance
        if isinstance(init, Mixture):
            means = np.linalg.solve(self.units.factor, (init.means - self.units.origin).T).T
            spread = covariance.restrict(self.units.spread_into(init.covariances), init.weights)
            return State(init.weights, np.asarray(means, dtype=np.float64), spread)
        state = begin(self.points, self.weights, components, init, self.covariance_floor, rng)
        return replace(state, covariances=covariance.restrict(state.covariances, state.weights))

    def mixture(self, state: State) -> Mixture:
        """A state as a mixture in the points' own units."""
        return Mixture(state.weights, *self.units.out_of(state.means, state.covariances))


def _units_of_axes(
    points: Floats, weights: Floats, covariance_floor: Floats, form: Form
) -> tuple[Units, Floats, Floats]:
    """Units that mix no columns; in them the points, with guesses in missing cells, and their covariance."""
    mean, covariance = most_likely_gaussian(points, weights)
    form = form if form.diagonal else Diagonal()
    units = Units(mean, form.whitening_factor(np.diag(np.diag(covariance)), covariance_floor))
    return units, units.into(filled(points, mean, covariance)), units.spread_into(covariance)
