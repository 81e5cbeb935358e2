"""Gradient-boosted trees as a model of pixels: no density, but P(ink | x, y) and E[r, g, b | x, y]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmbench import Fitted, Model, Predictor, Refused, Scene, Watch, hookimpl, knob


@dataclass(frozen=True)
class LightGBM(Model):
    """Boosted trees on the coordinates of a pixel (Ke et al. 2017), stopped early on validation pixels."""

    name = "lightgbm"
    views = ("ink", "colour")
    uses_validation = True

    trees: int = knob(300, "largest number of boosting rounds", low=1, high=100_000)
    leaves: int = knob(63, "leaves of a tree", low=2, high=131_072)
    rate: float = knob(0.1, "learning rate, the share of each tree that is taken", above=0, high=1)
    leaf_pixels: int = knob(5, "fewest pixels in a leaf", low=1)
    rotations: int = knob(4, "how many turned pairs of axes the trees may cut along", low=1, high=64)
    patience: int = knob(20, "stop after this many rounds without gain on validation pixels", low=1)

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """One booster for ink (cross-entropy), three for colour (squared error)."""
        where, values = scene.pixels()
        held, held_values = scene.validation()
        if not len(where):
            raise Refused("lightgbm: expected at least one training pixel, got none; try a larger image")
        channels = values if values.ndim == 2 else values[:, None]
        held_channels = held_values if held_values.ndim == 2 else held_values[:, None]
        seed = int(rng.integers(2**31))
        boosters = []
        stopped = []
        for channel in range(channels.shape[1]):
            booster, early = self._boost(
                "cross_entropy" if scene.view == "ink" else "regression",
                (_axes(where, self.rotations), channels[:, channel]),
                (_axes(held, self.rotations), held_channels[:, channel]),
                seed,
                watch,
            )
            boosters.append(booster)
            stopped.append(early)
        return Boosted(
            boosters=tuple(boosters),
            rotations=self.rotations,
            threads=watch.threads,
            n_parameters=None,
            iterations=sum(booster.num_trees() for booster in boosters),
            converged=all(stopped),
        )

    def _boost(
        self,
        objective: str,
        train: tuple[Any, Any],
        held: tuple[Any, Any],
        seed: int,
        watch: Watch,
    ) -> tuple[Any, bool]:
        """A booster cut back to its best round, and whether it stopped before the last."""
        lightgbm = _library()
        parameters = {
            "objective": objective,
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": self.leaf_pixels,
            "max_bin": 1023,  # 255, the default, would blur the coordinates of an image of 1000 pixels
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": watch.threads,
            "verbosity": -1,
        }
        callbacks = [lambda env: watch(env.iteration + 1)]
        validation = []
        data = lightgbm.Dataset(train[0], train[1], params=parameters, free_raw_data=False)
        if len(held[0]):
            validation = [lightgbm.Dataset(held[0], held[1], reference=data, free_raw_data=False)]
            callbacks.append(lightgbm.early_stopping(self.patience, verbose=False))
        booster = lightgbm.train(
            parameters, data, num_boost_round=self.trees, valid_sets=validation, callbacks=callbacks
        )
        early = 0 < booster.best_iteration < self.trees
        if early:
            text = booster.model_to_string(num_iteration=booster.best_iteration)
            booster = lightgbm.Booster(model_str=text)
        return booster, early


@dataclass(frozen=True, eq=False)
class Boosted(Predictor):
    """Fitted boosters: one gives P(ink), three give E[r, g, b]."""

    boosters: tuple[Any, ...]
    rotations: int
    threads: int
    n_parameters: int | None
    iterations: int
    converged: bool

    def predict(self, coordinates: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """P(ink) (n,) or E[r, g, b] (n, 3) in 0..1 at coordinates (n, 2)."""
        axes = _axes(coordinates, self.rotations)
        answers = [np.asarray(one.predict(axes, num_threads=self.threads)) for one in self.boosters]
        if len(answers) == 1:
            return answers[0]
        return np.clip(np.column_stack(answers), 0.0, 1.0)


def _library() -> Any:
    """LightGBM, which needs a system library that pip cannot bring."""
    try:
        import lightgbm
    except OSError as error:
        raise Refused(
            f"model=lightgbm: expected the system's OpenMP library, got '{error}'; "
            "try apt-get install libgomp1 (macOS: brew install libomp)"
        ) from error
    return lightgbm


def _axes(coordinates: np.ndarray[Any, Any], rotations: int) -> np.ndarray[Any, Any]:
    """Coordinates (n, 2) along turned axes (n, 2 * rotations), for trees cut along axes only."""
    angles = np.arange(rotations) * (np.pi / 2 / rotations)
    directions = np.concatenate((angles, angles + np.pi / 2))
    return coordinates @ np.vstack((np.cos(directions), np.sin(directions)))


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [LightGBM]
