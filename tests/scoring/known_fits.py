"""Fits that nobody fitted, for scores whose truth is known."""

from dataclasses import dataclass, field

import numpy as np

from gmmbench import Density, Image, Lattice, Predictor, Split
from gmmbench.scoring.score import score


@dataclass(frozen=True, eq=False)
class Cells(Density):
    """A density, constant on every cell of a lattice, of masses (H, W); it claims `times` as much."""

    lattice: Lattice
    masses: np.ndarray
    times: float = 1.0
    columns = ("x", "y")
    n_parameters = 0
    iterations = 1
    converged = True

    def log_density(self, points):
        column, row = np.floor(points / self.lattice.cell).astype(int).T
        inside = (column >= 0) & (column < self.lattice.width) & (row >= 0) & (row < self.lattice.height)
        found = np.zeros(len(points))
        found[inside] = self.masses[row[inside], column[inside]] * self.times / self.lattice.cell**2
        with np.errstate(divide="ignore"):
            return np.log(found)

    def sample(self, n, rng):
        chosen = rng.choice(self.lattice.size, size=n, p=self.masses.ravel() / self.masses.sum())
        corners = self.lattice.coordinates(chosen) - self.lattice.cell / 2
        return corners + self.lattice.cell * rng.random((n, 2))


@dataclass(frozen=True, eq=False)
class Chances(Predictor):
    """A classifier that says for each pixel of a lattice what it is told to say."""

    lattice: Lattice
    chances: np.ndarray
    n_parameters = None
    iterations = 1
    converged = True

    def predict(self, coordinates):
        column, row = np.floor(coordinates / self.lattice.cell).astype(int).T
        return self.chances[row, column]


@dataclass(frozen=True, eq=False)
class Written(Density):
    """A density over x, y written down as functions."""

    log_p: object
    draw: object
    columns: tuple = field(default=("x", "y"))
    n_parameters = 0
    iterations = 1
    converged = True

    def log_density(self, points):
        return self.log_p(points)

    def sample(self, n, rng):
        return self.draw(n, rng)


def ink_image(values, name="test"):
    return Image(name, "ink", np.asarray(values, dtype=float), "0" * 64)


def scored(fitted, image, seed=0, hold_out=0.2, **more):
    split = Split.draw(image.lattice, seed, hold_out, **more)
    return score(fitted, image, split, np.random.default_rng(seed)), split
