"""Fitting a mixture of experts: a mixture of Gaussians that is good at p(targets | inputs) alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .array_types import Floats
from .distributions.gaussian import Mixture
from .experts.descend import Descent, descend
from .experts.expert_points import ExpertPoints
from .experts.expert_state import ExpertState
from .fit_checks import check_choice, check_points
from .fit_em import fit

OBJECTIVES = ("squared_error", "likelihood")
"""What is made small: |y - E[y | x]|^2 / 2, or -log p(y | x)."""

CUT = {"squared_error": 6.0, "likelihood": 9.0}
"""Gates of less than exp(-this) of another one count for nothing, in nats."""

START = 25
"""Iterations of EM on inputs and targets together, from which the descent begins."""

SLIM = 0.3
"""A gate's least standard deviation, in those of the covariance floor."""


@dataclass(frozen=True, eq=False)
class ExpertsFit:
    """The result of `fit_experts`.

    Attributes:
        mixture: a mixture over inputs and targets, whose p(targets | inputs) is the fit. Its p(inputs) has
            no meaning: nothing was fitted to it.
        inputs: d, the number of its first columns.
        loss: the mean loss of a point in the targets' units (nats, or squared error / 2): of the validation
            points where there are some.
        start: the same of the mixture that the descent began from.
        steps: steps done.
        moved: how often a component was put elsewhere.
        trace: the loss on the training points before each step.
        n_parameters: the number of free parameters of p(targets | inputs).
        compile_seconds: the part of the fit's time that was spent on compiling or loading kernels.
    """

    mixture: Mixture
    inputs: int
    loss: float
    start: float
    steps: int
    moved: int
    trace: tuple[float, ...]
    n_parameters: int
    compile_seconds: float = 0.0


def fit_experts(
    inputs: ArrayLike,
    targets: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    components: int,
    objective: str = "squared_error",
    init: Mixture | None = None,
    steps: int = 1000,
    seconds: float | None = None,
    covariance_floor: ArrayLike = 1e-6,
    validation: tuple[Floats, Floats] | None = None,
    rng: np.random.Generator,
    watch: Callable[[int, float, Callable[[], Mixture]], None] | None = None,
    threads: int | None = None,
) -> ExpertsFit:
    """Fit a mixture of linear experts under Gaussian gates (Jacobs and others 1991; Xu and others 1995).

    E[y | x] = sum_k g_k(x) (b_k + G_k (x - m_k)) with g_k(x) proportional to w_k N(x; m_k, S_k): the form
    of a Gaussian mixture's conditional mean, but fitted to the targets given the inputs, so that no component
    is spent on where the inputs lie. The fit begins with EM on both together and descends by Adam's steps
    in each component's own units; components that explain little become halves of those with the greatest
    loss (squared error alone). Gates within exp(-CUT) of the largest count.

    Args:
        inputs: (n, d), d = 1, 2 or 3.
        targets: (n, m).
        weights: (n,) how much each point counts, or None for one each.
        components: K.
        objective: one of OBJECTIVES. After "squared_error", each expert's residual covariance is that of
            the residuals under its gate: of validation points where there are some, for those of training
            points are smaller.
        init: a mixture over inputs and targets to begin with, instead of EM.
        steps: of the descent; its step length falls to 0 on the way.
        seconds: end the descent, more quickly, within about so many.
        covariance_floor: variance of a cell along each input and target, a number or (d + m,).
        validation: inputs and targets to judge by: the state is taken that is best on them.
        rng: the source of the initialisation's random numbers.
        watch: called at each step with its number, the loss, and a function that makes the mixture.
        threads: None for as many as this process may use; the result does not depend on it.

    Raises:
        ValueError: shapes that do not agree, values that are not finite, more than three inputs, fewer
            distinct points than components, an option that does not exist.

    Example:
        >>> x = np.linspace(0, 1, 400)[:, None]
        >>> found = fit_experts(x, np.abs(x - 0.5), components=4, rng=np.random.default_rng(0))
        >>> bool(np.abs(found.mixture.conditional_mean([0], x) - np.abs(x - 0.5)).max() < 0.02)
        True
    """
    from .kernels.compiler import compile_seconds

    before = compile_seconds()
    x, y = np.asarray(inputs, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    check_choice("objective", objective, OBJECTIVES)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not 1 <= x.shape[1] <= 3 or not y.shape[1]:
        raise ValueError(f"expected inputs (n, 1 to 3) and targets (n, m), got {x.shape} and {y.shape}")
    if steps < 1 or (seconds is not None and not seconds > 0):
        raise ValueError(f"expected steps >= 1 and seconds > 0, got {steps} and {seconds}")
    both, w, floor = check_points(np.hstack((x, y)), weights, covariance_floor)
    d = x.shape[1]
    if init is None:
        init = fit(
            both, w, components=components, init="stratified", iterations=START, covariance_floor=floor,
            rng=rng, threads=threads,
        ).mixture  # fmt: skip
    elif init.dimension != both.shape[1]:
        raise ValueError(f"expected an init in {both.shape[1]} dimensions, got {init.dimension}")
    units = _Units.of(both, w, d)
    scaled = units.into(both)
    ready = ExpertPoints(scaled[:, :d], scaled[:, d:], w / w.max(), objective, CUT[objective], threads)
    judge = None
    if validation is not None and len(validation[0]):
        held = units.into(np.hstack(validation))
        judge = ExpertPoints(held[:, :d], held[:, d:], np.ones(len(held)), objective, CUT[objective], threads)
    likely = objective == "likelihood"
    state = ExpertState.of_mixture(units.mixture_into(init), d, likely)
    deviations = np.sqrt(floor) / units.scale
    spread = _covariances(ready, state, deviations[d:])

    def tell(step: int, loss: float, now: ExpertState) -> None:
        if watch is not None:
            watch(step, units.loss_out_of(loss, d, likely), lambda: units.mixture_out_of(_joint(now, spread)))

    first = (judge or ready).full_loss(state)
    found = descend(ready, state, Descent(steps, seconds, SLIM * deviations[:d], deviations[d:]), judge, tell)
    joint = _joint(found.state, _covariances(judge or ready, found.state, deviations[d:]))
    k, _, m = found.state.shape
    gate = 1 + d + d * (d + 1) // 2
    own = partial(units.loss_out_of, inputs=d, likely=likely)
    return ExpertsFit(
        units.mixture_out_of(joint), d, own(found.loss), own(first), found.steps, found.moved,
        tuple(map(own, found.trace)),
        k * (gate + m * (1 + d) + m * (m + 1) // 2) - 1, compile_seconds() - before,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Units:
    """(points - origin) / scale: one scale for the inputs and one for the targets, so that errors compare."""

    origin: Floats
    scale: Floats

    @staticmethod
    def of(points: Floats, weights: Floats, inputs: int) -> _Units:
        share = weights / weights.sum()
        origin = share @ points
        spread = np.sqrt(share @ (points - origin) ** 2)
        parts = (spread[:inputs], spread[inputs:])
        scale = np.concatenate([np.full(len(p), np.sqrt((p**2).mean()) or 1.0) for p in parts])
        return _Units(origin, scale)

    def into(self, points: Floats) -> Floats:
        return (points - self.origin) / self.scale

    def loss_out_of(self, loss: float, inputs: int, likely: bool) -> float:
        scale = self.scale[inputs:]
        return loss + float(np.log(scale).sum()) if likely else loss * float(scale[0]) ** 2

    def mixture_into(self, mixture: Mixture) -> Mixture:
        return Mixture(
            mixture.weights, self.into(mixture.means), mixture.covariances / np.outer(self.scale, self.scale)
        )

    def mixture_out_of(self, mixture: Mixture) -> Mixture:
        return Mixture(
            mixture.weights,
            mixture.means * self.scale + self.origin,
            mixture.covariances * np.outer(self.scale, self.scale),
        )


def _covariances(points: ExpertPoints, state: ExpertState, least: Floats) -> Floats:
    """The residuals' covariances (K, m, m): the state's own, or those of the errors under each gate."""
    if state.residuals is not None:
        return np.asarray(
            np.linalg.inv(np.swapaxes(state.residuals, 1, 2) @ state.residuals), dtype=np.float64
        )
    return points.error_covariances(state, np.diag(least**2))


def _joint(state: ExpertState, residuals: Floats) -> Mixture:
    """The mixture over inputs and targets whose p(targets | inputs) is that of the experts."""
    within = np.linalg.inv(np.swapaxes(state.factors, 1, 2) @ state.factors)
    across = state.slopes @ within
    k, d, m = state.shape
    covariances = np.empty((k, d + m, d + m))
    covariances[:, :d, :d] = within
    covariances[:, d:, :d] = across
    covariances[:, :d, d:] = np.swapaxes(across, 1, 2)
    covariances[:, d:, d:] = residuals + across @ np.swapaxes(state.slopes, 1, 2)
    logs = state.heights - np.log(np.diagonal(state.factors, axis1=1, axis2=2)).sum(axis=1)
    return Mixture(
        np.exp(logs - logs.max()), np.hstack((state.means, state.offsets)),
        (covariances + np.swapaxes(covariances, 1, 2)) / 2,
    )  # fmt: skip
