"""What a fit returns, and how it reports its iterations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from .distributions.gaussian import Mixture
from .distributions.student import StudentMixture

Watcher: TypeAlias = Callable[..., None]
"""Called as watch(iteration, bound), and by the fast engine as watch(iteration, bound, snapshot), where
snapshot() makes a Mixture of the present state."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of a fit.

    Attributes:
        mixture: the fitted mixture.
        iterations: iterations done.
        converged: whether the tolerance was reached before the limit of iterations.
        bound: the final lower bound per point (EM: the mean log-likelihood), in nats; None if the engine
            does not report it.
        n_parameters: the number of free parameters.
        trace: the bound at each iteration, if the engine reports it.
        removed: the number of components that became empty and were removed.
        compile_seconds: the part of the fit's time that was spent on compiling or loading kernels.
        reseeded: the number of times that a component became empty and was placed elsewhere.
    """

    mixture: Mixture
    iterations: int
    converged: bool
    bound: float | None
    n_parameters: int
    trace: tuple[float, ...] = ()
    removed: int = 0
    compile_seconds: float = 0.0
    reseeded: int = field(default=0, kw_only=True)


@dataclass(frozen=True, eq=False)
class BayesianFit(Fit):
    """A Fit whose mixture has the posterior means; the bound is the evidence bound per point, in nats.

    The trace has one bound for each iteration and one for each half round of births and deaths.

    Attributes:
        predictive: the posterior predictive distribution, a mixture of Student's t.
        leftover: the share of the predictive distribution that is drawn from the prior: the part of the
            stick that a Dirichlet process has not broken off, and the weight of components without points.
        used: the number of components that hold points, which are those of the mixture.
    """

    predictive: StudentMixture | None = None
    leftover: float = 0.0
    used: int = 0
