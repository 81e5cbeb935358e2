"""Births and deaths: the size comes from the points, whatever the start, and only ever raises the bound."""

import numpy as np
import pytest

from gmmbench.mixture import fit_bayesian
from gmmbench.mixture.variational.births import births, deaths
from gmmbench.mixture.variational.posterior import Posterior
from gmmbench.mixture.variational.prior import Prior


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(7)
    centres = np.array([[0, 0], [6, 0], [0, 6], [6, 6], [3, 3]], dtype=float)
    return centres[rng.integers(5, size=1500)] + 0.5 * rng.normal(size=(1500, 2)) @ [[1, 0.5], [0, 0.4]]


def grown(points, components, **options):
    more = {"process": True, "prior": "evidence", "births": 50, "rng": np.random.default_rng(0), **options}
    return fit_bayesian(points, components=components, iterations=50, covariance_floor=1e-4, **more)


@pytest.mark.parametrize("components", [1, 3, 40])
def test_five_clusters_are_found_from_too_few_and_too_many(points, components):
    found = grown(points, components)
    assert found.used == 5
    assert found.converged
    assert np.allclose(found.mixture.weights, 0.2, atol=0.04)


@pytest.mark.parametrize("covariance", ["diag", "spherical", "tied"])
def test_other_covariances_are_born_too(points, covariance):
    found = grown(points, 1, covariance=covariance)
    assert found.used >= 5
    assert found.bound > grown(points, 1, covariance=covariance, births=0).bound + 0.5


@pytest.mark.parametrize("process", [False, True])
def test_no_round_lowers_the_bound(points, process):
    heavy = np.concatenate((points, points[:300] ** 3 / 40))
    found = grown(heavy, 2, process=process, truncation=0, precision="double", tolerance=1e-5)
    trace = np.array(found.trace)
    assert found.used > 5
    assert (np.diff(trace) >= -1e-10 * np.abs(trace[1:])).all()


def test_the_same_stream_gives_the_same_components(points):
    one, two = grown(points, 2, threads=1), grown(points, 2, threads=2)
    np.testing.assert_array_equal(one.mixture.means, two.mixture.means)
    assert one.trace == two.trace


def test_proposals_keep_the_points_they_hold():
    rng = np.random.default_rng(1)
    prior = Prior(True, 1.0, np.zeros(2), 0.01, np.eye(2), 2.0)
    spread = np.array([np.cov(rng.normal(size=(2, 9))) for _ in range(5)])
    count = np.array([9.0, 4.0, 0.1, 7.0, 2.0])
    q = Posterior.of(prior, count, rng.normal(size=(5, 2)), spread, 0 * np.eye(2))
    for proposal, expected in ((births(q, 0), 8), (births(q, 2), 16), (deaths(q), 2)):
        assert len(proposal.posterior.count) == expected
        held = np.bincount(proposal.groups, proposal.posterior.count, len(proposal.changed))
        assert np.allclose(held[:-1], np.bincount(proposal.now, count, len(proposal.changed))[:-1])
        assert proposal.now[2] == len(proposal.changed) - 1
