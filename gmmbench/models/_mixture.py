"""What the Gaussian mixtures share: their common options, and how a scene becomes the arguments of a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gmmbench import Fitted, Floats, Model, Refused, Scene, Watch, mixture_fitted, mixture_watch, option
from gmmbench.mixture import COVARIANCES, ENGINES, INITS, TooManyComponents

if TYPE_CHECKING:
    from gmmbench.mixture import Fit

F = TypeVar("F", bound="Fit")


def components_option(default: int, help: str) -> Any:
    """The option for the number of Gaussians."""
    return option(default, help, low=1, high=1_000_000)


def init_option(default: str) -> Any:
    """The option for the initialization."""
    return option(default, "how the first components are chosen", choices=INITS, formerly=("start",))


@dataclass(frozen=True)
class MixtureModel(Model):
    """A mixture of Gaussians over the points of an image.

    A pixel is a square and a level is an interval, so every fit gets the variance of a cell, side^2 / 12, as
    its covariance floor (Sheppard 1898): no component can collapse between pixels.
    """

    views = ("ink", "colour", "levels")

    components: int = components_option(100, "number of Gaussians K")
    covariance: str = option("full", "shape of a Gaussian", choices=tuple(COVARIANCES))
    init: str = init_option("kmeans")
    tolerance: float = option(1e-3, "stop when the bound gains less than this, nats per point", low=0)
    iterations: int = option(100, "largest number of iterations", low=1)
    engine: str = option("fast", "our own kernels, or scikit-learn's as a reference", choices=ENGINES)
    missing: str = option(
        "auto",
        "ink in holes: fill in what is expected, ignore, or fill holes of more than a pixel",
        choices=("auto", "fill", "ignore"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.missing == "fill" and self.engine == "sklearn":
            raise Refused("missing: expected auto or ignore with engine=sklearn, got fill; try ignore")

    def _run(
        self, fit: Callable[..., F], scene: Scene, rng: np.random.Generator, watch: Watch, **options: Any
    ) -> F:
        """Fit the points of a scene. Raises Refused if they have fewer distinct points than components."""
        points, weights = scene.points()
        holes = self._holes(scene)
        try:
            return fit(
                points,
                weights,
                components=self.components,
                covariance=self.covariance,
                init=self.init,
                tolerance=self.tolerance,
                iterations=self.iterations,
                covariance_floor=scene.cells**2 / 12,
                rng=rng,
                watch=mixture_watch(watch, scene.columns),
                engine=self.engine,
                threads=watch.threads,
                missing=(holes, scene.lattice.cell**2) if len(holes) else None,
                **options,
            )
        except TooManyComponents as error:
            raise Refused(f"model.components: {error}") from error

    def _fitted(self, found: Fit, scene: Scene, **facts: Any) -> Fitted:
        """What the model returns: the mixture, with the facts that the report shows."""
        return mixture_fitted(
            found.mixture,
            scene.columns,
            n_parameters=found.n_parameters,
            iterations=found.iterations,
            converged=found.converged,
            compile_seconds=found.compile_seconds,
            **facts,
            pixels_filled_in=len(self._holes(scene)),
        )

    def _holes(self, scene: Scene) -> Floats:
        """The pixels (m, 2) to fill in. In other views than ink, points are not counted but described."""
        auto = self.missing == "auto" and scene.block > 1 and self.engine == "fast"
        fill = self.missing == "fill" or auto
        return scene.hidden() if fill and scene.view == "ink" else np.empty((0, 2))
