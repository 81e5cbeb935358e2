"""A Gaussian mixture as what a model's `fit` returns: a density, and for colour a predictor as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .api import COLUMNS, Density, Fitted, Floats, Predictor, Watch

if TYPE_CHECKING:
    from .mixture import Mixture


@dataclass(frozen=True, eq=False)
class MixtureDensity(Density):
    """A mixture over the columns of a view."""

    mixture: Mixture
    columns: tuple[str, ...]
    n_parameters: int | None
    iterations: int
    converged: bool
    compile_seconds: float = 0.0
    more: Mapping[str, Any] = field(default_factory=dict)

    def log_density(self, points: Floats) -> Floats:
        """log p in nats at points (n, d): (n,)."""
        return self.mixture.log_density(points)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n draws (n, d)."""
        return self.mixture.sample(n, rng)

    def mean(self) -> Floats:
        """E[x] (d,)."""
        return self.mixture.mean()

    def facts(self) -> Mapping[str, Any]:
        """The number of components, and what the model has added."""
        return {"components": self.mixture.n_components, **self.more}


@dataclass(frozen=True, eq=False)
class ColourMixture(MixtureDensity, Predictor):
    """A mixture over x, y, r, g, b, which also answers E[r, g, b | x, y] by conditioning."""

    def predict(self, coordinates: Floats) -> Floats:
        """E[r, g, b | x, y] at coordinates (n, 2): (n, 3) in 0..1."""
        return np.clip(self.mixture.conditional_mean((0, 1), coordinates), 0.0, 1.0)


def mixture_fitted(
    mixture: Mixture,
    columns: tuple[str, ...],
    *,
    n_parameters: int | None,
    iterations: int,
    converged: bool,
    compile_seconds: float = 0.0,
    **more: Any,
) -> Fitted:
    """A mixture fitted to `scene.columns`, as the Fitted of that view; `more` goes to the report."""
    kind = ColourMixture if columns == COLUMNS["colour"] else MixtureDensity
    return kind(mixture, columns, n_parameters, iterations, converged, compile_seconds, more)


def mixture_watch(watch: Watch, columns: tuple[str, ...]) -> Callable[..., None]:
    """What the mixture engine tells of its iterations, as a Watch wants to hear it."""

    def tell(iteration: int, bound: float | None, snapshot: Callable[[], Mixture] | None = None) -> None:
        def fitted() -> Fitted:
            assert snapshot is not None
            return mixture_fitted(
                snapshot(), columns, n_parameters=None, iterations=iteration, converged=False
            )

        watch(iteration, bound, fitted if snapshot is not None else None)

    return tell
