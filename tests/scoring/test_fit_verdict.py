"""One verdict on each fit: what is wrong with it unranks it, and nothing else does."""

import numpy as np
import pytest
from known_fits import Cells, Chances, Written, ink_image, scored

from gmmbench.results import Score
from gmmbench.scoring.fit_verdict import alarms, outside

IMAGE = ink_image(np.random.default_rng(0).random((24, 32)) < 0.3)
EVEN = np.full(IMAGE.lattice.shape, 1 / IMAGE.lattice.size)


def reasons(fit):
    found, _ = scored(fit, IMAGE)
    return found.not_ranked


def test_honest_fits_may_be_ranked():
    assert reasons(Cells(IMAGE.lattice, EVEN)) == ()
    assert reasons(Chances(IMAGE.lattice, np.full(IMAGE.lattice.shape, 0.3))) == ()
    assert reasons(Chances(IMAGE.lattice, IMAGE.values)) == ()  # an oracle reaches its ceiling


def test_a_score_beyond_its_ceiling_is_an_alarm_and_unranks():
    values = {"gain": Score(held_out=3.01, train=1.0), "ceiling": Score(held_out=3.0, train=2.0, unit="bits")}
    (said,) = alarms(values)
    assert said == "the gain (held_out) of 3.0100 lies beyond its ceiling of 3.0000 bits"
    assert alarms({"bits_per_dim": Score(held_out=-0.1)}) == (
        "bits_per_dim (held_out) of -0.1000 lie below 0",
    )
    assert alarms({"gain": Score(held_out=3.0), "ceiling": Score(held_out=3.0)}) == ()


@pytest.mark.parametrize("value", [-0.01, 1.01, 7.0])
def test_a_probability_outside_0_to_1_unranks(value):
    chances = np.full(IMAGE.lattice.shape, 0.3)
    chances[3, 4] = value
    (said,) = reasons(Chances(IMAGE.lattice, chances))
    assert said == f"predict lies outside 0..1: from {min(0.3, value):g} to {max(0.3, value):g}"


def test_rounding_is_no_lie():
    assert outside(np.array([-1e-12, 1 + 1e-12])) == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_prediction_that_is_no_number_unranks_and_costs_no_crash(value):
    chances = np.full(IMAGE.lattice.shape, 0.3)
    chances[3, 4:6] = value
    found, _ = scored(Chances(IMAGE.lattice, chances), IMAGE)
    assert found.not_ranked[0] == "predict is not a finite number at 2 pixels"
    assert found.values["gain"].held_out is None
    assert found.values["gain"].reason == found.not_ranked[0]


def test_a_density_of_no_number_unranks_and_costs_no_crash():
    fit = Written(lambda points: np.full(len(points), np.nan), lambda n, rng: rng.random((n, 2)))
    found, _ = scored(fit, IMAGE)
    assert "its cell masses are not all finite and >= 0" in found.not_ranked
    assert found.values["gain"].held_out is None


def test_a_raw_likelihood_of_no_number_unranks():
    class Odd(Cells):
        def log_density(self, points):
            odd = len(points) <= IMAGE.lattice.size  # only the raw log-likelihood asks so few
            return np.full(len(points), np.nan) if odd else super().log_density(points)

    assert any("log_likelihood" in said for said in reasons(Odd(IMAGE.lattice, EVEN)))


def test_a_failed_normalisation_check_unranks():
    assert any("more than 1" in said for said in reasons(Cells(IMAGE.lattice, EVEN, times=3.0)))
