"""A mixture of experts: a Gaussian mixture fitted to the colours given the place, for sharp pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Fitted, Floats, Law, Model, Predictor, Refused, Scene, Watch, hookimpl, option

if TYPE_CHECKING:
    from gmmbench.mixture import Mixture

SHARE = 1e-7
"""Experts with a smaller share than this of a pixel are left out of its law."""

MOST = 1 << 22
"""Numbers of a pixels-by-experts array that are held at once."""


@dataclass(frozen=True)
class Experts(Model):
    """A mixture of linear experts under Gaussian gates (Jacobs et al. 1991; Xu, Jordan and Hinton 1995).

    It has the form of a Gaussian mixture's p(r, g, b | x, y), but is fitted to the colours given the place: a
    joint mixture spends components on where the pixels are, which is known. It is no density of the pixels'
    places. A fit with `seconds` depends on the speed of the machine.
    """

    name = "experts"
    views = ("colour",)
    uses_validation = True

    components: int = option(1000, "number of experts K", low=1, high=1_000_000)
    objective: str = option(
        "squared_error",
        "what is made small: squared error (sharp pictures) or -log p(r, g, b | x, y)",
        choices=("squared_error", "likelihood"),
    )
    steps: int = option(1000, "steps of the descent", low=1, high=10_000_000)
    seconds: float | None = option(
        None, "end the descent after about so many (null: after the steps)", above=0
    )

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Fit by EM and descent; pixels for validation say which step was best.

        Raises:
            Refused: fewer distinct pixels than experts.
        """
        from gmmbench.mixture import TooManyComponents, fit_experts

        where, colours = scene.pixels()

        def tell(step: int, loss: float, snapshot: Callable[[], Mixture]) -> None:
            watch(step + 1, -loss, lambda: FittedExperts(snapshot(), None, step + 1, False))

        try:
            found = fit_experts(
                where,
                colours,
                components=self.components,
                objective=self.objective,
                steps=self.steps,
                seconds=self.seconds,
                covariance_floor=scene.cells**2 / 12,
                validation=scene.validation(),
                rng=rng,
                watch=tell,
                threads=watch.threads,
            )
        except TooManyComponents as error:
            raise Refused(f"model.components: {error}") from error
        return FittedExperts(
            found.mixture,
            found.n_parameters,
            found.steps,
            True,
            found.compile_seconds,
            {"moved": found.moved},
        )


FACTS = ("n_parameters", "iterations", "converged", "compile_seconds")


@dataclass(frozen=True, eq=False)
class FittedExperts(Predictor):
    """Experts for r, g, b given x, y, as a mixture over all five: only its conditional was fitted."""

    mixture: Mixture
    n_parameters: int | None
    iterations: int
    converged: bool
    compile_seconds: float = 0.0
    more: Mapping[str, Any] | None = None

    def predict(self, coordinates: Floats) -> Floats:
        """E[r, g, b | x, y] at coordinates (n, 2): (n, 3) in 0..1."""
        return np.clip(self.mixture.conditional_mean((0, 1), coordinates), 0.0, 1.0)

    def law(self, coordinates: Floats) -> Law:
        """The experts with a share in each of the pixels at coordinates (n, 2), the greatest first."""
        rows = max(1, MOST // self.mixture.n_components)
        parts = [self._law(coordinates[at : at + rows]) for at in range(0, max(len(coordinates), 1), rows)]
        most = max(part.weights.shape[1] for part in parts)
        weights, means, covariances = (
            np.concatenate([_wider(getattr(part, name), most) for part in parts])
            for name in ("weights", "means", "covariances")
        )
        return Law(weights, means, covariances)

    def _law(self, coordinates: Floats) -> Law:
        given = self.mixture.condition((0, 1), coordinates)
        shares = np.where(given.weights > SHARE, given.weights, 0.0)  # of each pixel, whatever else is asked
        count = int((shares > 0).sum(axis=1).max(initial=1))
        first = np.argsort(-shares, axis=1, kind="stable")[:, :count]
        weights = np.take_along_axis(shares, first, axis=1)
        return Law(
            weights / weights.sum(axis=1, keepdims=True),
            np.take_along_axis(given.means, first[:, :, None], axis=1),
            given.covariances[first],
        )

    def facts(self) -> Mapping[str, Any]:
        """The number of experts, and how often one was put elsewhere."""
        return {"components": self.mixture.n_components, **(self.more or {})}

    def save(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]:
        """The parameters of the mixture."""
        arrays = {name: getattr(self.mixture, name) for name in ("weights", "means", "covariances")}
        return arrays, {"more": self.more, **{key: getattr(self, key) for key in FACTS}}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> FittedExperts:
        """The same experts."""
        from gmmbench.mixture import Mixture

        mixture = Mixture(arrays["weights"], arrays["means"], arrays["covariances"])
        return cls(mixture, more=facts["more"], **{key: facts[key] for key in FACTS})


def _wider(array: Floats, most: int) -> Floats:
    """An array (n, m, ...) with as many as `most` in its second axis: copies of its last, of weight 0."""
    missing = most - array.shape[1]
    if array.ndim == 2:
        return np.pad(array, ((0, 0), (0, missing)))
    return np.concatenate((array, np.repeat(array[:, -1:], missing, axis=1)), axis=1)


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [Experts]
