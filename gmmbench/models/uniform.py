"""The uniform distribution over the box: the baseline from which information gains are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Density, Fitted, Floats, Model, Predictor, Scene, Watch, hookimpl


@dataclass(frozen=True)
class Uniform(Model):
    """A constant density over the image's box, and over all colours or levels in 0..1."""

    name = "uniform"
    views = ("ink", "colour", "levels")

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Read the box; there is nothing to learn."""
        width, height = scene.lattice.box
        extent = {"x": width, "y": height}
        sides = np.array([extent.get(column, 1.0) for column in scene.columns])
        watch(1)
        kind = FlatColour if scene.view == "colour" else Flat
        return kind(scene.columns, sides)


@dataclass(frozen=True, eq=False)
class Flat(Density):
    """p(z) = 1 / volume in the box from 0 to `sides` (d,), 0 outside."""

    columns: tuple[str, ...]
    sides: Floats
    n_parameters: int = 0
    iterations: int = 1
    converged: bool = True

    def log_density(self, points: Floats) -> Floats:
        """-log volume inside the box, -inf outside: (n,)."""
        points = self.checked(points)
        inside = ((points >= 0) & (points <= self.sides)).all(axis=1)
        return np.where(inside, -np.log(self.sides).sum(), -np.inf)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n samples (n, d)."""
        return rng.random((n, len(self.sides))) * self.sides

    def mean(self) -> Floats:
        """The middle of the box (d,)."""
        return self.sides / 2

    def save(self) -> tuple[Mapping[str, Floats], Mapping[str, Any]]:
        """The box."""
        return {"sides": self.sides}, {"columns": self.columns}

    @classmethod
    def load(cls, arrays: Mapping[str, Floats], facts: Mapping[str, Any]) -> Flat:
        """The same box."""
        return cls(tuple(facts["columns"]), arrays["sides"])


@dataclass(frozen=True, eq=False)
class FlatColour(Flat, Predictor):
    """The same over x, y, r, g, b: all colours are equally likely at every pixel."""

    def predict(self, coordinates: Floats) -> Floats:
        """Middle grey for each of n coordinates: (n, 3)."""
        return np.full((len(coordinates), 3), 0.5)

    def log_predictive(self, coordinates: Floats, colours: Floats) -> Floats:
        """0 in the cube [0, 1]^3, -inf outside: (n,)."""
        return np.where(((colours >= 0) & (colours <= 1)).all(axis=1), 0.0, -np.inf)

    def log_cube_mass(self, coordinates: Floats) -> Floats:
        """0: there is no mass outside the cube: (n,)."""
        return np.zeros(len(coordinates))


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [Uniform]
