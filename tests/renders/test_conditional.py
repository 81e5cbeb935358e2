"""What the conditional law of colour says, against brute force."""

from dataclasses import dataclass

import numpy as np
import pytest
from studies import SIDE, Ramp, colour_mixture, draw, fitted, renderer, study

from gmmbench import Law
from gmmbench.mixture import Mixture
from gmmbench.renders import _conditional

LATTICE = study(None).image.lattice.resized(30)


@dataclass(frozen=True, eq=False)
class Told(Ramp):
    """A predictor that tells its law: two Gaussians that grow apart with x."""

    degrees: float | None = None

    def law(self, coordinates):
        n = len(coordinates)
        apart = np.zeros((n, 2, 3))
        apart[:, 0], apart[:, 1] = 0.5 - 0.4 * coordinates[:, :1], 0.5 + 0.4 * coordinates[:, :1]
        covariances = np.tile(0.001 * np.eye(3), (1, 2, 1, 1))
        degrees = None if self.degrees is None else np.full((n, 2), self.degrees)
        return Law(np.full((n, 2), 0.5), apart, covariances, degrees)


@pytest.mark.parametrize("components", [1, 6, 40])
def test_covariances_are_those_of_the_conditioned_mixture(components):
    m = colour_mixture(components)
    found = _conditional.evaluate_conditional(LATTICE, fitted(m, "colour"), _conditional.covariance)
    for index in (0, 333, 899):
        x = LATTICE.centres()[index]
        slow = m.condition((0, 1), x).covariance()
        np.testing.assert_allclose(found.reshape(-1, 3, 3)[index], slow, rtol=1e-4, atol=1e-9)


def test_the_entropy_of_one_gaussian_is_exact():
    m = colour_mixture(1)
    found = _conditional.evaluate_conditional(LATTICE, fitted(m, "colour"), _conditional.entropy)
    spread = m.condition((0, 1), [0.5, 0.5]).covariances[0]
    np.testing.assert_allclose(found, 0.5 * np.linalg.slogdet(2 * np.pi * np.e * spread)[1])


def test_the_entropy_of_a_mixture_is_near_that_of_its_draws():
    m = colour_mixture(6)
    found = _conditional.evaluate_conditional(LATTICE, fitted(m, "colour"), _conditional.entropy).ravel()
    rng = np.random.default_rng(0)
    for index in (0, 333, 899):
        law = m.condition((0, 1), LATTICE.centres()[index])
        drawn = -law.log_density(law.sample(40_000, rng)).mean()
        assert drawn - 0.02 < found[index] < drawn + 0.6, "an upper bound, not far above"


def test_nothing_is_denser_than_the_mode():
    m = colour_mixture(6)
    found = _conditional.evaluate_conditional(LATTICE, fitted(m, "colour"), _conditional.mode).reshape(-1, 3)
    rng = np.random.default_rng(0)
    for index in (0, 333, 899):
        law = m.condition((0, 1), LATTICE.centres()[index])
        best = law.log_density(law.sample(20_000, rng)).max()
        assert law.log_density(found[index : index + 1])[0] > best - 0.02


def test_a_predictors_law_is_taken_as_it_is_told():
    found = _conditional.evaluate_conditional(LATTICE, Told(True), _conditional.covariance)
    x = LATTICE.centres()[:, 0].reshape(LATTICE.shape)
    expected = (0.4 * x) ** 2  # between the two means; their own variance besides, along each channel
    np.testing.assert_allclose(found[..., 0, 0], expected + 0.001)
    np.testing.assert_allclose(found[..., 0, 1], expected)
    student = _conditional.evaluate_conditional(LATTICE, Told(True, degrees=4.0), _conditional.covariance)
    np.testing.assert_allclose(student[..., 0, 0], expected + 0.002)


@pytest.mark.parametrize("show", ["variance", "entropy"])
def test_a_map_of_doubt_is_bright_where_the_colours_are_apart(show):
    picture = draw("grid", study(Told(True), "colour"), show=show, colours="Greys")
    light = 255 - picture.pixels[:SIDE, :SIDE].mean(axis=2)
    columns = light.mean(axis=0)
    assert columns[-8:].mean() > columns[:2].mean() + 60
    assert picture.pixels.shape[1] > SIDE, "the bar stands beside it"


def test_the_deviation_shown_is_in_levels():
    m = Mixture([1.0], [[0.5] * 5], [np.diag([0.1, 0.1, 0.01, 0.01, 0.01])])
    figures = draw("grid", study(fitted(m, "colour"), "colour"), show="variance").figures
    assert figures["mean"] == pytest.approx(25.6)


def test_the_mode_is_of_one_side_where_the_mean_is_between():
    m = Mixture(
        [0.6, 0.4],
        [[0.5] * 2 + [0.1] * 3, [0.5] * 2 + [0.9] * 3],
        [np.diag([0.1, 0.1, 1e-4, 1e-4, 1e-4])] * 2,
    )
    what = study(fitted(m, "colour"), "colour")
    mean, mode = (draw("grid", what, show=show).pixels for show in ("mean", "mode"))
    assert np.unique(mode).tolist() == [25]
    assert np.abs(mean.astype(int) - 107).max() <= 1


def test_statistics_beyond_the_mean_need_a_predictive_distribution():
    for show in ("mode", "variance", "entropy"):
        reason = renderer("grid", show=show).cannot(study(Ramp(True), "colour"))
        assert reason == (
            f"grid needs a predictive distribution to show its {show}; this fit has only a mean"
        )
        assert renderer("grid", show=show).cannot(study(Told(True), "colour")) is None
        assert "has the view ink" in renderer("grid", show=show).cannot(study(Ramp(False)))
