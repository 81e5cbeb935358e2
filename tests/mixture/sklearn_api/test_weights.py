"""Weights are weights: their scale is of no importance, 0 is absent, an integer is so many rows."""

import numpy as np
import pytest
from estimators import INITS, TYPES, assert_equal, assert_same, clusters, identity_precisions, make
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmbench.mixture import BayesianGaussianMixture, GaussianMixture
from gmmbench.mixture.sample_weights import in_observations

SCALES = (1e-300, 1e-100, 1e-20, 1e-16, 0.1, 1 / 3, 7.0, 1e16, 1e100, 1e300)
NAMES = st.sampled_from(("ml", "bayes"))
BOTH = pytest.mark.parametrize("name", ["ml", "bayes"])
EVERY = pytest.mark.parametrize("covariance", TYPES)


def two_clouds():
    rng = np.random.default_rng(0)
    return np.concatenate((rng.normal(0, 1, (400, 2)), rng.normal(5, 1, (200, 2))))


@BOTH
@EVERY
def test_equal_weights_of_any_size_are_no_weights(name, covariance, route):
    points = two_clouds()
    without = make(name, covariance, n_components=2).fit(points)
    assert np.sort(without.weights_) == pytest.approx([1 / 3, 2 / 3], abs=0.01)
    for weights in (3, *(np.full(600, scale) for scale in (1.0, *SCALES))):
        assert_equal(without, make(name, covariance, n_components=2).fit(points, sample_weight=weights))


@BOTH
@EVERY
@pytest.mark.parametrize("kind", ["integers", "shares"])
def test_the_scale_of_weights_is_of_no_importance(name, covariance, kind, route):
    points, rng = clusters(200), np.random.default_rng(1)
    weights = rng.integers(0, 4, 200).astype(float) if kind == "integers" else rng.exponential(size=200)
    first = make(name, covariance).fit(points, sample_weight=weights)
    for scale in SCALES:
        assert_same(first, make(name, covariance).fit(points, sample_weight=weights * scale))


@settings(deadline=None, max_examples=60)
@given(
    NAMES,
    st.sampled_from(TYPES),
    st.sampled_from(INITS),
    st.integers(0, 2**32 - 1),
    st.floats(-290, 290),
)
def test_scale_invariance_holds_for_any_data(name, covariance, init, seed, exponent):
    rng = np.random.default_rng(seed)
    points = clusters(60, seed, int(rng.integers(1, 4)))
    weights = rng.gamma(rng.uniform(0.2, 3), size=60) * (rng.random(60) > 0.2)
    fits = [
        make(name, covariance, init_params=init, max_iter=20).fit(points, sample_weight=weights * scale)
        for scale in (1.0, 10.0**exponent)
    ]
    assert_same(*fits, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(fits[0].lower_bounds_, fits[1].lower_bounds_, rtol=1e-8)


@BOTH
@EVERY
@pytest.mark.parametrize("init", INITS)
def test_an_integer_weight_is_so_many_rows(name, covariance, init, route):
    points = clusters(120)
    weights = np.random.default_rng(1).integers(0, 5, 120)
    options = {"init_params": init, "max_iter": 30}
    weighted = make(name, covariance, **options).fit(points, sample_weight=weights)
    repeated = make(name, covariance, **options).fit(np.repeat(points, weights, axis=0))
    if route == "engine's start":  # it draws a subsample, with other random numbers
        for attribute in ("weights_", "means_") if init in ("kmeans", "k-means++") else ():
            one, two = (np.sort(getattr(fit, attribute), axis=0) for fit in (weighted, repeated))
            np.testing.assert_allclose(one, two, atol=0.05)
        return
    # kernels leave out 1e-7 of responsibilities, and not the same ones
    assert_same(weighted, repeated, rtol=1e-8 if route == "numpy" else 1e-5)
    np.testing.assert_allclose(weighted.lower_bounds_, repeated.lower_bounds_, rtol=1e-7)
    assert weighted.n_iter_ == repeated.n_iter_


@settings(deadline=None, max_examples=60)
@given(NAMES, st.sampled_from(TYPES), st.sampled_from(INITS), st.integers(0, 2**32 - 1))
def test_repetition_holds_for_any_data(name, covariance, init, seed):
    rng = np.random.default_rng(seed)
    points = clusters(40, seed, int(rng.integers(1, 4)), apart=rng.uniform(0, 6))
    weights = rng.integers(0, 6, 40)
    weights[0] = 1  # so that there is no common factor
    options = {"init_params": init, "max_iter": 10, "reg_covar": 1e-3, "n_components": 2}
    weighted = make(name, covariance, **options).fit(points, sample_weight=weights)
    repeated = make(name, covariance, **options).fit(np.repeat(points, weights, axis=0))
    assert_same(weighted, repeated, rtol=1e-6, atol=1e-8)


@BOTH
@EVERY
def test_a_row_of_weight_zero_is_absent(name, covariance, route):
    """In priors too, and however far away it is."""
    points, rng = clusters(200), np.random.default_rng(1)
    weights = rng.exponential(size=200)
    with_strangers = np.concatenate((points[:50], rng.normal(1e3, 1e3, (30, 2)), points[50:]))
    zeros = np.concatenate((weights[:50], np.zeros(30), weights[50:]))
    alone = make(name, covariance).fit(points, sample_weight=weights)
    beside = make(name, covariance)
    labels = beside.fit_predict(with_strangers, sample_weight=zeros)
    assert_equal(alone, beside)
    np.testing.assert_array_equal(labels, beside.predict(with_strangers))


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(TYPES), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_is_of_no_importance(covariance, seed):
    rng = np.random.default_rng(seed)
    points, weights, order = clusters(60, seed), rng.exponential(size=60), rng.permutation(60)
    options = {"means_init": [[0, 0], [6, 6], [-6, 0]], "max_iter": 20, "reg_covar": 1e-3}
    options |= {"weights_init": [0.5, 0.3, 0.2], "precisions_init": identity_precisions(covariance)}
    one, two = (
        make("ml", covariance, **options).fit(points[rows], sample_weight=weights[rows])
        for rows in (np.arange(60), order)
    )
    assert_same(one, two, rtol=1e-6, atol=1e-8)


@EVERY
def test_the_order_of_rows_changes_no_bayesian_fit_of_one_component(covariance):
    points, rng = clusters(60), np.random.default_rng(0)
    weights, order = rng.exponential(size=60), rng.permutation(60)
    one, two = (
        make("bayes", covariance, n_components=1).fit(points[rows], sample_weight=weights[rows])
        for rows in (np.arange(60), order)
    )
    assert_same(one, two)


@EVERY
def test_the_priors_of_a_bayesian_fit_are_weighted(covariance):
    points, weights = clusters(100), np.random.default_rng(0).exponential(size=100)
    found = make("bayes", covariance).fit(points, sample_weight=weights)
    mean = np.average(points, axis=0, weights=weights)
    spread = np.cov(points.T, aweights=weights)
    expected = {"full": spread, "tied": spread, "diag": np.diag(spread), "spherical": np.diag(spread).mean()}
    np.testing.assert_allclose(found.mean_prior_, mean)
    np.testing.assert_allclose(found.covariance_prior_, expected[covariance])
    assert found.mean_precision_.sum() - 3 == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


def test_no_rule_can_keep_both_promises_and_scale_is_the_one_that_is_kept():
    """Weights of 2 for all: by scale the rows, by repetition twice the rows, and those have other fits."""
    points, twos = clusters(100), np.full(100, 2)
    rows = make("bayes", n_components=1).fit(points)
    twice = make("bayes", n_components=1).fit(np.repeat(points, 2, axis=0))
    assert abs(rows.degrees_of_freedom_[0] - twice.degrees_of_freedom_[0]) == pytest.approx(100)
    assert_equal(rows, make("bayes", n_components=1).fit(points, sample_weight=twos))
    assert_same(make("bayes", n_components=1).fit(points, sample_weight=twos, observations=200), twice)


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf])
def test_a_number_of_observations_is_positive(bad):
    with pytest.raises(ValueError, match="expected observations > 0"):
        BayesianGaussianMixture().fit(clusters(20), observations=bad)


@pytest.mark.parametrize("unit", [1.0, 0.1, 1e-12, 1 / 3, 1e200])
def test_weights_are_counted_in_their_largest_common_unit(unit):
    counts, repeats = in_observations(np.array([2.0, 4.0, 6.0, 64.0]) * unit)
    np.testing.assert_array_equal(repeats, [1, 2, 3, 32])
    np.testing.assert_array_equal(counts, repeats)


@pytest.mark.parametrize("weights", [[1.0, np.pi], [1, 65], [0.97, 0.64], [1e-9, 1.0], np.arange(1, 200)])
def test_other_weights_stand_for_the_observations_that_would_be_as_sure(weights):
    weights = np.asarray(weights, dtype=float)
    counts, repeats = in_observations(weights)
    assert repeats is None
    assert counts.sum() == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    np.testing.assert_allclose(counts / counts.sum(), weights / weights.sum())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 64), min_size=1, max_size=30), st.floats(-290, 290))
def test_any_integers_are_recognised_at_any_scale(integers, exponent):
    counts, repeats = in_observations(np.array(integers) * 10.0**exponent)
    expected = np.array(integers) // np.gcd.reduce(integers)
    np.testing.assert_array_equal(repeats, expected)
    np.testing.assert_array_equal(counts, expected)


@BOTH
@pytest.mark.parametrize(
    ("weights", "line"),
    [
        (np.zeros(50), "got only zeros"),
        (-np.ones(50), "expected finite sample weights >= 0"),
        (np.full(50, np.nan), "expected finite sample weights >= 0"),
        (np.full(50, np.inf), "expected finite sample weights >= 0"),
        (np.ones(49), r"expected sample_weight \(50,\), got shape \(49,\)"),
        (np.ones((50, 1)), r"expected sample_weight \(50,\), got shape \(50, 1\)"),
        (np.eye(50)[0], "Found 1 sample of positive weight"),
        ([1, 1] + [0] * 48, "Expected n_samples >= n_components"),
    ],
)
def test_weights_that_are_none_are_refused(name, weights, line, route):
    with pytest.raises(ValueError, match=line):
        make(name).fit(clusters(50), sample_weight=weights)


def test_repetitions_are_enough_rows_for_so_many_components():
    points = np.array([[0.0], [4.0]])
    found = GaussianMixture(4, init_params="random", random_state=0).fit(points, sample_weight=[1, 3])
    again = GaussianMixture(4, init_params="random", random_state=0).fit(points[[0, 1, 1, 1]])
    assert_same(found, again)


@EVERY
def test_a_weighted_step_is_what_brute_force_gives(covariance, route):
    points, rng = clusters(80), np.random.default_rng(2)
    weights = rng.exponential(size=80)
    start = make("ml", covariance, max_iter=1).fit(points)
    shares = start.predict_proba(points) * (weights / weights.sum())[:, None]
    given = {"weights_init": start.weights_, "means_init": start.means_, "precisions_init": start.precisions_}
    found = make("ml", covariance, max_iter=1, **given).fit(points, sample_weight=weights)
    count = shares.sum(axis=0)
    means = shares.T @ points / count[:, None]
    apart = points[:, None] - means
    spread = np.einsum("nk,nki,nkj->kij", shares, apart, apart) / count[:, None, None] + 1e-6 * np.eye(2)
    axes = np.diagonal(spread, axis1=1, axis2=2)
    expected = {
        "full": spread,
        "tied": np.einsum("k,kij->ij", count, spread),
        "diag": axes,
        "spherical": axes.mean(axis=1),
    }
    np.testing.assert_allclose(found.weights_, count, rtol=1e-6)
    np.testing.assert_allclose(found.means_, means, rtol=1e-6)
    np.testing.assert_allclose(found.covariances_, expected[covariance], rtol=1e-5, atol=1e-7)
    assert found.lower_bound_ == pytest.approx(np.average(start.score_samples(points), weights=weights))
