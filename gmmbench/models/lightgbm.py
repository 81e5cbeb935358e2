"""Gradient-boosted trees as a model of pixels: no density, but predictive distributions given x, y."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import Fitted, Floats, Law, Model, Predictor, Refused, Scene, Watch, hookimpl, option

from .boosting import Boosting, library, predicted
from .residual_law import ResidualLaw


@dataclass(frozen=True)
class LightGBM(Model):
    """Boosted trees on the coordinates of a pixel (Ke et al. 2017), stopped early on validation pixels.

    For colour it predicts a distribution, not a value: a mixture around the prediction, learned from
    out-of-fold residuals, which resemble those of held-out pixels. The folds are squares as large as the
    holes.
    """

    name = "lightgbm"
    views = ("ink", "colour")
    uses_validation = True

    trees: int = option(300, "largest number of boosting rounds", low=1, high=100_000)
    leaves: int = option(127, "leaves of a tree", low=2, high=131_072)
    rate: float = option(0.1, "learning rate, the share of each tree that is taken", above=0, high=1)
    leaf_pixels: int = option(5, "fewest pixels in a leaf", low=1)
    rotations: int = option(4, "number of rotated pairs of axes that trees may cut along", low=1, high=64)
    patience: int = option(20, "stop after this many rounds without improvement on validation pixels", low=1)
    law: str = option(
        "local",
        "predictive distribution of colours: covariances of nearby residuals, or one mixture for all pixels",
        choices=("local", "residuals"),
    )
    neighbours: int = option(12, "number of pixels whose residuals make a local covariance", low=1, high=1000)
    folds: int = option(3, "folds for the residuals of colours", low=2, high=100)

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Fit one booster to ink (cross-entropy), or to colour three (squared error) and three for each fold.

        The boosters train in parallel, one thread each: the fit is the same for any number of threads.
        """
        where, values = scene.pixels()
        if not len(where):
            raise Refused("lightgbm: expected at least one training pixel, got none; try a larger image")
        held, held_values = scene.validation()
        axes, held_axes = _axes(where, self.rotations), _axes(held, self.rotations)
        channels, held_channels = (v if v.ndim == 2 else v[:, None] for v in (values, held_values))
        parameters = self._parameters(scene.view, int(rng.integers(2**31)))
        folds = self._folds(scene, rng) if scene.view == "colour" else []
        with Boosting(parameters, self.patience, watch) as boosting:
            whole = [
                boosting.start(boosting.train, axes, values, self.trees, (held_axes, judged))
                for values, judged in zip(channels.T, held_channels.T, strict=True)
            ]
            apart = [
                [boosting.start(_foretold, boosting, axes, values, out, job) for out in folds]
                for values, job in zip(channels.T, whole, strict=True)
            ]
            boosting.wait()
        boosters = tuple(job.result() for job in whole)
        law = None
        if scene.view == "colour":
            answers = np.full(channels.shape, 0.5)  # grey if there is nothing to learn from
            for channel, jobs in enumerate(apart):
                for out, job in zip(folds, jobs, strict=True):
                    answers[out, channel] = job.result()
            law = ResidualLaw.learn(
                where,
                channels - answers,
                (held, held_values - predicted(boosters, held_axes, watch.threads)),
                neighbours=self.neighbours if self.law == "local" else 0,
                covariance_floor=float(scene.cells[-1] ** 2 / 12),
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

    def _parameters(self, view: str, seed: int) -> Mapping[str, Any]:
        """LightGBM's parameters for a view."""
        return {
            "objective": "cross_entropy" if view == "ink" else "regression",
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": self.leaf_pixels,
            "max_bin": 1023,  # 255, the default, would blur the coordinates of an image of 1000 pixels
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }

    def _folds(self, scene: Scene, rng: np.random.Generator) -> list[NDArray[np.bool_]]:
        """The training pixels (n,) that each fold leaves out, in squares as large as the holes."""
        pixel = np.floor(scene.pixels()[0] / scene.lattice.cell) // scene.block
        squares, square = np.unique(pixel, axis=0, return_inverse=True)
        fold = (rng.permutation(len(squares)) % self.folds)[square.ravel()]
        left_out = [fold == number for number in range(self.folds)]
        return [out for out in left_out if out.any() and not out.all()]


def _foretold(
    boosting: Boosting, axes: Floats, values: Floats, out: NDArray[np.bool_], whole: Future[Any]
) -> Floats:
    """Values of the pixels that are left out, as predicted from the others in as many rounds as `whole`."""
    booster = boosting.train(axes[~out], values[~out], whole.result().num_trees())
    return predicted([booster], axes[out], threads=1)[:, 0]


KEPT = ("rotations", "threads", "n_parameters", "iterations", "converged", "compile_seconds")


@dataclass(frozen=True, eq=False)
class Boosted(Predictor):
    """Fitted boosters: one gives P(ink), three give E[r, g, b], and residuals the distribution around it."""

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
        answers = predicted(self.boosters, _axes(coordinates, self.rotations), self.threads)
        return answers if self.residuals is not None else answers[:, 0]

    def law(self, coordinates: Floats) -> Law | None:
        """For colour: a mixture around the prediction at coordinates (n, 2)."""
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
        """The same boosters: their text has every digit."""
        boosters = tuple(library().Booster(model_str=text) for text in facts["boosters"])
        law = None if facts["law"] is None else ResidualLaw.load(arrays, facts["law"])
        return cls(boosters=boosters, residuals=law, **{key: facts[key] for key in KEPT})


def _axes(coordinates: Floats, rotations: int) -> Floats:
    """Coordinates (n, 2) along rotated axes (n, 2 * rotations), since trees only cut along axes."""
    angles = np.arange(rotations) * (np.pi / 2 / rotations)
    directions = np.concatenate((angles, angles + np.pi / 2))
    return coordinates @ np.vstack((np.cos(directions), np.sin(directions)))


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [LightGBM]
