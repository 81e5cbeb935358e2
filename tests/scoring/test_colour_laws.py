"""Laws of colour that are none are refused, and laws that cannot be integrated are not ranked."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from known_fits import scored
from scipy.stats import norm

import gmmbench
from gmmbench import Image, Law, Model, Predictor, Refused, Split
from gmmbench.scoring import total_mass
from gmmbench.scoring.asking import FreshCopies
from gmmbench.scoring.colour_distribution import colour_masses

MEAN = 100.5 / 256


def image(level=100):
    return Image("flat", "colour", np.full((8, 8, 3), level, np.uint8), "0" * 64)


@dataclass(frozen=True, eq=False)
class Told(Predictor):
    """A law that is told, the same at every pixel."""

    weights: object = (1.0,)
    means: object = ((MEAN, MEAN, MEAN),)
    covariances: object = (((1e-3, 0, 0), (0, 1e-3, 0), (0, 0, 1e-3)),)
    degrees: object = None
    n_parameters = 1
    iterations = 1
    converged = True

    def predict(self, coordinates):
        return np.full((len(coordinates), 3), 0.5)

    def law(self, coordinates):
        n = len(coordinates)
        weights, means = np.array(self.weights, float), np.array(self.means, float)
        degrees = None if self.degrees is None else np.tile(np.array(self.degrees, float), (n, 1))
        spread = np.array(self.covariances, float)[None]
        return Law(np.tile(weights, (n, 1)), np.tile(means, (n, 1, 1)), spread, degrees)


def spread(**entries):
    """A covariance with some entries set: `ij=value`."""
    matrix = np.eye(3) * 1e-3
    for place, value in entries.items():
        matrix[int(place[1]), int(place[2])] = value
    return (matrix,)


REFUSED = {
    "asymmetric": ({"covariances": spread(_01=5e-4)}, "expected symmetric covariances, got 0.0005"),
    "indefinite": (
        {"covariances": spread(_01=2e-3, _10=2e-3)},
        r"expected positive definite covariances, got \[\[0.001, 0.002",
    ),
    "singular": ({"covariances": (np.full((3, 3), 1e-3),)}, "expected positive definite covariances"),
    "negative variance": (
        {"covariances": spread(_11=-1e-3)},
        "expected positive definite covariances, got a variance of -0.001",
    ),
    "zero variance": ({"covariances": spread(_11=0)}, "positive definite covariances, got a variance of 0"),
    "NaN covariance": ({"covariances": spread(_11=np.nan)}, "expected finite covariances, got nan"),
    "infinite covariance": ({"covariances": spread(_22=np.inf)}, "expected finite covariances, got inf"),
    "NaN mean": ({"means": ((0.5, np.nan, 0.5),)}, "expected finite means, got nan at point 0, component 0"),
    "infinite mean": ({"means": ((0.5, 0.5, -np.inf),)}, "expected finite means, got -inf"),
    "NaN weight": ({"weights": (np.nan,)}, "expected finite weights, got nan"),
    "negative weight": (
        {"weights": (1.5, -0.5), "means": ((0.5,) * 3,) * 2, "covariances": spread() * 2},
        "expected weights >= 0, got -0.5 at point 0, component 1",
    ),
    "no weight": ({"weights": (0.0,)}, "expected weights of positive sum"),
    "no degrees": ({"degrees": (0.0,)}, "expected degrees > 0, got 0"),
    "NaN degrees": ({"degrees": (np.nan,)}, "expected degrees > 0, got nan"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_law_is_refused(kind):
    arguments, message = REFUSED[kind]
    with pytest.raises(Refused, match=message):
        scored(Told(**arguments), image())


@dataclass(frozen=True)
class Broken(Model):
    """Its law is asymmetric."""

    name = "broken"
    views = ("colour",)

    def fit(self, scene, rng, watch):
        return Told(covariances=spread(_01=5e-4))


def test_a_run_names_the_model_whose_law_is_refused():
    run = replace(gmmbench.compose("image=china", "image.max_side=16", "render=points"), model=Broken())
    with pytest.raises(Refused, match=r"model broken: Told\.law: expected symmetric covariances"):
        gmmbench.execute(run)


def test_a_nearly_singular_law_gains_no_more_than_the_bits_that_there_are():
    """Once 1012 bits per dimension: 10 levels along grey, 0.02 across. There are 8."""
    matrix = (100 * np.full((3, 3), 1 / 3) + 4e-4 * np.eye(3)) / 65536
    found, _ = scored(Told(covariances=(matrix,)), image())
    assert not found.not_ranked
    assert 0 < found.values["gain"].held_out <= 8
    assert found.details.law.error_nats <= 1e-4


def test_a_law_that_is_too_narrow_to_be_known_is_not_certified():
    """A millionth of a cell wide and correlated to 1 - 1e-12: float64 does not know where its mean is."""
    matrix = 1e-12 / 65536 * (np.full((3, 3), 1 - 1e-12) + 1e-12 * np.eye(3))
    found, _ = scored(Told(covariances=(matrix,)), image())
    assert any("not certified" in reason for reason in found.not_ranked)


@dataclass(frozen=True, eq=False)
class Asked(Told):
    """The same as a density that core must sample, as narrow as the covariance floor."""

    times: float = 1.0

    def law(self, coordinates):
        return None

    def log_predictive(self, coordinates, colours):
        truth = norm(MEAN, 1 / 256 / np.sqrt(12))
        return truth.logpdf(colours).sum(axis=1) + np.log(self.times)

    def log_cube_mass(self, coordinates):
        return np.zeros(len(coordinates))


def test_a_mean_over_draws_in_a_narrow_peak_may_exceed_its_mass_and_counts_for_no_more(monkeypatch):
    monkeypatch.setattr(total_mass, "CHECKED", 1)  # another test is about the total
    for seed in range(20):
        found = colour_masses(FreshCopies.of(Asked()), *at_pixels(), np.random.default_rng(seed))
        assert (found.log_cell <= found.log_cube).all()
        assert not any("has no masses" in reason for reason in found.reasons)


@pytest.mark.parametrize("times", [10.0, np.nan, np.inf])
def test_a_peak_that_has_more_than_its_mass_is_not_ranked(times):
    found = colour_masses(FreshCopies.of(Asked(times=times)), *at_pixels(), np.random.default_rng(0))
    assert any("has no masses" in reason for reason in found.reasons)


def at_pixels():
    return image(), Split.draw(image().lattice, 0, 0.2)


def test_a_fit_whose_own_cells_exceed_the_cube_is_not_ranked():
    @dataclass(frozen=True, eq=False)
    class Claims(Told):
        def law(self, coordinates):
            return None

        def log_predictive(self, coordinates, colours):
            return np.full(len(coordinates), 3 * np.log(256) + 1.0)

        def log_cube_mass(self, coordinates):
            return np.zeros(len(coordinates))

    found, _ = scored(Claims(), image())
    assert any("expected log cell <= log cube <= 0" in reason for reason in found.not_ranked)
