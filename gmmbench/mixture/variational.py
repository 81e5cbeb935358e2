"""Variational Bayes on the fast engine's E-step, with births that let the mixture find its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .em import Problem
from .fitting import Fit, count_parameters
from .mixture import Mixture
from .posterior import Posterior, Prior
from .student import StudentMixture

Floats = NDArray[np.float64]

UNUSED = 0.5
"""A component that holds fewer points than this has nothing but its prior and is pruned."""

SETTLE = 8
"""Iterations that births get before they are judged."""


@dataclass(frozen=True, eq=False)
class BayesianFit(Fit):
    """A Fit whose mixture has the posterior means; the bound is the evidence bound per point.

    Attributes:
        predictive: the posterior predictive, which the truth of the model is: a mixture of Student's t.
    """

    predictive: StudentMixture | None = None


@dataclass(frozen=True, eq=False)
class Course:
    """Where an iteration stands: the posterior, the evidence bound at each iteration, converged."""

    posterior: Posterior
    trace: tuple[float, ...] = ()
    converged: bool = False


def image_prior(problem: Problem, components: int, process: bool, concentration: float | None) -> Prior:
    """The prior in the problem's units: a component is as wide as one among K, covariance / K^(2/d).

    The whole covariance, scikit-learn's default, is as wide as the image.
    """
    d = problem.points.shape[1]
    share = problem.weights / problem.weights.sum()
    mean = share @ problem.points
    apart = problem.points - mean
    spread = (apart * share[:, None]).T @ apart + problem.floor
    concentration = 1 / components if concentration is None else concentration
    return Prior(process, concentration, mean, 1.0, spread / components ** (2 / d), float(d))


def run(
    problem: Problem,
    scale: float,
    prior: Prior,
    components: int,
    start: str | Mixture,
    births: int,
    rng: np.random.Generator,
    listen: Callable[[int, float, Callable[[], Mixture]], None] | None,
) -> BayesianFit:
    """Iterate, then let components be born while the evidence bound rises; prune what is unused.

    Args:
        scale: what the problem's weights must be multiplied by to count points.
        births: batches of births to try.
        (the others): as for `bayes.fit_bayesian`.
    """
    state = problem.begin(components, start, rng)
    points = problem.total * scale
    first = Posterior.of(prior, state.weights * points, state.means, state.covariances, 0 * problem.floor)
    course = _iterate(problem, scale, Course(first), problem.options.iterations, listen)
    batch = max(1, components // 2)
    for _ in range(births):
        problem.expectation.forget()
        born = Course(_births(problem, course.posterior, batch, rng))
        trial = _iterate(problem, scale, born, SETTLE, None)
        if trial.trace[-1] > course.trace[-1]:
            course = replace(trial, trace=(*course.trace, *trial.trace[-1:]))
            batch = max(1, len(course.posterior.count) // 2)
        elif batch == 1:
            break
        else:
            batch //= 2
    return _fit_of(problem, course)


def _iterate(
    problem: Problem,
    scale: float,
    course: Course,
    iterations: int,
    listen: Callable[[int, float, Callable[[], Mixture]], None] | None,
) -> Course:
    posterior, trace, converged = course.posterior, list(course.trace), False
    points = problem.total * scale
    while len(trace) < iterations and not converged:
        moments = problem.expectation.moments(posterior.components())
        bound = (moments.bound * scale - posterior.divergence()) / points - problem.units.log_volume
        posterior = posterior.update(moments, scale, problem.floor)
        trace.append(bound)
        if listen is not None:
            now = posterior
            listen(len(trace), bound, lambda now=now: _mixture(problem, now))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        converged = len(trace) > 1 and abs(trace[-1] - trace[-2]) < problem.options.tolerance
    return Course(posterior, tuple(trace), converged)


def _births(problem: Problem, posterior: Posterior, batch: int, rng: np.random.Generator) -> Posterior:
    """Split `batch` components, drawn by how many points they hold, across their longest axes."""
    used = np.flatnonzero(posterior.count > UNUSED)
    held = posterior.count[used]
    heavy = rng.choice(used, size=min(batch, len(used)), replace=False, p=held / held.sum())
    values, vectors = np.linalg.eigh(posterior.covariances[heavy])
    step = vectors[:, :, -1] * np.sqrt(values[:, -1:] * 2 / np.pi)
    spread = posterior.covariances.copy()
    spread[heavy] -= step[:, :, None] * step[:, None, :]
    means, count = posterior.means.copy(), posterior.count.copy()
    count[heavy] /= 2
    means[heavy] += step
    return Posterior.of(
        posterior.prior,
        np.concatenate((count[used], count[heavy])),
        np.concatenate((means[used], means[heavy] - 2 * step)),
        np.concatenate((spread[used], spread[heavy])),
        0 * problem.floor,
    )


def _mixture(problem: Problem, posterior: Posterior) -> Mixture:
    used = posterior.count > min(UNUSED, float(posterior.count.max()))
    used |= posterior.count == posterior.count.max()
    return problem.units.out_of(posterior.weights[used], posterior.means[used], posterior.covariances[used])


def _fit_of(problem: Problem, course: Course) -> BayesianFit:
    q, units = course.posterior, problem.units
    d = q.means.shape[1]
    mixture = _mixture(problem, q)
    wide = (1 + q.precision) / q.precision * q.degrees / (q.degrees + 1 - d)
    scales = units.factor @ (wide[:, None, None] * q.covariances) @ units.factor.T
    predictive = StudentMixture(
        q.weights,
        q.means @ units.factor.T + units.origin,
        (scales + np.swapaxes(scales, 1, 2)) / 2,
        q.degrees + 1 - d,
    )
    return BayesianFit(
        mixture,
        len(course.trace),
        course.converged,
        course.trace[-1],
        count_parameters(mixture.n_components, d, "full"),
        course.trace,
        len(q.count) - mixture.n_components,
        0.0,
        predictive,
    )
