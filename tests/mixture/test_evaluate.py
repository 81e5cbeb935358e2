"""At very many points the engine gives what the dense formulas give."""

import numpy as np
import pytest

import gmmbench.mixture.distributions.gaussian as module
from gmmbench.mixture import Mixture, cell_masses


@pytest.fixture
def mixture():
    rng = np.random.default_rng(0)
    factors = 0.2 * rng.normal(size=(60, 5, 5))
    covariances = factors @ np.swapaxes(factors, 1, 2) + 1e-3 * np.eye(5)
    return Mixture(rng.random(60), rng.random((60, 5)), covariances)


def test_the_engine_and_the_dense_formula_agree_on_log_density(mixture, monkeypatch):
    flat = mixture.marginal([0, 1])
    points = np.concatenate((flat.sample(2000, np.random.default_rng(1)), [[50.0, -80.0]]))
    dense = flat.log_density(points)
    monkeypatch.setattr(module, "LARGE", 0)
    assert np.abs(flat.log_density(points) - dense).max() < 1e-7


@pytest.mark.parametrize("far", [0.0, 1e3])
def test_the_engine_and_the_dense_formula_agree_on_conditional_means(mixture, monkeypatch, far):
    points = np.concatenate((np.random.default_rng(1).random((3000, 2)), [[far, far]]))
    dense = mixture.conditional_mean([0, 1], points)
    monkeypatch.setattr(module, "LARGE", 0)
    quick = mixture.conditional_mean([0, 1], points)
    assert quick.shape == (3001, 3)
    assert np.abs(quick - dense)[:-1].max() < 2e-5
    assert np.allclose(quick[-1], dense[-1], rtol=1e-4)


def test_cell_masses_are_integrals_of_the_density():
    """Oracle: a 16 x 16 Gauss-Legendre rule in every cell."""
    rng = np.random.default_rng(4)
    factors = rng.normal(size=(6, 2, 2)) * 0.08
    covariances = factors @ np.swapaxes(factors, 1, 2) + np.eye(2) * (0.05**2)
    mixture = Mixture(rng.random(6), rng.random((6, 2)), covariances)
    height, width, cell = 10, 12, 1 / 12
    nodes, weights = np.polynomial.legendre.leggauss(16)
    x = (np.arange(width)[:, None] + (nodes + 1) / 2).ravel() * cell
    y = (np.arange(height)[:, None] + (nodes + 1) / 2).ravel() * cell
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    density = np.exp(mixture.log_density(grid)).reshape(height, 16, width, 16)
    expected = np.einsum("hawb,a,b->hw", density, weights, weights) * (cell / 2) ** 2
    found = cell_masses(mixture, height, width, cell)
    assert np.abs(np.log(found / expected)).max() < 1e-3
    assert found.sum() < 1


def test_cell_masses_of_a_diagonal_component_sum_to_one_exactly():
    mixture = Mixture([1.0], [[0.5, 0.4]], [np.diag([1e-4, 2e-3])])
    assert cell_masses(mixture, 40, 50, 0.02).sum() == pytest.approx(1, abs=1e-12)
