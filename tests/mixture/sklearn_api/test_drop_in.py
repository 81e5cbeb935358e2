"""The drop-in estimators are scikit-learn's to whoever calls them."""

import contextlib
import importlib
import inspect
import warnings

import numpy as np
import pytest
from sklearn import mixture as reference
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from gmmbench.mixture import BayesianGaussianMixture, GaussianMixture, fit
from gmmbench.mixture.sklearn_api import gaussian_mixture, observations

FAST = {"GaussianMixture": GaussianMixture, "BayesianGaussianMixture": BayesianGaussianMixture}


@pytest.fixture(autouse=True)
def quiet():
    """One thread in scikit-learn: its KMeans waits by spinning, which on busy cores takes minutes."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        yield


@parametrize_with_checks([GaussianMixture(), BayesianGaussianMixture()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("name", sorted(FAST))
def test_a_fit_is_scikit_learns_fit(name, covariance, monkeypatch):
    monkeypatch.setattr(observations, "SMALL", 0)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4, 2))[rng.integers(4, size=600)] * 4 + rng.normal(size=(600, 2))
    options = dict(n_components=4, covariance_type=covariance, random_state=0, max_iter=30, tol=1e-9)
    theirs = getattr(reference, name)(**options).fit(points)
    ours = FAST[name](**options).fit(points)
    assert ours.n_iter_ == theirs.n_iter_
    for attribute in ("weights_", "means_", "covariances_", "precisions_cholesky_", "precisions_"):
        assert np.allclose(getattr(ours, attribute), getattr(theirs, attribute), rtol=1e-5, atol=1e-7)
    # of tied covariances scikit-learn's Bayesian bounds are arrays of one number
    assert np.allclose(ours.lower_bounds_, np.ravel(theirs.lower_bounds_), rtol=1e-6)
    assert (ours.predict(points) == theirs.predict(points)).all()


def modules_tests():
    for name in ("test_gaussian_mixture", "test_bayesian_mixture", "test_mixture"):
        module = importlib.import_module(f"sklearn.mixture.tests.{name}")
        for test, function in inspect.getmembers(module, inspect.isfunction):
            if test.startswith("test_") and function.__module__ == module.__name__:
                yield pytest.param(module, function, id=f"{name}.{test}")


def calls(function):
    """What parametrize marks of a test ask for, as keyword arguments."""
    out = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names = mark.args[0]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        rows = [
            dict(zip(names, value if len(names) > 1 else (value,), strict=True))
            for value in (getattr(v, "values", v) for v in mark.args[1])
        ]
        out = [{**row, **before} for before in out for row in rows]
    return out


COMPILES = "another dimension to compile, seconds each, for nothing that two dimensions do not show"
NOT_WITH_KERNELS = {
    "test_bic_1d_1component": COMPILES,
    "test_gaussian_mixture_n_parameters": COMPILES,
    "test_gaussian_mixture_aic_bic": COMPILES,
    "test_gaussian_mixture_fit_predict_n_init": COMPILES,
}


PRIVATE = {
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": "it counts calls of a private "
    "function, of which we call none; see test_with_all_first_parameters_there_is_no_start_to_make",
}


@pytest.mark.parametrize("small", [observations.SMALL, 0], ids=["as it is", "kernels always"])
@pytest.mark.parametrize(("module", "function"), list(modules_tests()))
def test_scikit_learns_own_mixture_tests(module, function, small, monkeypatch):
    monkeypatch.setattr(observations, "SMALL", small)
    for name, estimator in FAST.items():
        if hasattr(module, name):
            monkeypatch.setattr(module, name, estimator)
    if small == 0 and function.__name__ in NOT_WITH_KERNELS:
        pytest.skip(NOT_WITH_KERNELS[function.__name__])
    if function.__name__ in PRIVATE:
        pytest.skip(PRIVATE[function.__name__])
    if "array_api" in function.__name__:
        pytest.skip("array libraries other than numpy are not for the kernels")
    for arguments in calls(function):
        wanted = inspect.signature(function).parameters
        if "monkeypatch" in wanted:
            arguments["monkeypatch"] = monkeypatch
        if "global_random_seed" in wanted:
            arguments["global_random_seed"] = 42
        if "global_dtype" in wanted:
            arguments["global_dtype"] = np.float64
        missing = [p for p in wanted if p not in arguments]
        assert not missing, f"a fixture this test does not know: {missing}"
        with contextlib.suppress(pytest.skip.Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            function(
                **{
                    k: v.values[0] if hasattr(v, "values") and hasattr(v, "marks") else v
                    for k, v in arguments.items()
                }
            )


def test_with_all_first_parameters_there_is_no_start_to_make(monkeypatch):
    """What scikit-learn's test of the same purpose asks for by counting calls of a private function."""

    def no_start(*arguments):
        raise AssertionError("a start was made")

    monkeypatch.setattr(gaussian_mixture, "first_update", no_start)
    points = np.random.default_rng(0).normal(size=(100, 2))
    given = dict(weights_init=[0.5, 0.5], means_init=[[-1, 0], [1, 0]], precisions_init=[np.eye(2)] * 2)
    assert GaussianMixture(2, **given).fit(points).n_iter_ > 0
    with pytest.raises(AssertionError, match="a start was made"):
        GaussianMixture(2, **{**given, "means_init": None}).fit(points)


def test_sample_weights_are_those_of_the_engine():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(400, 2))
    weights = rng.integers(0, 3, size=400).astype(float)
    weighted = GaussianMixture(1).fit(points, sample_weight=weights)
    repeated = GaussianMixture(1).fit(np.repeat(points, weights.astype(int), axis=0))
    assert np.allclose(weighted.means_, repeated.means_)
    assert np.allclose(weighted.covariances_, repeated.covariances_)
    assert weighted.score_samples(points).shape == (400,)


def test_conditions_and_marginals_are_the_mixtures():
    points = np.random.default_rng(2).normal(size=(500, 3))
    found = GaussianMixture(2, random_state=0).fit(points)
    assert found.marginal([0, 2]).means.shape == (2, 2)
    assert found.condition([1], [0.3]).dimension == 2
    assert np.allclose(found.as_mixture().log_density(points), found.score_samples(points))


def test_what_the_estimator_finds_is_what_fit_finds():
    points = np.random.default_rng(3).normal(size=(500, 2))
    ours = GaussianMixture(1, reg_covar=1e-3).fit(points)
    found = fit(points, components=1, covariance_floor=1e-3, precision="double", rng=np.random.default_rng(0))
    assert np.allclose(ours.covariances_, found.mixture.covariances)
    assert ours.lower_bound_ == pytest.approx(found.bound)
