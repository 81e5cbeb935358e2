"""Cells where nobody looked: what is filled in, against brute force, and what it is good for."""

import numpy as np
import pytest

from gmmbench.mixture import Mixture, fit, fit_bayesian
from gmmbench.mixture.covariances import FULL
from gmmbench.mixture.em.missing import Missing
from gmmbench.mixture.em.problem import Options, Problem
from gmmbench.mixture.variational.inference import Inference
from gmmbench.mixture.variational.prior import Prior

CELL = 0.05


def cells(low, high):
    """Centres of the cells of a box [low, high] x [-3, 3]."""
    x, y = np.arange(low, high, CELL) + CELL / 2, np.arange(-3, 3, CELL) + CELL / 2
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def cloud(n=6000, hole=(0.5, 3.0)):
    """Draws of a round Gaussian, without those in the box that nobody looked at."""
    points = np.random.default_rng(0).normal(size=(n, 2))
    inside = (points[:, 0] > hole[0]) & (points[:, 0] < hole[1]) & (abs(points[:, 1]) < 3)
    return points[~inside], cells(*hole)


TWO = Mixture([0.4, 0.6], [[-1.0, 0.2], [0.3, -0.1]], [np.eye(2), 0.7 * np.eye(2)])
EXACT = {"precision": "double", "truncation": 0.0, "tolerance": 0.0, "covariance_floor": 1e-9}


def start_with(mixture, points, iterations, missing, **options):
    return fit(
        points,
        components=mixture.n_components,
        init=mixture,
        iterations=iterations,
        missing=missing,
        rng=np.random.default_rng(0),
        **{**EXACT, **options},
    )


@pytest.mark.parametrize("most", ["never reached", "often reached"])
def test_a_step_is_what_brute_force_gives(most):
    points, holes = cloud(400)
    weights = np.random.default_rng(1).uniform(0.2, 1, len(points)) * (1 if most == "never reached" else 0.05)
    volume = CELL**2
    weights[0] = 1.0
    if most == "often reached":  # cells so large that they would be fuller than full
        holes, volume = holes[::200], 200 * CELL**2
    found = start_with(TWO, points, 1, (holes, volume), weights=weights)
    masses = np.exp(TWO.log_density(holes)) * volume
    expected = weights.sum() * masses / (1 - masses.sum())
    filled = np.minimum(expected, 1)
    assert (expected > 1).any() == (most == "often reached")
    every, each = np.vstack((points, holes)), np.concatenate((weights, filled))
    shares = TWO.responsibilities(every) * each[:, None]
    count = shares.sum(axis=0)
    means = shares.T @ every / count[:, None]
    apart = every[:, None] - means
    spread = np.einsum("nk,nki,nkj->kij", shares, apart, apart) / count[:, None, None]
    np.testing.assert_allclose(found.mixture.weights, count / count.sum(), rtol=1e-9)
    np.testing.assert_allclose(found.mixture.means, means, atol=1e-9)
    np.testing.assert_allclose(found.mixture.covariances, spread + 1e-9 * np.eye(2), atol=1e-9)


def test_the_bound_is_the_likelihood_given_where_somebody_looked():
    points, holes = cloud(500)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(points))
    found = start_with(TWO, points, 1, (holes, CELL**2), weights=weights)
    looked_at = 1 - np.exp(TWO.log_density(holes)).sum() * CELL**2
    mean = np.average(TWO.log_density(points), weights=weights) - np.log(looked_at)
    assert found.trace[0] == pytest.approx(mean, abs=1e-9)


def test_the_bound_never_falls():
    points, holes = cloud(2000)
    found = start_with(TWO, points, 40, (holes, CELL**2))
    assert np.diff(found.trace).min() > -1e-9
    assert found.trace[-1] > found.trace[0] + 0.01


def test_what_nobody_saw_is_recovered_and_not_read_as_empty():
    points, holes = cloud()
    one = Mixture([1.0], [[-0.5, 0.0]], [np.eye(2)])
    light = np.full(len(points), 0.1)  # so that no cell is full
    filled = start_with(one, points, 200, (holes, CELL**2), weights=light).mixture
    ignored = start_with(one, points, 200, None).mixture
    assert np.abs(filled.means[0]).max() < 0.1
    np.testing.assert_allclose(filled.covariances[0], np.eye(2), atol=0.12)
    assert ignored.means[0, 0] < -0.3  # the mean of what is left
    assert ignored.covariances[0, 0, 0] < 0.6


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_cells_out_of_reach_change_nothing(covariance):
    points, _ = cloud(800)
    options = {"covariance": covariance, "precision": "auto", "truncation": 1e-5, "covariance_floor": 1e-4}
    far = (cells(0, 1) + 100, CELL**2)
    with_cells = start_with(TWO, points, 5, far, **options).mixture
    without = start_with(TWO, points, 5, None, **options).mixture
    np.testing.assert_array_equal(with_cells.means, without.means)
    np.testing.assert_array_equal(with_cells.covariances, without.covariances)


def test_threads_and_neglect_do_not_change_what_is_filled_in():
    points, holes = cloud(3000)
    exact = start_with(TWO, points, 5, (holes, CELL**2)).mixture
    quick = start_with(
        TWO, points, 5, (holes, CELL**2), precision="single", truncation=1e-5, threads=2
    ).mixture
    np.testing.assert_allclose(quick.means, exact.means, atol=2e-4)
    np.testing.assert_allclose(quick.covariances, exact.covariances, atol=5e-4)


def test_starts_and_moves_go_with_missing_cells():
    points, holes = cloud(1500)
    options = {"components": 6, "missing": (holes, CELL**2), "covariance_floor": 1e-4}
    plain = fit(points, rng=np.random.default_rng(0), init="stratified", **options)
    better = fit(points, rng=np.random.default_rng(0), init="kmeans", n_init=3, split_merge=2, **options)
    for found in (plain, better):
        looked_at = 1 - np.exp(found.mixture.log_density(holes)).sum() * CELL**2
        mean = found.mixture.log_density(points).mean() - np.log(looked_at)
        assert mean == pytest.approx(found.bound, abs=0.01)


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ((np.zeros((3, 3)), 1.0), r"expected finite missing points \(m, 2\)"),
        ((np.zeros((0, 2)), 1.0), "with m >= 1"),
        ((np.full((1, 2), np.nan), 1.0), "expected finite missing points"),
        ((np.zeros((1, 2)), 0.0), "expected the volume of a missing cell > 0, got 0.0"),
    ],
)
def test_missing_cells_that_cannot_be_are_refused(missing, line):
    points, _ = cloud(100)
    with pytest.raises(ValueError, match=line):
        fit(points, components=1, missing=missing, rng=np.random.default_rng(0))


def test_the_evidence_is_that_of_points_given_where_somebody_looked():
    """Oracle: E[log p] of every point and cell, summed one by one."""
    points, holes = cloud(300)
    weights = np.random.default_rng(1).uniform(0.5, 1, len(points))
    covariance_floor = np.array([0.02, 0.01])
    problem = Problem(
        points,
        weights,
        covariance_floor,
        Options(precision="double", truncation=0.0),
        Missing.of(holes, CELL**2, 2),
    )
    prior = Prior.of_points(problem.points, problem.weights, problem.covariance_floor, 3, FULL, False, None)
    inference = Inference(problem, float(weights.max()), learn=False)
    q = inference.begin(prior, 3, "stratified", np.random.default_rng(0))
    bound, after = inference.step(q)
    c = q.components(problem.covariance_floor)

    def density(x):
        white = np.einsum("kij,nkj->nki", c.factors, problem.units.into(x)[:, None] - c.means)
        inside = np.exp(c.offset - 0.5 * (white**2).sum(axis=2)).sum(axis=1)
        return inside / np.exp(problem.units.log_volume)

    missed = CELL**2 * density(holes).sum()
    n = weights.sum()
    evidence = weights @ np.log(density(points)) - n * np.log(1 - missed) - q.divergence()
    assert bound == pytest.approx(evidence / n, abs=1e-9)
    assert after.count.sum() == pytest.approx(n + n * missed / (1 - missed))


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("prior", ["points", "evidence"])
def test_the_evidence_bound_never_falls_nor_do_births_lower_it(process, prior):
    points, holes = cloud(1200)
    options = {"components": 3, "process": process, "prior": prior, "births": 4, "init": "stratified"}
    exact = {
        "precision": "double",
        "truncation": 0.0,
        "tolerance": 0.0,
        "iterations": 30,
        "covariance_floor": 1e-4,
    }
    found = fit_bayesian(points, missing=(holes, CELL**2), rng=np.random.default_rng(0), **options, **exact)
    trace = np.array(found.trace)
    assert (np.diff(trace) >= -1e-10 * np.abs(trace[1:])).all()


def test_an_infinite_mixture_reads_a_hole_as_unknown_and_not_as_empty():
    points, holes = cloud(3000)
    light = np.full(len(points), 0.1)  # so that no cell is full
    options = {"components": 1, "process": True, "prior": "evidence", "births": 10, "covariance_floor": 1e-4}
    rng = np.random.default_rng
    filled = fit_bayesian(points, light, missing=(holes, CELL**2), rng=rng(0), iterations=300, **options)
    ignored = fit_bayesian(points, light, rng=rng(0), **options)
    truth = Mixture([1.0], [[0.0, 0.0]], [np.eye(2)])
    there = np.random.default_rng(1).normal(size=(20_000, 2))
    lost = [
        (truth.log_density(there) - found.predictive.log_density(there)).mean() for found in (filled, ignored)
    ]
    assert lost[0] < 0.05
    assert lost[1] > 0.2


@pytest.mark.parametrize("process", [False, True])
def test_clusters_with_holes_are_not_cut_along_them(process):
    rng = np.random.default_rng(0)
    centres = np.array([[-1.5, -1.5], [1.5, -1.5], [-1.5, 1.5], [1.5, 1.5], [0, 0]])
    points, squares = centres[rng.integers(5, size=2500)] + 0.35 * rng.normal(size=(2500, 2)), cells(-3, 3)
    hidden = rng.permutation(144)[:36]
    inside = [np.isin(np.floor((x + 3) / 0.5) @ [1, 12], hidden) for x in (points, squares)]
    options = {
        "components": 1,
        "process": process,
        "prior": "evidence",
        "births": 40,
        "covariance_floor": 1e-4,
    }
    filled, ignored = (
        fit_bayesian(
            points[~inside[0]],
            missing=missing,
            tolerance=1e-4,
            iterations=300,
            rng=np.random.default_rng(0),
            **options,
        )
        for missing in ((squares[inside[1]], CELL**2), None)
    )
    assert filled.used == 5
    np.testing.assert_allclose(filled.mixture.weights, 0.2, atol=0.04)
    assert ignored.used > 5


def test_the_reference_engine_refuses_missing_cells():
    points, holes = cloud(100)
    with pytest.raises(ValueError, match="expected engine='fast' for missing cells"):
        fit(points, components=1, engine="sklearn", missing=(holes, CELL**2), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="expected engine='fast' for missing cells"):
        fit_bayesian(
            points, components=1, engine="sklearn", missing=(holes, CELL**2), rng=np.random.default_rng(0)
        )
