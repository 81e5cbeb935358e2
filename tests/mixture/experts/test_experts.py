"""A mixture of experts against dense formulas, finite differences and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal
from sklearn.linear_model import Ridge

from gmmbench.mixture import Mixture, TooManyComponents, fit_experts
from gmmbench.mixture.experts.expert_points import ExpertPoints
from gmmbench.mixture.experts.expert_state import ExpertState

ALL = 60.0
"""A cut that leaves out nothing."""

OBJECTIVES = ["squared_error", "likelihood", "bernoulli"]


def made(objective, k=5, n=300, d=2, m=2, seed=0):
    """Random experts, and points with targets and weights."""
    rng = np.random.default_rng(seed)
    m = 1 if objective == "bernoulli" else m
    factors = np.tril(rng.normal(size=(k, d, d)) * 0.5) + 2 * np.eye(d)
    residuals = np.tril(rng.normal(size=(k, m, m)) * 0.3) + 1.5 * np.eye(m)
    state = ExpertState(
        rng.normal(size=k),
        rng.normal(size=(k, d)),
        factors,
        rng.normal(size=(k, m)),
        rng.normal(size=(k, m, d)),
        residuals if objective == "likelihood" else None,
    )
    x, w = rng.normal(size=(n, d)), rng.uniform(0.2, 1, n)
    y = (rng.random((n, 1)) < 0.4) * 1.0 if objective == "bernoulli" else rng.normal(size=(n, m))
    return state, ExpertPoints(x, y, w, objective, ALL, 1), (x, y, w)


def dense(state, x, y, objective):
    """The loss of each point (n,) and the expectation (n, m), formula by formula."""
    apart = x[:, None] - state.means
    logs = state.heights - 0.5 * (np.einsum("kij,nkj->nki", state.factors, apart) ** 2).sum(axis=2)
    gates = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    answers = state.offsets + np.einsum("kmd,nkd->nkm", state.slopes, apart)
    if objective == "bernoulli":
        answers = expit(answers)
    mean = np.einsum("nk,nkm->nm", gates, answers)
    if objective == "squared_error":
        return 0.5 * ((y - mean) ** 2).sum(axis=1), mean
    if objective == "bernoulli":
        return -np.log(np.where(y[:, 0] > 0, mean[:, 0], 1 - mean[:, 0])), mean
    joint = np.stack(
        [
            np.log(gates[:, k])
            + multivariate_normal(cov=np.linalg.inv(state.residuals[k].T @ state.residuals[k])).logpdf(
                y - answers[:, k]
            )
            for k in range(len(state.heights))
        ]
    )
    return -logsumexp(joint, axis=0), mean


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_and_prediction_are_the_formula(objective):
    state, points, (x, y, w) = made(objective)
    losses, mean = dense(state, x, y, objective)
    assert points.loss(state, points.lists(state)) == pytest.approx(np.average(losses, weights=w), rel=1e-5)
    np.testing.assert_allclose(points.predict(state), mean, atol=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_gradient_is_that_of_finite_differences(objective):
    state, points, (x, y, w) = made(objective)
    _, gradient = points.gradient(state, points.lists(state))
    free = (np.zeros(x.shape[1]), np.zeros(y.shape[1]))
    for entry in range(gradient.shape[1]):
        step = np.zeros(gradient.shape)
        step[2, entry] = 1e-5
        there, back = (
            np.average(dense(state.moved(sign * step, *free), x, y, objective)[0], weights=w)
            for sign in (1, -1)
        )
        assert gradient[2, entry] == pytest.approx((there - back) / 2e-5, rel=2e-3, abs=2e-6), entry


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_removal_is_what_the_loss_becomes_without_a_component(objective):
    state, points, (x, y, w) = made(objective)
    wide = {"factors": state.factors * 0.3, "slopes": state.slopes * 0.3}
    if objective == "likelihood":
        wide["residuals"] = state.residuals * 0.3
    state = replace(state, **wide)  # no component is alone anywhere
    change, _ = points.removal(state, points.lists(state))
    whole = np.average(dense(state, x, y, objective)[0], weights=w)
    for k in range(len(change)):
        rest = np.arange(len(change)) != k
        parts = {name: a if a is None else a[rest] for name, a in vars(state).items()}
        without = np.average(dense(ExpertState(**parts), x, y, objective)[0], weights=w)
        assert change[k] == pytest.approx(without - whole, rel=1e-3, abs=1e-5)


def test_gates_that_are_left_out_change_the_loss_by_less_than_they_may():
    state, points, (x, y, w) = made("squared_error", k=40, n=2000)
    state = replace(state, factors=state.factors * 4)
    points.cut = 12.0
    short = points.lists(state)
    assert len(short.names) < 0.9 * 40 * (len(short.starts) - 1)
    exact = np.average(dense(state, x, y, "squared_error")[0], weights=w)
    assert points.loss(state, short) == pytest.approx(exact, rel=1e-3)


def test_one_expert_is_linear_regression():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 2))
    y = x @ rng.normal(size=(2, 3)) + 0.1 * rng.normal(size=(500, 3))
    found = fit_experts(x, y, components=1, steps=300, rng=rng)
    np.testing.assert_allclose(
        found.mixture.conditional_mean([0, 1], x), Ridge(1e-9).fit(x, y).predict(x), atol=2e-3
    )


@pytest.mark.parametrize("objective", ["squared_error", "likelihood"])
def test_a_bent_line_is_found_and_never_worse_than_the_start(objective):
    x = np.linspace(0, 1, 400)[:, None]
    found = fit_experts(x, np.abs(x - 0.5), components=4, objective=objective, rng=np.random.default_rng(0))
    assert found.loss < found.start
    assert np.abs(found.mixture.conditional_mean([0], x) - np.abs(x - 0.5)).max() < 0.01
    assert found.n_parameters == 4 * (3 + 2 + 1) - 1


def test_the_mixture_has_the_loss_that_is_reported():
    rng = np.random.default_rng(2)
    x = rng.random((600, 2))
    y = np.sin(6 * x[:, :1]) + 0.2 * rng.normal(size=(600, 1))
    found = fit_experts(x, y, components=5, objective="likelihood", steps=100, rng=rng)
    nats = -found.mixture.condition([0, 1], x).log_density(y).mean()
    assert found.loss == pytest.approx(nats, abs=1e-3)


def test_the_squared_error_is_that_of_the_mean():
    rng = np.random.default_rng(2)
    x = rng.random((600, 2)) * 50
    y = 100 * np.sin(x / 9)
    found = fit_experts(x, y, components=9, steps=200, rng=rng)
    errors = found.mixture.conditional_mean([0, 1], x) - y
    assert found.loss == pytest.approx(0.5 * (errors**2).sum(axis=1).mean(), rel=2e-3)


def test_threads_do_not_change_the_fit():
    rng = np.random.default_rng(3)
    x, y = rng.random((3000, 2)), rng.random((3000, 3))
    one, two = (
        fit_experts(x, y, components=8, steps=30, rng=np.random.default_rng(0), threads=n).mixture
        for n in (1, 2)
    )
    assert np.array_equal(one.means, two.means)
    assert np.array_equal(one.covariances, two.covariances)


def test_validation_points_choose_the_state():
    rng = np.random.default_rng(4)
    x, y = rng.random((300, 2)), rng.normal(size=(300, 1))  # nothing to learn but noise
    held = rng.random((300, 2)), rng.normal(size=(300, 1))
    found = fit_experts(x, y, components=20, steps=300, validation=held, rng=rng, covariance_floor=1e-4)
    assert found.loss <= found.start
    assert found.steps < 300


def test_it_goes_on_from_a_mixture():
    init = Mixture([1.0], [[0.5, 0.5]], [[[0.1, 0.0], [0.0, 0.1]]])
    x = np.linspace(0, 1, 200)[:, None]
    found = fit_experts(x, x, components=1, init=init, steps=200, rng=np.random.default_rng(0))
    assert found.loss < 1e-3 * found.start


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": "absolute"}, "expected objective to be one of"),
        ({"steps": 0}, "expected steps >= 1"),
        ({"seconds": 0.0}, "seconds > 0"),
        ({"init": Mixture([1.0], [[0.0]], [[[1.0]]])}, "expected an init in 2 dimensions, got 1"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    x = np.linspace(0, 1, 50)[:, None]
    with pytest.raises(ValueError, match=message):
        fit_experts(x, x, components=2, rng=np.random.default_rng(0), **arguments)


def test_shapes_and_components_are_checked():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="expected inputs"):
        fit_experts(np.ones((9, 4)), np.ones((9, 1)), components=1, rng=rng)
    with pytest.raises(TooManyComponents):
        fit_experts(np.zeros((9, 1)), np.ones((9, 1)), components=5, rng=rng)
