"""A Gaussian mixture as a `Fitted`: a density, and for colour also a predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .api import COLUMNS, Density, Fitted, Floats, Lattice, Predictor, Watch

if TYPE_CHECKING:
    from .mixture import CellMasses, LogMasses, Mixture, StudentMixture

PARAMETERS = ("weights", "means", "covariances")
PREDICTIVE = ("predictive.weights", "predictive.means", "predictive.scales", "predictive.degrees")
KEPT = ("columns", "n_parameters", "iterations", "converged", "compile_seconds", "more")
"""What is saved of a fit: arrays of the mixture, arrays of its predictive distribution, facts."""


@dataclass(frozen=True, eq=False)
class MixtureDensity(Density):
    """A mixture over the columns of a view.

    Scores and pictures use `density`: the mixture itself or, for a Bayesian one, the posterior predictive
    distribution; `mixture` then holds its Gaussians for pictures of components.
    """

    mixture: Mixture
    columns: tuple[str, ...]
    n_parameters: int | None
    iterations: int
    converged: bool
    compile_seconds: float = 0.0
    predictive: StudentMixture | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def density(self) -> Mixture | StudentMixture:
        """The density that is scored and drawn."""
        return self.mixture if self.predictive is None else self.predictive

    def log_density(self, points: Floats) -> Floats:
        """log p in nats at points (n, d): (n,)."""
        return self.density.log_density(points)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n samples: (n, d)."""
        return self.density.sample(n, rng)

    def mean(self) -> Floats:
        """E[x] (d,)."""
        return self.density.mean()

    def cell_masses(self, lattice: Lattice) -> Floats:
        """The mass of a density over x, y in each cell of a lattice: (H, W)."""
        from .mixture.integrals.cell_masses import cell_masses

        return cell_masses(self.density, *lattice.shape, lattice.cell)

    def estimated_cell_masses(self, lattice: Lattice) -> CellMasses:
        """The same with estimates of their errors."""
        from .mixture.integrals.cell_masses import estimated_cell_masses

        return estimated_cell_masses(self.density, *lattice.shape, lattice.cell)

    def level_masses(self, levels: int) -> Floats:
        """The mass of a density over one column in each of `levels` equal cells of 0..1: (levels,)."""
        from .mixture.integrals.cell_masses import level_masses

        return level_masses(self.density, levels)

    def facts(self) -> Mapping[str, Any]:
        """The number of components, and the numbers that the model adds."""
        return {"components": self.mixture.n_components, **self.more}

    def save(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]:
        """The parameters of the mixture and of the predictive distribution."""
        names = PARAMETERS if self.predictive is None else (*PARAMETERS, *PREDICTIVE)
        arrays = {name: getattr(self.mixture, name) for name in PARAMETERS}
        facts = {key: getattr(self, key) for key in KEPT}
        if self.predictive is not None:
            arrays |= {name: getattr(self.predictive, name.partition(".")[2]) for name in PREDICTIVE}
            facts["independent"] = self.predictive.independent
        return {name: arrays[name] for name in names}, facts

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> MixtureDensity:
        """The same mixture, to the last bit."""
        from .mixture import Mixture, StudentMixture

        predictive = None
        if "independent" in facts:
            weights, means, scales, degrees = (arrays[name] for name in PREDICTIVE)
            predictive = StudentMixture(weights, means, scales, degrees, facts["independent"])
        mixture = Mixture(*(arrays[name] for name in PARAMETERS))
        object.__setattr__(
            mixture, "weights", arrays["weights"]
        )  # dividing by their sum again would round them
        mixture.weights.flags.writeable = False
        told = {key: facts[key] for key in KEPT}
        return cls(mixture, predictive=predictive, **{**told, "columns": tuple(told["columns"])})


@dataclass(frozen=True, eq=False)
class ColourMixture(MixtureDensity, Predictor):
    """A mixture over x, y, r, g, b, which also predicts E[r, g, b | x, y] by conditioning."""

    def predict(self, coordinates: Floats) -> Floats:
        """E[r, g, b | x, y] at coordinates (n, 2): (n, 3) in 0..1."""
        return np.clip(self.density.conditional_mean((0, 1), coordinates), 0.0, 1.0)

    def colour_masses(self, coordinates: Floats, colours: Floats, side: float) -> LogMasses:
        """The log masses of p(r, g, b | x, y) in the cell around each colour and in the cube, with errors."""
        from .mixture.integrals.colour_masses import colour_masses

        return colour_masses(self.density, coordinates, colours, side)

    def position(self) -> Mixture | StudentMixture:
        """p(x, y) alone."""
        return self.density.marginal((0, 1))


def mixture_fitted(
    mixture: Mixture,
    columns: tuple[str, ...],
    *,
    n_parameters: int | None,
    iterations: int,
    converged: bool,
    compile_seconds: float = 0.0,
    predictive: StudentMixture | None = None,
    **more: Any,
) -> Fitted:
    """The `Fitted` of a mixture over the columns of a view.

    Args:
        mixture: over the columns.
        columns: of the view (`scene.columns`).
        predictive: the posterior predictive distribution, which is then the density; None if there is none.
        more: further numbers for the report.
    """
    kind = ColourMixture if columns == COLUMNS["colour"] else MixtureDensity
    return kind(mixture, columns, n_parameters, iterations, converged, compile_seconds, predictive, more)


def mixture_watch(watch: Watch, columns: tuple[str, ...]) -> Callable[..., None]:
    """A function that passes the iterations of the mixture engine on to a `Watch`."""

    def tell(iteration: int, bound: float | None, snapshot: Callable[[], Mixture] | None = None) -> None:
        def fitted() -> Fitted:
            assert snapshot is not None
            return mixture_fitted(
                snapshot(), columns, n_parameters=None, iterations=iteration, converged=False
            )

        watch(iteration, bound, fitted if snapshot is not None else None)

    return tell
