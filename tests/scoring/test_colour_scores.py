"""Colours and grey levels: bits per dimension, their loopholes, and what is no law."""

from dataclasses import dataclass

import numpy as np
import pytest
from known_fits import Written, scored
from scipy.stats import multivariate_normal, norm

import gmmbench
from gmmbench import Density, Image, Law, Predictor, Scene, Split, Watch, registry
from gmmbench.api import TEST, TRAIN
from gmmbench.mixture import Mixture


def picture(height=24, width=30, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    ramp = np.stack((40 + 6 * x, 200 - 5 * y, 90 + 2 * x + 2 * y), axis=2) + rng.normal(
        0, 5, (height, width, 3)
    )
    return Image("ramp", "colour", ramp.round().clip(0, 255).astype(np.uint8), "0" * 64)


def fitted(name, image, **options):
    split = Split.draw(image.lattice, 0, 0.2)
    model = registry.load().lookup("model", name)(**options)
    return model.fit(Scene.of(image, split), np.random.default_rng(0), Watch())


@dataclass(frozen=True, eq=False)
class OneLaw(Predictor):
    """The same Gaussian mixture of colours at every pixel."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    n_parameters = 1
    iterations = 1
    converged = True

    def predict(self, coordinates):
        return np.tile(np.clip(self.weights @ self.means, 0, 1), (len(coordinates), 1))

    def law(self, coordinates):
        n = len(coordinates)
        return Law(np.tile(self.weights, (n, 1)), np.tile(self.means, (n, 1, 1)), self.covariances[None])


@dataclass(frozen=True, eq=False)
class Curious(OneLaw):
    """A law of another shape: only a density that can be asked, and what it claims of its mass."""

    claimed: float = 0.0

    def law(self, coordinates):
        return None

    def log_predictive(self, coordinates, colours):
        found = [
            np.log(w) + np.atleast_1d(multivariate_normal(m, c).logpdf(colours))
            for w, m, c in zip(self.weights, self.means, self.covariances, strict=True)
        ]
        return np.logaddexp.reduce(found, axis=0)

    def log_cube_mass(self, coordinates):
        return np.full(len(coordinates), self.claimed)


WIDE = (np.array([1.0]), np.array([[0.5, 0.45, 0.4]]), np.array([np.diag([0.03, 0.02, 0.04])]))


@pytest.mark.parametrize("name", ["china", "flower", "astronaut", "cat"])
def test_uniform_scores_eight_bits_and_gains_nothing(name):
    image = gmmbench.compose(f"image={name}", "image.max_side=80").image.load()
    found, _ = scored(fitted("uniform", image), image)
    assert found.values["bits_per_dim"].held_out == pytest.approx(8, abs=1e-12)
    assert found.values["gain"].held_out == pytest.approx(0, abs=1e-12)
    assert found.values["ceiling"].held_out is None
    assert found.details.law.integrated == "exact"  # it is flat in every cell
    assert not found.not_ranked


def test_bits_per_dimension_of_a_known_law_by_hand():
    image = picture()
    found, split = scored(OneLaw(*WIDE), image)
    test = image.values[split.codes == TEST].astype(float)
    nats = np.zeros(len(test))
    for axis, (m, v) in enumerate(zip(WIDE[1][0], np.diag(WIDE[2][0]), strict=True)):
        law = norm(m, np.sqrt(v))
        cell = law.cdf((test[:, axis] + 1) / 256) - law.cdf(test[:, axis] / 256)
        nats += np.log(cell) - np.log(law.cdf(1) - law.cdf(0))
    assert found.values["bits_per_dim"].held_out == pytest.approx(-nats.mean() / 3 / np.log(2), abs=1e-6)
    low, high = found.values["gain"].interval
    assert low < found.values["gain"].held_out < high


def test_a_correlated_law_agrees_with_scipy():
    spread = np.array([[0.02, 0.012, 0.0], [0.012, 0.015, -0.004], [0.0, -0.004, 0.01]])
    law = np.array([1.0]), np.array([[0.9, 0.6, 0.3]]), spread[None]
    image = picture(10, 12)
    found, split = scored(OneLaw(*law), image)
    truth = multivariate_normal(law[1][0], spread)
    cube = truth.cdf(np.ones(3), lower_limit=np.zeros(3))
    colours = (image.values[split.codes == TEST] + 0.5) / 256
    nodes, weights = np.polynomial.legendre.leggauss(6)
    grid = np.stack(np.meshgrid(*[nodes / 512] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    share = np.einsum("i,j,k->ijk", *[weights / 2] * 3).ravel()
    cells = [truth.pdf(c + grid) @ share / 256**3 for c in colours]
    assert found.values["bits_per_dim"].held_out == pytest.approx(
        -(np.mean(np.log(cells)) - np.log(cube)) / 3 / np.log(2), abs=1e-4
    )


def test_a_mixture_scores_as_the_law_that_it_implies():
    """The kernel for joint mixtures against the law of every pixel, conditioned one by one."""
    image = picture(14, 16)
    joint = fitted("gmm", image, components=4)

    class Conditioned(OneLaw):
        def law(self, coordinates):
            laws = [joint.mixture.condition((0, 1), at) for at in coordinates]
            return Law(
                *(
                    np.stack([getattr(law, name) for law in laws])
                    for name in ("weights", "means", "covariances")
                )
            )

    a, _ = scored(joint, image)
    b, _ = scored(Conditioned(*WIDE), image)
    assert a.values["bits_per_dim"].held_out == pytest.approx(b.values["bits_per_dim"].held_out, abs=1e-6)
    assert a.values["psnr"].held_out > 20
    assert a.values["position"].held_out < 0.05


# Loopholes.


def test_fitting_half_a_level_off_costs_and_never_pays():
    """Cells are centred on levels: a narrow law at c, not c + 1/2, puts half of its mass next door."""
    values = np.full((16, 16, 3), 128, np.uint8)
    image = Image("flat", "colour", values, "0" * 64)
    narrow = np.array([np.eye(3) * (1 / 256) ** 2 / 12])
    right, _ = scored(OneLaw(np.ones(1), np.full((1, 3), 128.5 / 256), narrow), image)
    off, _ = scored(OneLaw(np.ones(1), np.full((1, 3), 128 / 256), narrow), image)
    assert off.values["bits_per_dim"].held_out > right.values["bits_per_dim"].held_out + 0.7


def test_the_mass_of_the_cube_is_not_a_product_of_channels():
    """Of a correlated law at a corner, the product of its channels' masses is not the mass of the cube."""
    spread = 0.04 * (0.1 * np.eye(3) + 0.9)
    values = np.full((12, 12, 3), 255, np.uint8)
    image = Image("white", "colour", values, "0" * 64)
    found, _ = scored(OneLaw(np.ones(1), np.ones((1, 3)), spread[None]), image)
    truth = multivariate_normal(np.ones(3), spread)
    cube = truth.cdf(np.ones(3), lower_limit=np.zeros(3))
    assert found.details.law.mass_in_cube == pytest.approx(cube, abs=1e-4)
    assert abs(cube - norm(1, 0.2).cdf(1) ** 3) > 0.1


def test_a_law_of_another_shape_is_a_bound_and_checked():
    image = picture()
    exact, _ = scored(OneLaw(*WIDE), image)
    mass = np.log(exact.details.law.mass_in_cube)
    bound, _ = scored(Curious(*WIDE, claimed=mass), image)
    assert bound.details.law.integrated == "bound"
    assert bound.values["bits_per_dim"].convention != exact.values["bits_per_dim"].convention
    assert bound.values["bits_per_dim"].held_out == pytest.approx(
        exact.values["bits_per_dim"].held_out, abs=1e-3
    )
    assert not bound.not_ranked
    liar, _ = scored(Curious(*WIDE, claimed=mass - 1), image)
    assert "times the mass in the cube" in liar.not_ranked[0]


def test_a_joint_density_that_predicts_nothing_shows_its_likelihood_only():
    image = picture()
    joint = multivariate_normal(np.full(5, 0.5), 0.05 * np.eye(5))
    fit = Written(joint.logpdf, lambda n, rng: joint.rvs(n, random_state=rng), ("x", "y", "r", "g", "b"))
    found, _ = scored(fit, image)
    assert found.values["log_likelihood"].held_out is not None
    assert found.values["gain"].held_out is None
    assert found.not_ranked


# Bayesian mixtures: the predictive is a density, scikit-learn's score is none.


def test_the_predictive_integrates_to_one_where_scikit_learns_score_does_not():
    from sklearn.mixture import BayesianGaussianMixture

    rng = np.random.default_rng(0)
    points = rng.normal(0.5, 0.1, (60, 2))
    options = {"random_state": 0, "weight_concentration_prior": 1000.0, "max_iter": 500}
    theirs = BayesianGaussianMixture(n_components=3, **options).fit(points)
    grid = np.linspace(-2.5, 3.5, 601)
    every = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    area = (grid[1] - grid[0]) ** 2
    assert np.exp(theirs.score_samples(every)).sum() * area < 0.9
    ours = gmmbench.mixture.fit_bayesian(
        points, components=3, covariance_floor=1e-6, rng=np.random.default_rng(0)
    )
    draws = ours.predictive.sample(200_000, np.random.default_rng(1))
    outside = 1 - ((draws > -2.5) & (draws < 3.5)).all(axis=1).mean()
    assert np.exp(ours.predictive.log_density(every)).sum() * area == pytest.approx(1 - outside, abs=1e-3)


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_a_bayesian_fit_is_scored_by_its_predictive_and_ranked(covariance):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :56]
    image = Image(
        "disc", "ink", ((np.hypot(x - 30, y - 18) < 9) & (rng.random((40, 56)) < 0.9)) * 1.0, "0" * 64
    )
    fit = fitted("bgmm", image, components=4, covariance=covariance)
    assert fit.predictive is not None
    found, split = scored(fit, image)
    assert not found.not_ranked
    where = image.lattice.centres()[(image.values * (split.codes == TRAIN)).ravel() > 0]
    assert fit.log_density(where).mean() == pytest.approx(fit.predictive.log_density(where).mean())


# Grey levels.


def test_levels_are_scored_by_cells():
    rng = np.random.default_rng(0)
    values = rng.normal(120, 20, (40, 50)).round().clip(0, 255).astype(np.uint8)
    image = Image("grey", "levels", values, "0" * 64)
    law = norm(120.5 / 256, 20 / 256)
    fit = Written(lambda p: law.logpdf(p[:, 0]), lambda n, rng: law.rvs((n, 1), random_state=rng), ("level",))
    found, split = scored(fit, image)
    test = values[split.codes == TEST].astype(float)
    cells = law.cdf((test + 1) / 256) - law.cdf(test / 256)
    bits = -np.log2(cells / (law.cdf(1) - law.cdf(0))).mean()
    assert found.values["bits_per_dim"].held_out == pytest.approx(bits, abs=1e-5)
    counts = np.bincount(values[split.codes == TEST], minlength=256) / len(test)
    entropy = -(counts[counts > 0] * np.log2(counts[counts > 0])).sum()
    assert found.values["ceiling"].held_out == pytest.approx(8 - entropy, abs=1e-12)
    assert not found.alarms
    mixture = gmmbench.mixture_fitted(
        Mixture([1.0], [[120.5 / 256]], [[[(20 / 256) ** 2]]]),
        ("level",),
        n_parameters=2,
        iterations=1,
        converged=True,
    )
    exact, _ = scored(mixture, image)
    assert exact.values["bits_per_dim"].held_out == pytest.approx(bits, abs=1e-6)
    assert isinstance(mixture, Density)
