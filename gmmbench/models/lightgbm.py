"""Gradient-boosted trees as a model of pixels: no density, but P(ink | x, y) and a law of r, g, b | x, y."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Fitted, Floats, Law, Model, Predictor, Refused, Scene, Watch, hookimpl, option

from .residual_law import ResidualLaw


@dataclass(frozen=True)
class LightGBM(Model):
    """Boosted trees on the coordinates of a pixel (Ke et al. 2017), stopped early on validation pixels.

    Of colour it foretells a law, not a value: a mixture around the prediction, learnt from residuals out of
    fold, as pixels held out will have them; the folds are squares as large as the holes.
    """

    name = "lightgbm"
    views = ("ink", "colour")
    uses_validation = True

    trees: int = option(300, "largest number of boosting rounds", low=1, high=100_000)
    leaves: int = option(127, "leaves of a tree", low=2, high=131_072)
    rate: float = option(0.1, "learning rate, the share of each tree that is taken", above=0, high=1)
    leaf_pixels: int = option(5, "fewest pixels in a leaf", low=1)
    rotations: int = option(4, "how many turned pairs of axes the trees may cut along", low=1, high=64)
    patience: int = option(20, "stop after this many rounds without gain on validation pixels", low=1)
    law: str = option(
        "local",
        "law of colours: covariances of the residuals near by, or one mixture for all pixels",
        choices=("local", "residuals"),
    )
    neighbours: int = option(12, "pixels whose residuals make a local covariance", low=1, high=1000)
    folds: int = option(3, "folds for the residuals of colours", low=2, high=100)

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """One booster for ink (cross-entropy); of colour three (squared error), and as many for each fold."""
        where, values = scene.pixels()
        if not len(where):
            raise Refused("lightgbm: expected at least one training pixel, got none; try a larger image")
        held, held_values = scene.validation()
        objective = "cross_entropy" if scene.view == "ink" else "regression"
        rounds = _Rounds(self, objective, int(rng.integers(2**31)), watch)
        axes, held_axes = _axes(where, self.rotations), _axes(held, self.rotations)
        channels, held_channels = (v if v.ndim == 2 else v[:, None] for v in (values, held_values))
        boosters = tuple(
            rounds.stopped((axes, channels[:, channel]), (held_axes, held_channels[:, channel]))
            for channel in range(channels.shape[1])
        )
        law = None
        if scene.view == "colour":
            residuals = channels - self._out_of_fold(scene, axes, channels, boosters, rounds, rng)
            law = ResidualLaw.learn(
                where,
                residuals,
                (held, held_values - _predicted(boosters, held_axes, watch.threads)),
                neighbours=self.neighbours if self.law == "local" else 0,
                floor=float(scene.cells[-1] ** 2 / 12),
                rng=rng,
                threads=watch.threads,
            )
        return Boosted(
            boosters=boosters,
            rotations=self.rotations,
            threads=watch.threads,
            residuals=law,
            n_parameters=None,
            iterations=sum(booster.num_trees() for booster in boosters),
            converged=all(booster.num_trees() < self.trees for booster in boosters),
            compile_seconds=law.compile_seconds if law else 0.0,
        )

    def _out_of_fold(
        self,
        scene: Scene,
        axes: Floats,
        values: Floats,
        boosters: tuple[Any, ...],
        rounds: _Rounds,
        rng: np.random.Generator,
    ) -> Floats:
        """Each training pixel's colour (n, 3) as predicted from the other folds, in as many rounds."""
        pixel = np.floor(scene.pixels()[0] / scene.lattice.cell) // scene.block
        squares, square = np.unique(pixel, axis=0, return_inverse=True)
        fold = (rng.permutation(len(squares)) % self.folds)[square.ravel()]
        answers = np.full(values.shape, 0.5)  # grey, where there is nothing to learn from
        for number in range(self.folds):
            out = fold == number
            if not out.any() or out.all():
                continue
            apart = tuple(
                rounds.plain((axes[~out], values[~out, channel]), booster.num_trees())
                for channel, booster in enumerate(boosters)
            )
            answers[out] = _predicted(apart, axes[out], rounds.watch.threads)
        return answers


class _Rounds:
    """Boosting with a model's options; it counts rounds over all the boosters of a fit."""

    def __init__(self, model: LightGBM, objective: str, seed: int, watch: Watch) -> None:
        self.library, self.watch, self.model = _library(), watch, model
        self.done = 0
        self.parameters = {
            "objective": objective,
            "num_leaves": model.leaves,
            "learning_rate": model.rate,
            "min_data_in_leaf": model.leaf_pixels,
            "max_bin": 1023,  # 255, the default, would blur the coordinates of an image of 1000 pixels
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": watch.threads,
            "verbosity": -1,
        }

    def plain(self, train: tuple[Floats, Floats], trees: int) -> Any:
        """A booster of so many rounds."""
        return self._train(self._data(train), trees)

    def stopped(self, train: tuple[Floats, Floats], held: tuple[Floats, Floats]) -> Any:
        """A booster cut back to its best round on held pixels, if there are any."""
        data = self._data(train)
        if not len(held[0]):
            return self._train(data, self.model.trees)
        stop = self.library.early_stopping(self.model.patience, verbose=False)
        against = self.library.Dataset(*held, reference=data, free_raw_data=False)
        booster = self._train(data, self.model.trees, valid_sets=[against], callbacks=[stop])
        if not 0 < booster.best_iteration < booster.num_trees():
            return booster
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        return self.library.Booster(model_str=text)

    def _data(self, train: tuple[Floats, Floats]) -> Any:
        return self.library.Dataset(*train, params=self.parameters, free_raw_data=False)

    def _train(self, data: Any, trees: int, callbacks: Sequence[Any] = (), **more: Any) -> Any:
        def tell(env: Any) -> None:
            self.done += 1
            self.watch(self.done)

        return self.library.train(
            self.parameters, data, num_boost_round=trees, callbacks=[tell, *callbacks], **more
        )


KEPT = ("rotations", "threads", "n_parameters", "iterations", "converged", "compile_seconds")


@dataclass(frozen=True, eq=False)
class Boosted(Predictor):
    """Fitted boosters: one gives P(ink), three give E[r, g, b], and residuals the law around it."""

    boosters: tuple[Any, ...]
    rotations: int
    threads: int
    residuals: ResidualLaw | None
    n_parameters: int | None
    iterations: int
    converged: bool
    compile_seconds: float = 0.0

    def predict(self, coordinates: Floats) -> Floats:
        """P(ink) (n,) or E[r, g, b] (n, 3) in 0..1 at coordinates (n, 2)."""
        answers = _predicted(self.boosters, _axes(coordinates, self.rotations), self.threads)
        return answers if self.residuals is not None else answers[:, 0]

    def law(self, coordinates: Floats) -> Law | None:
        """Of colour: a mixture around what is predicted at coordinates (n, 2)."""
        if self.residuals is None:
            return None
        return self.residuals.around(coordinates, self.predict(coordinates))

    def texts(self) -> tuple[str, ...]:
        """The boosters in LightGBM's own text format, which `lightgbm.Booster(model_str=...)` reads."""
        return tuple(booster.model_to_string() for booster in self.boosters)

    def save(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]:
        """The boosters as text, and the residuals of colours."""
        arrays, law = self.residuals.save() if self.residuals is not None else ({}, None)
        return arrays, {"boosters": self.texts(), "law": law, **{key: getattr(self, key) for key in KEPT}}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> Boosted:
        """The same boosters: their text holds every digit."""
        library = _library()
        boosters = tuple(library.Booster(model_str=text) for text in facts["boosters"])
        law = None if facts["law"] is None else ResidualLaw.load(arrays, facts["law"])
        return cls(boosters=boosters, residuals=law, **{key: facts[key] for key in KEPT})


def _predicted(boosters: tuple[Any, ...], axes: Floats, threads: int) -> Floats:
    """What boosters answer at points along all axes (n, a), one column each, in 0..1."""
    if not len(axes):
        return np.empty((0, len(boosters)))
    answers = [np.asarray(booster.predict(axes, num_threads=threads)) for booster in boosters]
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


def _axes(coordinates: Floats, rotations: int) -> Floats:
    """Coordinates (n, 2) along turned axes (n, 2 * rotations), for trees cut along axes only."""
    angles = np.arange(rotations) * (np.pi / 2 / rotations)
    directions = np.concatenate((angles, angles + np.pi / 2))
    return coordinates @ np.vstack((np.cos(directions), np.sin(directions)))


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [LightGBM]
