"""What is refused, and what comes out, is the same with weights and without, and at every size."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import sklearn.mixture._base as base
import sklearn.mixture._bayesian_mixture as bayesian
import sklearn.mixture._gaussian_mixture as gaussian
from estimators import ESTIMATORS, TYPES, assert_equal, clusters, identity_precisions, make
from sklearn import mixture as reference
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from gmmbench.mixture import BayesianGaussianMixture, GaussianMixture
from gmmbench.mixture.sklearn_api import fast_mixture

BOTH = pytest.mark.parametrize("name", ["ml", "bayes"])
EVERY = pytest.mark.parametrize("covariance", TYPES)
WEIGHTED = pytest.mark.parametrize("weighted", ["no weights", "ones", "shares"])


def weights_of(weighted, n):
    if weighted == "no weights":
        return None
    return np.ones(n) if weighted == "ones" else np.random.default_rng(0).exponential(size=n)


BAD_ROWS = {
    "sparse": (scipy.sparse.csr_matrix(np.eye(60, 2)), TypeError, "Sparse data was passed"),
    "one dimension": (np.arange(60.0), ValueError, "Expected 2D array, got 1D array instead"),
    "infinity": (np.where(np.eye(60, 2), np.inf, 0.0), ValueError, "infinity"),
    "a column without values": (
        np.column_stack((np.arange(60.0), np.full(60, np.nan))),
        ValueError,
        "expected a value in each column, got none in column 1",
    ),
    "no values": (np.full((60, 2), np.nan), ValueError, "expected rows that have a weight and a value"),
    "words": (np.full((60, 2), "ink"), ValueError, "could not convert|Unable to convert"),
    "complex": (np.full((60, 2), 1j), ValueError, "Complex data not supported"),
    "no columns": (np.empty((60, 0)), ValueError, "0 feature"),
    "one row": (np.zeros((1, 2)), ValueError, "minimum of 2 is required"),
    "no rows": (np.empty((0, 2)), ValueError, "0 sample"),
    "fewer rows than components": (np.eye(2), ValueError, "Expected n_samples >= n_components"),
    "too large": (np.array([[1e200, 0.0], [0.0, 0.0]] * 30), ValueError, "squares are numbers"),
}


@BOTH
@WEIGHTED
@pytest.mark.parametrize("what", list(BAD_ROWS))
def test_rows_that_are_none_are_refused(name, weighted, what, route):
    rows, error, line = BAD_ROWS[what]
    with pytest.raises(error, match=line):
        make(name).fit(rows, sample_weight=weights_of(weighted, rows.shape[0]))


@WEIGHTED
@EVERY
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6 / 3, -1e15])
def test_a_constant_column_is_singular_without_reg_covar(weighted, covariance, constant, route):
    """Whatever the constant: its variance is 0 to the last bit. Spherical covariances share the variances."""
    points = np.column_stack((clusters(60)[:, 0], np.full(60, constant)))
    weights = weights_of(weighted, 60)
    make("ml", covariance, max_iter=3).fit(points, sample_weight=weights)
    bare = make("ml", covariance, max_iter=3, reg_covar=0)
    if covariance == "spherical":
        bare.fit(points, sample_weight=weights)
        return
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        bare.fit(points, sample_weight=weights)


@WEIGHTED
@EVERY
def test_a_constant_column_is_singular_under_a_prior_made_of_it(weighted, covariance, route):
    points = np.column_stack((clusters(60)[:, 0], np.full(60, 0.1)))
    weights = weights_of(weighted, 60)
    prior = {"spherical": 1.0, "diag": [1.0, 1.0]}.get(covariance, np.eye(2))
    make("bayes", covariance, reg_covar=0, covariance_prior=prior).fit(points, sample_weight=weights)
    bare = make("bayes", covariance, reg_covar=0)
    if covariance == "spherical":
        bare.fit(points, sample_weight=weights)
        return
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        bare.fit(points, sample_weight=weights)


@WEIGHTED
@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_columns_that_determine_one_another_are_singular_without_reg_covar(weighted, covariance, route):
    x = clusters(60)
    for points in (np.column_stack((x[:, 0], 2 * x[:, 0])), np.column_stack((x, x @ [0.3, -1 / 3]))):
        with pytest.raises(ValueError, match="ill-defined empirical covariance"):
            make("ml", covariance, reg_covar=0).fit(points, sample_weight=weights_of(weighted, 60))


@WEIGHTED
@pytest.mark.parametrize("covariance", ["diag", "spherical"])
def test_the_component_of_one_row_is_narrow_and_no_error(weighted, covariance, route):
    points = np.concatenate((clusters(60), [[40.0, 40.0]]))
    given = {"means_init": [[0, 0], [6, 6], [40, 40]], "weights_init": [0.6, 0.3, 0.1], "reg_covar": 0}
    given["precisions_init"] = identity_precisions(covariance)
    found = make("ml", covariance, **given).fit(points, sample_weight=weights_of(weighted, 61))
    assert 0 < found.covariances_[2].max() < 1e-20


@BOTH
@WEIGHTED
@EVERY
def test_float32_comes_out_where_float32_goes_in(name, weighted, covariance, route):
    points, weights = clusters(90), weights_of(weighted, 90)
    for dtype in (np.float32, np.float64):
        rows = points.astype(dtype)
        found = make(name, covariance).fit(rows, sample_weight=weights)
        for attribute in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
            assert getattr(found, attribute).dtype == dtype, attribute
        assert found.score_samples(rows).dtype == dtype
        assert found.predict_proba(rows).dtype == dtype
        assert found.score_samples(points).dtype == np.float64
        assert isinstance(found.lower_bound_, float)
    single, double = (make(name, covariance).fit(points.astype(d)) for d in (np.float32, np.float64))
    np.testing.assert_allclose(single.means_, double.means_, rtol=1e-4, atol=1e-4)


@EVERY
@WEIGHTED
def test_first_parameters_are_taken_with_weights_too(covariance, weighted, route):
    points, weights = clusters(300), weights_of(weighted, 300)
    every = {
        "weights_init": [0.2, 0.3, 0.5],
        "means_init": [[-6.0, 0.0], [6.0, 6.0], [0.0, 0.0]],
        "precisions_init": 2 * identity_precisions(covariance),
    }
    for chosen in range(8):
        given = {key: value for bit, (key, value) in enumerate(every.items()) if chosen & 1 << bit}
        found = make("ml", covariance, max_iter=0, **given).fit(points, sample_weight=weights)
        for name, attribute in (("weights", "weights_"), ("means", "means_"), ("precisions", "precisions_")):
            if f"{name}_init" in given:
                np.testing.assert_allclose(getattr(found, attribute), every[f"{name}_init"])
        found.set_params(max_iter=50).fit(points, sample_weight=weights)
        if "means_init" in given:  # the components stay near where they were put
            np.testing.assert_allclose(found.means_, every["means_init"], atol=0.7)


def test_correlated_first_precisions_are_those_of_the_first_step():
    precisions = np.array([[[2.0, 0.7], [0.7, 1.0]], [[1.0, -0.4], [-0.4, 3.0]]])
    given = {"weights_init": [0.4, 0.6], "means_init": [[0, 0], [5, 5]], "precisions_init": precisions}
    found = GaussianMixture(2, max_iter=0, **given).fit(clusters(20))
    np.testing.assert_allclose(found.covariances_, np.linalg.inv(precisions))
    np.testing.assert_allclose(found.precisions_, precisions)


BAD_PARAMETERS = {
    "n_components": [0, 2.0, True, "3", None],
    "tol": [-1.0, np.nan, "0", None],
    "reg_covar": [-1e-6, np.nan, np.inf],
    "max_iter": [-1, 1.5],
    "n_init": [0, 1.0],
    "init_params": ["stratified", None],
    "covariance_type": ["fulll", None, 3],
    "warm_start": [1, "yes"],
    "verbose": [-1, 0.5],
    "verbose_interval": [0],
}
BAD_PRIORS = {
    "weight_concentration_prior": [0, -1.0],
    "weight_concentration_prior_type": ["dirichlet"],
    "mean_precision_prior": [0],
    "degrees_of_freedom_prior": [0, 1.0],
}


@WEIGHTED
@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [(name, key, value) for name in ESTIMATORS for key, values in BAD_PARAMETERS.items() for value in values]
    + [("bayes", key, value) for key, values in BAD_PRIORS.items() for value in values],
)
def test_parameters_that_are_not_allowed_are_refused(name, parameter, value, weighted):
    line = rf"'{parameter}' (parameter of \w+ must be .* Got .* instead|should be greater than 1)"
    with pytest.raises(ValueError, match=line):
        make(name, **{parameter: value}).fit(clusters(60), sample_weight=weights_of(weighted, 60))


@EVERY
@WEIGHTED
def test_first_parameters_that_cannot_be_are_refused(covariance, weighted, route):
    good = identity_precisions(covariance)
    cases = [
        ({"weights_init": [0.5, 0.5]}, "'weights' should have the shape"),
        ({"weights_init": [0.5, 0.5, 0.5]}, "should be normalized"),
        ({"weights_init": [1.5, -0.5, 0.0]}, "should be in the range"),
        ({"means_init": [[0, 0]]}, "'means' should have the shape"),
        ({"means_init": [[0, 0], [0, 0], [0, np.nan]]}, "NaN"),
        ({"precisions_init": -good}, "precision' should be"),
        ({"precisions_init": np.ones(2)}, "precision' should have the shape"),
    ]
    if covariance in ("full", "tied"):
        cases.append(({"precisions_init": good + np.triu(np.ones((2, 2)), 1)}, "should be symmetric"))
    for given, line in cases:
        with pytest.raises(ValueError, match=line):
            make("ml", covariance, **given).fit(clusters(60), sample_weight=weights_of(weighted, 60))


@EVERY
def test_priors_that_cannot_be_are_refused(covariance):
    bad = {"full": [[1, 0.9], [0, 1]], "tied": -np.eye(2), "diag": [1.0, 0.0], "spherical": -1.0}[covariance]
    for given, line in [
        ({"mean_prior": [0, 0, 0]}, "'means' should have the shape"),
        ({"covariance_prior": bad}, "precision' should be"),
        ({"covariance_prior": np.ones((3, 3))}, "covariance_prior' should have the shape"),
    ]:
        with pytest.raises(ValueError, match=line):
            make("bayes", covariance, **given).fit(clusters(60))


@BOTH
def test_a_fit_that_is_refused_leaves_the_one_before(name, route):
    found = make(name).fit(clusters(60))
    before = clone(found).fit(clusters(60))
    for rows, tol in ((clusters(60), -1), (np.eye(2), 1e-3), (np.full((9, 2), np.inf), 1e-3)):
        with pytest.raises(ValueError, match=r".+"):
            found.set_params(tol=tol).fit(rows)
        assert_equal(found, before)


@BOTH
@WEIGHTED
def test_a_warm_start_goes_on_where_the_fit_was(name, weighted, route):
    points = clusters(200, apart=3.0)
    weights = weights_of(weighted, 200)
    apart = make(name, warm_start=True, max_iter=4, tol=0)
    apart.fit(points, sample_weight=weights).fit(points, sample_weight=weights)
    together = make(name, max_iter=8, tol=0).fit(points, sample_weight=weights)
    np.testing.assert_allclose(apart.means_, together.means_, rtol=1e-6)
    assert apart.lower_bound_ == pytest.approx(together.lower_bound_)


@BOTH
@WEIGHTED
def test_a_warm_start_of_another_shape_is_refused(name, weighted, route):
    points, weights = clusters(100), weights_of(weighted, 100)
    found = make(name, warm_start=True).fit(points, sample_weight=weights)
    with pytest.raises(ValueError, match=r"expected n_components=3, .* warm_start .*, got 5; try"):
        found.set_params(n_components=5).fit(points, sample_weight=weights)
    found.set_params(n_components=3)
    with pytest.raises(ValueError, match=r"covariance_type .* warm_start .*, got 'diag'; try"):
        found.set_params(covariance_type="diag").fit(points, sample_weight=weights)
    found.set_params(covariance_type="full")
    with pytest.raises(ValueError, match=r"X has 3 features, but \w+ is expecting 2 features"):
        found.fit(np.column_stack((points, points[:, 0])), sample_weight=weights)
    assert found.means_.shape == (3, 2)
    found.set_params(n_components=5, warm_start=False).fit(points, sample_weight=weights)
    assert found.means_.shape == (5, 2)


@BOTH
def test_questions_are_checked_the_same_way_at_every_size(name, route):
    found = make(name)
    with pytest.raises(NotFittedError):
        found.score_samples(clusters(60))
    found.fit(clusters(60))
    for question in (found.score_samples, found.predict, found.predict_proba, found.score):
        with pytest.raises(ValueError, match="X has 3 features"):
            question(np.zeros((60, 3)))
        with pytest.raises(ValueError, match="infinity"):
            question(np.full((60, 2), np.inf))
        with pytest.raises(TypeError, match="Sparse"):
            question(scipy.sparse.csr_matrix(np.eye(60, 2)))
        with pytest.raises(ValueError, match="Expected 2D array"):
            question(np.zeros(60))


@BOTH
@EVERY
def test_densities_are_the_same_at_every_size(name, covariance, monkeypatch):
    points = np.concatenate((clusters(500), [[1e9, -1e9], [1e5, 0.0]]))
    found = make(name, covariance).fit(points[:500])
    few = found.score_samples(points)
    monkeypatch.setattr(fast_mixture, "LARGE", 0)
    np.testing.assert_allclose(found.score_samples(points), few, rtol=1e-7)


@BOTH
@EVERY
def test_very_far_away_a_row_still_has_a_component(name, covariance):
    found = make(name, covariance).fit(clusters(200))
    for far in (1e7, 1e20, 1e155, 1e300):
        shares = found.predict_proba([[far, far], [-far, 0.0]])
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        np.testing.assert_array_equal(found.predict([[far, far], [-far, 0.0]]), shares.argmax(axis=1))
    if covariance == "tied":
        nearest = found.means_[found.predict([[1e155, 1e155], [-1e155, 0.0]])]
        np.testing.assert_allclose(nearest, [[6, 6], [-6, 0]], atol=0.6)


@pytest.fixture
def without_private_parts(monkeypatch):
    """scikit-learn's mixtures without anything private: whatever calls it fails."""

    def gone(*arguments, **options):
        raise AssertionError("something private was called")

    for module in (base, gaussian, bayesian):
        for name, value in vars(module).copy().items():
            if name.startswith("_") and inspect.isfunction(value):
                monkeypatch.setattr(module, name, gone)
            if inspect.isclass(value) and value.__module__ == module.__name__:
                methods = [m for m in vars(value) if m.startswith("_") and not m.startswith("__")]
                for method in methods:
                    if inspect.isfunction(vars(value)[method]):
                        monkeypatch.setattr(value, method, gone)


@BOTH
@EVERY
@WEIGHTED
def test_nothing_private_of_scikit_learn_is_called(name, covariance, weighted, route, without_private_parts):
    points = clusters(100)
    options = {"verbose": 2, "verbose_interval": 1, "warm_start": True, "n_init": 2}
    if name == "ml":
        options["precisions_init"] = identity_precisions(covariance)
    found = make(name, covariance, **options)
    found.fit(points, sample_weight=weights_of(weighted, 100)).fit(points)
    found.fit_predict(points)
    for question in (found.predict, found.predict_proba, found.score_samples, found.score):
        question(points)
    found.as_mixture()


def test_nothing_private_of_scikit_learn_is_imported():
    for path in Path(inspect.getfile(fast_mixture)).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn"):
                names = [*node.module.split("."), *(alias.name for alias in node.names)]
                assert not any(name.startswith("_") for name in names), f"{path.name}: {names}"


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_progress_is_printed_as_scikit_learn_prints_it(verbose, capsys):
    printed = []
    options = {"random_state": 0, "n_init": 2, "verbose": verbose, "verbose_interval": 2, "max_iter": 7}
    for estimator in (GaussianMixture, reference.GaussianMixture):
        estimator(3, tol=1e-6, **options).fit(clusters(100))
        text = capsys.readouterr().out.replace("-0.00000", "0.00000")
        printed.append(re.sub(r"time lapse [\d.]+s", "time lapse", text))
    assert printed[0] == printed[1]
    assert bool(printed[0]) == (verbose > 0)


def test_a_fit_of_no_iterations_is_its_start():
    found = BayesianGaussianMixture(n_components=3, max_iter=0, random_state=0).fit(clusters(60))
    assert found.n_iter_ == 0
    assert not found.converged_
    assert found.lower_bounds_ == []
