"""Small fits whose truth is known, for the tests of renderers."""

from dataclasses import dataclass

import numpy as np

from gmmbench import Image, Predictor, Split, Study, mixture_fitted, registry
from gmmbench.api import COLUMNS
from gmmbench.mixture import Mixture

SIDE = 48


def renderer(name, **options):
    return registry.load().lookup("render", name)(**options)


def draw(name, what, seed=0, **options):
    made = renderer(name, **options)
    assert made.cannot(what) is None
    return made.render(what, np.random.default_rng(seed))


def fitted(mixture, view):
    return mixture_fitted(mixture, COLUMNS[view], n_parameters=5, iterations=1, converged=True)


def study(fit, view="ink", values=None, height=SIDE, width=SIDE, hold_out=0.2):
    if values is None:
        shape = (height, width, 3) if view == "colour" else (height, width)
        values = np.random.default_rng(0).integers(0, 2 if view == "ink" else 256, shape)
    image = Image("made", view, values.astype(float if view == "ink" else np.uint8), "0" * 64)
    return Study(image, Split.draw(image.lattice, 0, hold_out), fit)


def blob(centre=(0.25, 0.15), spread=(0.004, 0.002)):
    """A study whose ink and fit lie at one place."""
    m = Mixture([1.0], [centre], [np.diag(spread)])
    values = np.exp(m.log_density(study(None).image.lattice.centres())).reshape(SIDE, SIDE)
    return study(fitted(m, "ink"), values=values / values.max())


def colour_mixture(components=6, seed=0):
    """A mixture over x, y, r, g, b with correlations."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(components, 5, 5)) * [[0.2], [0.2], [0.08], [0.08], [0.08]]
    covariances = factors @ np.swapaxes(factors, 1, 2) + 1e-4 * np.eye(5)
    return Mixture(rng.random(components) + 0.1, rng.random((components, 5)), covariances)


def grey_mixture():
    return Mixture([0.3, 0.7], [[0.3], [0.7]], [[[0.002]], [[0.006]]])


@dataclass(frozen=True, eq=False)
class Ramp(Predictor):
    """P(ink) = x, or the colour (x, y, 1/2): a fit that knows no law of colour."""

    colour: bool
    n_parameters: int | None = None
    iterations: int = 1
    converged: bool = True

    def predict(self, coordinates):
        if self.colour:
            return np.column_stack((coordinates, np.full(len(coordinates), 0.5)))
        return coordinates[:, 0]


def darkness(picture):
    pixels = getattr(picture, "pixels", picture)
    return 1 - pixels.mean(axis=2) / 255
