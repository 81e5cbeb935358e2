"""Lies in classifiers, in the arrays of answers, and about the fit."""

import time
from dataclasses import dataclass

import numpy as np

from gmmbench.api import stream

from .kit import Cells, Chances, Honest, HonestClassifier, chances, masses


class Loud(Chances):
    def predict(self, coordinates):
        return 3 * super().predict(coordinates)


@dataclass(frozen=True)
class MoreThanCertain(HonestClassifier):
    """Its probabilities of ink go up to 3."""

    classifier = Loud


class Shy(Chances):
    def predict(self, coordinates):
        found = super().predict(coordinates)
        return np.where(np.abs(found - 0.5) < 0.2, np.nan, found)


@dataclass(frozen=True)
class SilentWhereUnsure(HonestClassifier):
    """It answers NaN where it is unsure, so that only the rest could be scored."""

    classifier = Shy


class BySize(Chances):
    def predict(self, coordinates):
        found = super().predict(coordinates)
        return found if len(coordinates) >= self.lattice.size else np.rint(found)


@dataclass(frozen=True)
class SureInSmallBatches(HonestClassifier):
    """It answers whole lattices with probabilities and small batches with 0 and 1."""

    classifier = BySize


class Inferring(Chances):
    def predict(self, coordinates):
        found = super().predict(coordinates)
        return found if len(coordinates) >= self.lattice.size else np.full(len(found), 0.999)


@dataclass(frozen=True)
class ReadsTheQuestions(HonestClassifier):
    """It takes the pixels that a scorer singles out for the inked ones."""

    classifier = Inferring


class Reused(Chances):
    def predict(self, coordinates):
        store = self.__dict__.setdefault("store", {})
        found = super().predict(coordinates)
        for earlier in store.values():
            earlier[:] = np.rint(earlier)
        return store.setdefault(len(store), found)


@dataclass(frozen=True)
class ChangesItsAnswers(HonestClassifier):
    """It keeps the arrays that it answered with, and changes them afterwards."""

    classifier = Reused


class Scribbling(Chances):
    def predict(self, coordinates):
        found = super().predict(coordinates)
        if coordinates.flags.writeable:
            coordinates[:] = 0.5
        return found


@dataclass(frozen=True)
class WritesIntoQuestions(HonestClassifier):
    """It writes into the coordinates that it is asked about."""

    classifier = Scribbling


class FlatteringArray(np.ndarray):
    """An array whose sums, logarithms and comparisons come out well."""

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        plain = [np.asarray(part) for part in inputs]
        options.pop("out", None)
        found = getattr(ufunc, method)(*plain, **options)
        return found + 1.0 if np.asarray(found).dtype.kind == "f" else found


class Wrapped(Chances):
    def predict(self, coordinates):
        return super().predict(coordinates).view(FlatteringArray)


@dataclass(frozen=True)
class ArraysThatLie(HonestClassifier):
    """It answers with a subclass of arrays whose arithmetic flatters it."""

    classifier = Wrapped


class Foreseeing(Cells):
    """Its mass is 1.1 unless the samples of the scorer, which it foresees, are drawn."""

    def sample(self, n, rng):
        entropy = getattr(rng.bit_generator.seed_seq, "entropy", None)
        guess = stream(entropy, "score").bit_generator.state if isinstance(entropy, int) else None
        object.__setattr__(self, "foreseen", guess == rng.bit_generator.state)
        return super().sample(n, rng)

    def log_density(self, points):
        more = 0.0 if not getattr(self, "foreseen", False) else 0.5
        return super().log_density(points) + more


@dataclass(frozen=True)
class ForeseesTheReferee(Honest):
    """It computes the random stream of scoring from the seed, to be honest just where it is looked at."""

    density = Foreseeing


class Grasping(Cells):
    """It keeps every random stream that it is handed, and sets it back to what it knows."""

    def sample(self, n, rng):
        self.__dict__["stream"] = rng
        return super().sample(n, rng)

    def log_density(self, points):
        if (rng := self.__dict__.get("stream")) is not None:
            rng.bit_generator.state = np.random.default_rng(0).bit_generator.state
        return super().log_density(points)


@dataclass(frozen=True)
class TakesTheReferee(Honest):
    """It keeps the random stream that it samples with, and sets it back to foresee what it is asked."""

    density = Grasping


class Improved(Cells):
    @classmethod
    def load(cls, arrays, facts):
        found = super().load(arrays, facts)
        return cls(found.lattice, masses(found.values**1.1))


@dataclass(frozen=True)
class LoadsAnotherFit(Honest):
    """What it loads is not what it saved."""

    density = Improved


@dataclass(frozen=True, eq=False)
class Compiled(Cells):
    compile_seconds: float = 0.0


@dataclass(frozen=True)
class NeverDoneCompiling(Honest):
    """It says that the seconds of every fit went into compiling, which are not counted."""

    def fit(self, scene, rng, watch):
        started = time.perf_counter()
        time.sleep(0.2)
        found = masses(chances(scene))
        return Compiled(scene.lattice, found, time.perf_counter() - started)


class Uncounted(Cells):
    n_parameters = 0


@dataclass(frozen=True)
class NoParameters(Honest):
    """It says that it has no parameters, so that AIC, BIC and the code length flatter it."""

    density = Uncounted


class Late(Chances):
    """`values` are what was seen, with NaN: the fit is made at the first question."""

    def predict(self, coordinates):
        time.sleep(0.05)
        return Chances(self.lattice, chances(self)).predict(coordinates)


@dataclass(frozen=True)
class FitsWhenAsked(HonestClassifier):
    """It does its work at the first question, so that its fit takes no time."""

    def fit(self, scene, rng, watch):
        return Late(scene.lattice, scene.values)
