"""What tests of the estimators share."""

import numpy as np

from gmmbench.mixture import BayesianGaussianMixture, GaussianMixture
from gmmbench.mixture.sklearn_api import fast_mixture, large_densities, observations, starting

TYPES = ("full", "tied", "diag", "spherical")
ESTIMATORS = {"ml": GaussianMixture, "bayes": BayesianGaussianMixture}
INITS = ("kmeans", "k-means++", "random", "random_from_data")
ROUTES = ("numpy", "kernels", "engine's start")


def take(route, monkeypatch):
    if route != "numpy":
        monkeypatch.setattr(observations, "SMALL", 0)
        monkeypatch.setattr(fast_mixture, "LARGE", 0)
        monkeypatch.setattr(large_densities, "LARGE", 0)
    if route == "engine's start":
        monkeypatch.setattr(starting, "MANY", 0)


def clusters(n=300, seed=0, dimension=2, apart=6.0):
    rng = np.random.default_rng(seed)
    centres = np.zeros((3, dimension))
    centres[1], centres[2, 0] = apart, -apart
    return centres[rng.choice(3, size=n, p=[0.5, 0.3, 0.2])] + rng.normal(size=(n, dimension))


def identity_precisions(covariance, components=3, dimension=2):
    """Precisions of 1 in scikit-learn's shape for a type."""
    return {
        "full": np.stack([np.eye(dimension)] * components),
        "tied": np.eye(dimension),
        "diag": np.ones((components, dimension)),
        "spherical": np.ones(components),
    }[covariance]


def make(name, covariance="full", **options):
    """An estimator of three components, if the options say nothing else."""
    common = {"n_components": 3, "covariance_type": covariance, "random_state": 0}
    return ESTIMATORS[name](**{**common, **options})


def attributes(fit):
    names = ["weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"]
    if hasattr(fit, "mean_prior_"):
        names += ["mean_prior_", "covariance_prior_"]
        names += ["degrees_of_freedom_", "mean_precision_", "weight_concentration_"]
    return {name: np.asarray(getattr(fit, name)) for name in names}


def assert_same(one, two, rtol=1e-8, atol=1e-10):
    for name, value in attributes(one).items():
        np.testing.assert_allclose(value, attributes(two)[name], rtol=rtol, atol=atol, err_msg=name)


def assert_equal(one, two):
    for name, value in attributes(one).items():
        np.testing.assert_array_equal(value, attributes(two)[name], err_msg=name)
    assert one.lower_bound_ == two.lower_bound_
    assert one.n_iter_ == two.n_iter_
