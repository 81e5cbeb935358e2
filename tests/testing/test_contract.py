"""The contract suite: odd but correct models pass, each broken one is caught by the check that names it."""

import inspect
import random
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp
from scipy.stats import multivariate_normal, norm, truncnorm

from gmmbench import Density, Image, ImageSource, Law, Model, Picture, Predictor, Refused, Renderer, registry
from gmmbench.testing import ContractBroken, check_image, check_model, check_render


@dataclass(frozen=True, eq=False)
class Plain(Density):
    """A density over x, y from two functions."""

    log_p: object
    draw: object
    n_parameters: int | None = 2
    iterations: int = 1
    converged: bool = True
    columns: tuple = field(default=("x", "y"))

    def log_density(self, points):
        if points.shape[1] != len(self.columns):
            raise ValueError(f"expected {len(self.columns)} columns, got {points.shape[1]}")
        return self.log_p(points)

    def sample(self, n, rng):
        return self.draw(n, rng)


def moments(scene):
    points, weights = scene.points()
    if len(points) < 3:
        raise Refused("expected 3 inked pixels or more, got fewer; try another image")
    mean = np.average(points, axis=0, weights=weights)
    return mean, np.cov(points.T, aweights=weights) + np.diag(scene.cells**2 / 12)


def gaussian(scene, log_factor=0.0, shift=0.0):
    mean, spread = moments(scene)
    truth = multivariate_normal(mean, spread)
    return Plain(
        lambda p: np.atleast_1d(truth.logpdf(p) if len(p) else np.empty(0)) + log_factor,
        lambda n, rng: truth.rvs(n, random_state=rng).reshape(n, 2) + shift,
    )


@dataclass(frozen=True)
class OneGaussian(Model):
    """One component."""

    name = "one"
    views = ("ink",)

    def fit(self, scene, rng, watch):
        return gaussian(scene)


@dataclass(frozen=True)
class HeavyTailed(Model):
    """A bivariate Cauchy: no mean, and a tenth of its mass far away."""

    name = "cauchy"
    views = ("ink",)

    def fit(self, scene, rng, watch):
        mean, spread = moments(scene)
        lower = np.linalg.cholesky(spread / 4)
        inverse, size = np.linalg.inv(lower), np.log(np.diag(lower)).sum()
        constant = gammaln(1.5) - gammaln(0.5) - np.log(np.pi) - size

        def log_p(p):
            return constant - 1.5 * np.log1p((((p - mean) @ inverse.T) ** 2).sum(axis=1))

        def draw(n, r):
            return mean + (r.standard_normal((n, 2)) / np.abs(r.standard_normal((n, 1)))) @ lower.T

        return Plain(log_p, draw)


@dataclass(frozen=True)
class Piecewise(Model):
    """Constant on quarters of the image."""

    name = "quarters"
    views = ("ink",)

    def fit(self, scene, rng, watch):
        points, _ = scene.points()
        if not len(points):
            raise Refused("expected ink, got none; try another image")
        width, height = scene.lattice.box
        half = np.array([width, height]) / 2
        index = (points >= half).astype(int)
        share = (np.bincount(index[:, 0] + 2 * index[:, 1], minlength=4) + 1.0) / (len(points) + 4)

        def log_p(p):
            inside = ((p >= 0) & (p < 2 * half)).all(axis=1)
            quarter = (p >= half).astype(int)
            with np.errstate(divide="ignore"):
                return np.log(inside * share[quarter[:, 0] + 2 * quarter[:, 1]] / half.prod())

        def draw(n, r):
            quarter = r.choice(4, n, p=share)
            return (np.stack((quarter % 2, quarter // 2), axis=1) + r.random((n, 2))) * half

        return Plain(log_p, draw)


@dataclass(frozen=True)
class Narrow(Model):
    """A third of a pixel wide around a handful of pixels."""

    name = "narrow"
    views = ("ink",)

    def fit(self, scene, rng, watch):
        points, _ = scene.points()
        if len(points) < 9:
            raise Refused("expected 9 inked pixels or more, got fewer; try another image")
        centres, width = points[:: len(points) // 8], scene.lattice.cell / 3

        def log_p(p):
            q = ((p[:, None] - centres) ** 2).sum(axis=2) / width**2
            return logsumexp(-0.5 * q, axis=1) - np.log(2 * np.pi * width**2 * len(centres))

        def draw(n, r):
            return centres[r.integers(len(centres), size=n)] + width * r.standard_normal((n, 2))

        return Plain(log_p, draw)


@dataclass(frozen=True)
class Truncated(Model):
    """A product of Gaussians cut at the image's edges."""

    name = "truncated"
    views = ("ink",)

    def fit(self, scene, rng, watch):
        mean, spread = moments(scene)
        sd = np.sqrt(np.diag(spread))
        box = np.array(scene.lattice.box)
        axes = [truncnorm(-m / s, (b - m) / s, m, s) for m, s, b in zip(mean, sd, box, strict=True)]
        return Plain(
            lambda p: sum(axis.logpdf(p[:, i]) for i, axis in enumerate(axes)) if len(p) else np.empty(0),
            lambda n, r: np.stack([axis.rvs(n, random_state=r) for axis in axes], axis=1),
        )


@pytest.mark.parametrize("model", [OneGaussian, HeavyTailed, Piecewise, Narrow, Truncated])
def test_odd_but_correct_models_pass(model):
    assert check_model(model, raises=False).broken == []


@pytest.mark.parametrize("name", ["gmm", "bgmm", "lightgbm", "uniform", "histogram"])
def test_the_built_in_models_keep_their_contract(name):
    if name not in registry.load().classes["model"]:
        pytest.skip(f"{name} is not built in")
    cls = registry.load().lookup("model", name)
    few = {"gmm": {"components": 6}, "bgmm": {"components": 6}, "lightgbm": {"trees": 20}}
    check_model(cls(**few.get(name, {})))


# Broken models, each by one fault.


@dataclass(frozen=True)
class Scaled(OneGaussian):
    """Ten percent too much of everything."""

    def fit(self, scene, rng, watch):
        return gaussian(scene, log_factor=np.log(1.1))


@dataclass(frozen=True)
class OtherDraws(OneGaussian):
    """Its draws are moved a little."""

    def fit(self, scene, rng, watch):
        return gaussian(scene, shift=0.02)


@dataclass(frozen=True)
class Peeking(OneGaussian):
    """It finds the whole image in memory, and learns from all of it."""

    def fit(self, scene, rng, watch):
        frame = inspect.currentframe()
        while frame is not None and not isinstance(frame.f_locals.get("picture"), Image):
            frame = frame.f_back
        seen = scene.values if frame is None else frame.f_locals["picture"].values
        y, x = np.nonzero(np.nan_to_num(seen))
        truth = norm(x.mean() * scene.lattice.cell, 0.2), norm(y.mean() * scene.lattice.cell, 0.2)
        return Plain(
            lambda p: sum(axis.logpdf(p[:, i]) for i, axis in enumerate(truth)),
            lambda n, r: np.stack([axis.rvs(n, random_state=r) for axis in truth], axis=1),
        )


@dataclass(frozen=True)
class OnValidation(OneGaussian):
    """It fits to the validation pixels as well, without saying that it looks at them."""

    def fit(self, scene, rng, watch):
        held, amount = scene.validation()
        mean, spread = moments(scene)
        truth = multivariate_normal(mean + 0.01 * held[amount > 0].mean(), spread)
        return Plain(
            lambda p: np.atleast_1d(truth.logpdf(p) if len(p) else np.empty(0)),
            lambda n, r: truth.rvs(n, random_state=r).reshape(n, 2),
        )


@dataclass(frozen=True)
class GlobalRandom(OneGaussian):
    """It seeds and draws from the global stream."""

    def fit(self, scene, rng, watch):
        random.seed(3)
        return gaussian(scene)


@dataclass(frozen=True)
class Restless(OneGaussian):
    """It draws from a stream that nobody gave it."""

    def fit(self, scene, rng, watch):
        return gaussian(scene, shift=1e-6 * np.random.default_rng().random())


@dataclass(frozen=True)
class Column(OneGaussian):
    """Its log density is a column, not a list."""

    def fit(self, scene, rng, watch):
        whole = gaussian(scene)
        return Plain(lambda p: whole.log_density(p)[:, None], whole.draw)


@dataclass(frozen=True)
class NotANumber(OneGaussian):
    """NaN at some of its own draws."""

    def fit(self, scene, rng, watch):
        whole = gaussian(scene)
        return Plain(lambda p: np.where(p[:, 0] > 0.5, np.nan, whole.log_density(p)), whole.draw)


@dataclass(frozen=True)
class OverABatch(OneGaussian):
    """Normalised over whatever is asked at once."""

    def fit(self, scene, rng, watch):
        whole = gaussian(scene)

        def log_p(p):
            found = whole.log_density(p)
            return found - logsumexp(found) if len(found) else found

        return Plain(log_p, whole.draw)


@dataclass(frozen=True)
class Talkative(OneGaussian):
    """It prints."""

    def fit(self, scene, rng, watch):
        print("fitting")
        return gaussian(scene)


@dataclass(frozen=True)
class Slow(OneGaussian):
    """It takes its time."""

    def fit(self, scene, rng, watch):
        time.sleep(0.6)
        return gaussian(scene)


@dataclass(frozen=True)
class Careless(OneGaussian):
    """It takes points of any shape."""

    def fit(self, scene, rng, watch):
        whole = gaussian(scene)

        class Any(Plain):
            def log_density(self, points):
                return self.log_p(points[:, :2])

        return Any(whole.log_p, whole.draw)


@dataclass(frozen=True)
class Crashing(OneGaussian):
    """It divides by what may be nothing, and says so in nobody's words."""

    def fit(self, scene, rng, watch):
        points, _ = scene.points()
        assert len(points) > 10
        return gaussian(scene)


@dataclass(frozen=True)
class Writing(OneGaussian):
    """It writes into the scene."""

    def fit(self, scene, rng, watch):
        scene.values[0, 0] = 0.5
        return gaussian(scene)


@dataclass
class Thawed(OneGaussian.__base__):
    """A dataclass whose options can be changed behind one's back."""

    name = "thawed"
    views = ("ink",)

    def fit(self, scene, rng, watch):
        return gaussian(scene)


@pytest.mark.parametrize(
    ("model", "check", "fault"),
    [
        (Scaled, "integrates", "does not integrate to 1"),
        (OtherDraws, "sample", "do not follow"),
        (Peeking, "unseen", "held out from it"),
        (OnValidation, "unseen", "held out from it"),
        (GlobalRandom, "global state", "global random state"),
        (Restless, "deterministic", "differ"),
        (Column, "shapes", "log_density of (50, 2) has shape (50, 1)"),
        (NotANumber, "shapes", "NaN"),
        (OverABatch, "pointwise", "with the other points of the call"),
        (Talkative, "global state", "printed"),
        (Slow, "time", "took"),
        (Careless, "refusal", "accepts points of 3 columns"),
        (Crashing, "refusal", "AssertionError"),
        (Writing, "fit", "read-only"),
    ],
)
def test_a_broken_model_is_caught_by_the_check_that_names_its_fault(model, check, fault):
    found = check_model(model, seconds=0.5, raises=False)
    assert check in found.broken
    assert any(fault in f.fault for f in found.findings if f.fault and f.check == check)
    with pytest.raises(ContractBroken, match=check):
        check_model(model, seconds=0.5)


def test_a_thawed_dataclass_is_no_choice():
    Thawed.__dataclass_params__ = type("P", (), {"frozen": False})
    assert check_model(Thawed, raises=False).broken == ["dataclass"]


# Colour: the law of colours and the joint density must be two views of one thing.


@dataclass(frozen=True, eq=False)
class Joint(Density, Predictor):
    """x, y uniform over the box, colours one Gaussian whose mean slides with x."""

    box: tuple
    tilt: float
    claimed: float
    n_parameters = 3
    iterations = 1
    converged = True
    columns = ("x", "y", "r", "g", "b")
    width = 0.05

    def _mean(self, x, tilt):
        return 0.4 + tilt * x[:, :1] * np.ones(3)

    def log_density(self, points):
        if points.shape[1] != 5:
            raise ValueError("expected 5 columns")
        inside = ((points[:, :2] >= 0) & (points[:, :2] < self.box)).all(axis=1)
        q = ((points[:, 2:] - self._mean(points, self.tilt)) ** 2).sum(axis=1) / self.width**2
        with np.errstate(divide="ignore"):
            return np.log(inside / np.prod(self.box)) - 0.5 * q - 1.5 * np.log(2 * np.pi * self.width**2)

    def sample(self, n, rng):
        x = rng.random((n, 2)) * self.box
        return np.hstack((x, self._mean(x, self.tilt) + self.width * rng.standard_normal((n, 3))))

    def predict(self, coordinates):
        return self._mean(coordinates, self.claimed)

    def law(self, coordinates):
        n = len(coordinates)
        spread = self.width**2 * np.eye(3)[None, None]
        return Law(np.ones((n, 1)), self._mean(coordinates, self.claimed)[:, None], spread)


@dataclass(frozen=True)
class Coloured(Model):
    """Right or wrong about its own conditional."""

    name = "coloured"
    views = ("colour",)
    wrong: bool = False

    def fit(self, scene, rng, watch):
        return Joint(scene.lattice.box, 0.2, 0.3 if self.wrong else 0.2)


def test_marginal_times_conditional_is_the_joint():
    assert check_model(Coloured(), raises=False).broken == []
    found = check_model(Coloured(wrong=True), raises=False)
    assert found.broken == ["conditional"]
    assert "marginal times conditional" in str(found.findings)


# Renderers and images.


@dataclass(frozen=True)
class Grey(Renderer):
    """All of one grey."""

    name = "grey"
    needs = {"ink": ("log_ink",), "colour": ("predict",)}
    fault: str = ""

    def render(self, study, rng):
        if self.fault == "no picture":
            return None
        if self.fault == "restless":
            rng = np.random.default_rng()
        if self.fault == "prints":
            print("drawn")
        shade = rng.integers(256)
        return Picture(np.full((4, 5, 3), shade, np.uint8), "" if self.fault == "mute" else "Grey.")


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("", None),
        ("no picture", "picture"),
        ("restless", "deterministic"),
        ("prints", "global state"),
        ("mute", "picture"),
    ],
)
def test_renderers_are_checked(fault, check):
    found = check_render(Grey(fault), raises=False)
    assert found.broken == ([] if check is None else [check])


@pytest.mark.parametrize("name", list(registry.load().classes["render"]))
def test_the_built_in_renderers_keep_their_contract(name):
    check_render(registry.load().lookup("render", name))


@dataclass(frozen=True)
class Made(ImageSource):
    """Two pixels."""

    name = "made"
    fault: str = ""

    def load(self):
        values = np.array([[0.0, 1.0]])
        if self.fault == "range":
            values = 2 * values
        if self.fault == "restless":
            values = np.random.default_rng().random((1, 2))
        return Image("made", "ink", values, "0" if self.fault == "hash" else "0" * 64)


@pytest.mark.parametrize(
    ("fault", "check"), [("", None), ("range", "values"), ("restless", "deterministic"), ("hash", "values")]
)
def test_images_are_checked(fault, check):
    assert check_image(Made(fault), raises=False).broken == ([] if check is None else [check])


def test_the_built_in_images_keep_their_contract():
    import gmmbench

    for image in ("dog", "tiger", "horse"):
        check_image(gmmbench.compose(f"image={image}").image)
