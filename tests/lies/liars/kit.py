"""What lies are made of: small images, honest fits that are maps of pixels, and the honest model."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from gmmbench import Density, Image, ImageSource, Lattice, Law, Model, Predictor

HEIGHT, WIDTH = 24, 28
LEAST = 1e-3


def image(view="ink"):
    """A disc and a stroke, or a shaded disc in colour, or two heaps of grey levels."""
    rng = np.random.default_rng(4)
    if view == "colour":
        y, x = np.mgrid[:14, :16]
        ramp = np.stack((60 + 6 * x, 200 - 6 * y, 90 + x + y), axis=2).astype(np.float64)
        ramp[np.hypot(x - 10, y - 5) < 4] = [200, 60, 50]
        ramp += rng.normal(0, 6, ramp.shape)
        return Image("small colour", view, np.rint(np.clip(ramp, 0, 255)).astype(np.uint8), "4" * 64)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    disc = np.hypot(x - 17, y - 9) < 6
    if view == "ink":
        ink = (disc | (np.abs(x - 1.2 * y) < 2)) ^ (rng.random((HEIGHT, WIDTH)) < 0.1)
        return Image("small ink", view, ink.astype(np.float64), "4" * 64)
    levels = np.where(rng.random((HEIGHT, WIDTH)) < 0.6, 80, 170) + rng.normal(0, 12, (HEIGHT, WIDTH))
    return Image("small levels", view, np.rint(levels).astype(np.uint8), "4" * 64)


@dataclass(frozen=True)
class Given(ImageSource):
    """A small image as a source."""

    name = "given"
    view: str = "ink"

    def load(self):
        return image(self.view)


def smooth(values, width=1.0):
    """Values (H, W) or (H, W, 3) with NaN, as weighted means of the seen pixels around each pixel."""
    seen = ~np.isnan(values)
    sigma = (width, width) + (0,) * (values.ndim - 2)
    total = gaussian_filter(np.where(seen, values, 0.0), sigma, mode="constant")
    weight = gaussian_filter(seen.astype(np.float64), sigma, mode="constant")
    return total / np.maximum(weight, 1e-12)


@dataclass(frozen=True, eq=False)
class Map:
    """A fit that is a map over the pixels of a lattice."""

    lattice: Lattice
    values: np.ndarray
    n_parameters = None
    iterations = 1
    converged = True

    def at(self, points):
        """The values at points (n, 2), and whether these lie in the box."""
        column, row = np.floor(points[:, :2] / self.lattice.cell).astype(int).T
        inside = (column >= 0) & (column < self.lattice.width) & (row >= 0) & (row < self.lattice.height)
        return self.values[np.where(inside, row, 0), np.where(inside, column, 0)], inside

    def save(self):
        return {"values": self.values}, {"shape": self.lattice.shape}

    @classmethod
    def load(cls, arrays, facts):
        return cls(Lattice(*facts["shape"]), np.array(arrays["values"]))


@dataclass(frozen=True, eq=False)
class Cells(Map, Density):
    """A density over x, y, constant on every pixel: `values` are masses (H, W)."""

    columns = ("x", "y")

    def log_density(self, points):
        points = self.checked(points)
        masses, inside = self.at(points)
        with np.errstate(divide="ignore"):
            return np.log(np.where(inside, masses, 0.0) / self.lattice.cell**2)

    def sample(self, n, rng):
        chosen = rng.choice(self.lattice.size, size=n, p=self.values.ravel() / self.values.sum())
        corners = self.lattice.coordinates(chosen) - self.lattice.cell / 2
        return corners + self.lattice.cell * rng.random((n, 2))


@dataclass(frozen=True, eq=False)
class Chances(Map, Predictor):
    """A classifier: `values` are probabilities of ink (H, W)."""

    def predict(self, coordinates):
        return self.at(coordinates)[0]


@dataclass(frozen=True, eq=False)
class Colours(Map, Predictor):
    """A regressor whose predictive distribution is one Gaussian: `values` are means (H, W, 3) in 0..1."""

    spread = 0.04

    def predict(self, coordinates):
        return np.clip(self.at(coordinates)[0], 0, 1)

    def law(self, coordinates):
        n = len(coordinates)
        covariances = np.broadcast_to(self.spread**2 * np.eye(3), (n, 1, 3, 3))
        return Law(np.ones((n, 1)), self.predict(coordinates)[:, None], covariances)


def masses(chances):
    """Masses that sum to 1 from chances of ink."""
    return chances / chances.sum()


def chances(scene):
    """What an honest model expects of the ink: the mean of the seen pixels around each."""
    return np.clip(smooth(scene.values), LEAST, 1 - LEAST)


@dataclass(frozen=True)
class Honest(Model):
    """The honest model that others are measured by; a lie overrides `fit` or `density`."""

    name = "honest"
    views = ("ink",)
    density = Cells

    def fit(self, scene, rng, watch):
        return self.density(scene.lattice, masses(chances(scene)))


@dataclass(frozen=True)
class HonestClassifier(Model):
    """The same knowledge as a classifier."""

    name = "honest_classifier"
    views = ("ink",)
    classifier = Chances

    def fit(self, scene, rng, watch):
        return self.classifier(scene.lattice, chances(scene))


@dataclass(frozen=True)
class HonestColours(Model):
    """The mean of the seen colours around each pixel, and one spread for all."""

    name = "honest_colours"
    views = ("colour",)
    regressor = Colours

    def fit(self, scene, rng, watch):
        return self.regressor(scene.lattice, smooth(scene.values))
