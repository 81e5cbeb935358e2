"""From the same start, prior and a tiny floor, variational Bayes is scikit-learn's for each covariance."""

import warnings

import numpy as np
import pytest
from scipy.special import betaln, gammaln
from sklearn.mixture import BayesianGaussianMixture

from gmmbench.mixture import COVARIANCES, Mixture, fit_bayesian
from gmmbench.mixture.variational.prior import Prior

K, FLOOR, CONCENTRATION = 4, 1e-13, 0.7
CASES = [(c, p) for c in ("full", "diag", "spherical", "tied") for p in (False, True)]


class FromResponsibilities(BayesianGaussianMixture):
    """scikit-learn's, begun at given responsibilities."""

    def _initialize_parameters(self, X, random_state, **options):  # noqa: N803 - scikit-learn's name
        self._initialize(X, self.init)


def blobs(n=700):
    """Four clusters, the largest first: scikit-learn leaves sticks in the components' order."""
    rng = np.random.default_rng(5)
    labels = np.sort(rng.choice(K, size=n, p=[0.4, 0.3, 0.2, 0.1]))
    centres = np.array([[0, 0], [4, 1], [1, 5], [6, 6.0]])
    return centres[labels] + rng.normal(size=(n, 2)) @ [[1, 0.5], [0, 0.6]], labels


def both(covariance, process, iterations):
    points, labels = blobs()
    share = 0.7 * np.eye(K)[labels] + 0.3 / K
    prior = Prior.of_points(
        points, np.ones(len(points)), FLOOR * np.eye(2), K, COVARIANCES[covariance], process, CONCENTRATION
    )
    axes = np.diag(prior.covariance)
    theirs = FromResponsibilities(
        n_components=K,
        covariance_type=covariance,
        reg_covar=FLOOR,
        tol=0,
        max_iter=iterations,
        mean_prior=prior.mean,
        mean_precision_prior=prior.mean_precision,
        covariance_prior={"diag": axes, "spherical": axes[0]}.get(covariance, prior.covariance),
        weight_concentration_prior_type="dirichlet_process" if process else "dirichlet_distribution",
        weight_concentration_prior=CONCENTRATION,
    )
    theirs.init = share
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(points)
    count = share.sum(axis=0)
    means = share.T @ points / count[:, None]
    apart = points[:, None] - means
    init = Mixture(count, means, np.einsum("nk,nki,nkj->kij", share, apart, apart) / count[:, None, None])
    ours = fit_bayesian(
        points,
        components=K,
        covariance=covariance,
        process=process,
        concentration=CONCENTRATION,
        init=init,
        covariance_floor=FLOOR,
        iterations=iterations,
        tolerance=0,
        precision="double",
        truncation=0,
        rng=np.random.default_rng(0),
    )
    return ours, theirs, prior


@pytest.mark.parametrize(("covariance", "process"), CASES)
def test_parameters_after_some_iterations_are_scikit_learns(covariance, process):
    ours, theirs, _ = both(covariance, process, 12)
    full = {
        "full": lambda c: c,
        "tied": lambda c: np.repeat(c[None], K, axis=0),
        "diag": lambda c: c[:, :, None] * np.eye(2),
        "spherical": lambda c: c[:, None, None] * np.eye(2),
    }[covariance](theirs.covariances_)
    close = dict(rtol=1e-6, atol=1e-8)
    assert np.allclose(ours.mixture.weights, theirs.weights_, **close)
    assert np.allclose(ours.mixture.means, theirs.means_, **close)
    assert np.allclose(ours.mixture.covariances, full, **close)
    free = {
        "full": theirs.degrees_of_freedom_ - 1,
        "tied": K * theirs.degrees_of_freedom_ - 1,
        "diag": theirs.degrees_of_freedom_,
        "spherical": 2 * theirs.degrees_of_freedom_,
    }[covariance]
    assert np.allclose(ours.predictive.degrees[:K], free, **close)


@pytest.mark.parametrize(("covariance", "process"), CASES)
def test_the_bound_is_scikit_learns_with_the_constants_it_leaves_out(covariance, process):
    ours, theirs, prior = both(covariance, process, 400)
    n, d = 700, 2

    def log_wishart(covariance, degrees):
        """Of inverse scale `covariance` times `degrees`, without powers of pi, which cancel."""
        log_det = -np.linalg.slogdet(degrees * covariance)[1]
        half = 0.5 * (degrees - np.arange(d))
        return -0.5 * degrees * (log_det + d * np.log(2)) - gammaln(half).sum()

    constant = 0.5 * K * d * np.log(prior.mean_precision) - 0.5 * n * d * np.log(2 * np.pi)
    if covariance == "tied":  # one matrix, where scikit-learn counts K equal ones
        free, found = theirs.degrees_of_freedom_, theirs.covariances_
        constant += log_wishart(prior.covariance / prior.degrees, K * prior.degrees)
        constant += K * log_wishart(found, free) - log_wishart(found, K * free)
    else:
        constant += K * log_wishart(prior.covariance / prior.degrees, prior.degrees)
    if process:
        constant -= K * betaln(1, CONCENTRATION)
    else:
        constant += gammaln(K * CONCENTRATION) - K * gammaln(CONCENTRATION)
    assert n * ours.bound == pytest.approx(theirs.lower_bound_ + constant, rel=1e-9)
