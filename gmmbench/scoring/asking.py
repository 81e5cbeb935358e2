"""Questions to a fit that carry no answers: freshly loaded copies, whole lattices, and shuffled batches.

What a question names, a model could remember. Here a question therefore names every pixel of a lattice, or
comes in a random batch among decoys; it goes to a copy of the fit that was loaded from what the fit saved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..api import Fitted, Floats, Lattice, Predictor
from ..plain_data import SavedFit, of_npz, to_json, to_npz

SAME = 1e-4
"""By how much an answer may depend on batch, order and copy: nats (relative beyond 1), or P(ink)."""

AGAIN = 1024
"""Questions that are asked again in other batches."""

SIZES = (1, 2, 7, 30, 150, 600)
"""Sizes of the batches in which they are asked again."""

LARGEST = 1 << 18
"""The largest batch of questions that name values of pixels."""

Whole = NDArray[np.intp]
Question = Callable[[Whole], Floats]
"""Of indices (m,) of questions; gives an answer for each: (m,) or (m, ...)."""


@dataclass(frozen=True, eq=False)
class FreshCopies:
    """Copies of a fit that are loaded from what it saved.

    Attributes:
        fitted: the fit.
        saved: what it saved, as the store writes it: npz and JSON; None if it cannot be saved and loaded.
        note: which object the questions go to, for the report.
    """

    fitted: Fitted
    saved: tuple[bytes, bytes] | None
    note: str

    @classmethod
    def of(cls, fitted: Fitted) -> FreshCopies:
        """Save a fit. A failing `save` or `load` costs no score: the note tells of it."""
        itself = "The questions went to the fit itself"
        try:
            found = SavedFit.of(fitted)
            if found is None:
                return cls(fitted, None, f"{itself}, since it cannot be saved.")
            copies = cls(
                fitted, (to_npz(found.arrays), to_json(found.facts)), "A freshly loaded copy was asked."
            )
            copies.fresh()
        except Exception as error:  # of a stranger's code
            said = " ".join(str(error).split())
            return cls(
                fitted,
                None,
                f"{itself}, since it cannot be saved and loaded: {type(error).__name__}: {said}.",
            )
        return copies

    def fresh(self) -> Fitted:
        """A new copy, or the fit itself if it cannot be saved."""
        if self.saved is None:
            return self.fitted
        return type(self.fitted).load(of_npz(self.saved[0]), json.loads(self.saved[1]))


def batches(n: int, rng: np.random.Generator, largest: int = LARGEST) -> Iterator[Whole]:
    """The indices 0..n-1 in random order, in batches of random sizes from `largest` / 2 to `largest`."""
    order = rng.permutation(n)
    start = 0
    while start < n:
        stop = start + int(rng.integers(max(1, largest // 2), largest, endpoint=True))
        yield order[start:stop]
        start = stop


def shuffled(question: Question, n: int, rng: np.random.Generator, largest: int = LARGEST) -> Floats:
    """The answers to questions 0..n-1, which are asked in shuffled batches of random sizes: (n, ...)."""
    out: Floats | None = None
    for part in batches(n, rng, largest):
        found = np.asarray(question(part), dtype=np.float64)
        if out is None:
            out = np.empty((n, *found.shape[1:]))
        out[part] = found
    return np.empty(0) if out is None else out


def moved(question: Question, answers: Floats, rng: np.random.Generator) -> float:
    """How far answers (n, ...) move if some questions are asked again, in other batches and another order.

    Some batches are small, and the first is repeated. The distance is relative beyond 1; NaN and infinities
    must stay what they are, else the distance is infinite.
    """
    chosen = rng.choice(len(answers), size=min(AGAIN, len(answers)), replace=False)
    cuts = np.cumsum(SIZES)[:-1]
    parts = [part for part in np.split(chosen, cuts[cuts < len(chosen)]) if len(part)]
    return max((distance(question(part), answers[part]) for part in [*parts, parts[0]]), default=0.0)


def distance(a: Floats, b: Floats) -> float:
    """The largest difference of two arrays, relative beyond 1; equal infinities and NaN do not differ."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape and not (a.ndim == 0 and b.size == 1):  # one answer may come without its axis
        return np.inf
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b) / np.maximum(1, np.abs(b))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart)).max(initial=0.0))


def predicted(
    copies: FreshCopies, lattice: Lattice, rng: np.random.Generator
) -> tuple[Floats, tuple[str, ...]]:
    """What a predictor answers at every pixel, (H, W) or (H, W, 3), and why it cannot be ranked."""
    fitted, other = _predictor(copies), _predictor(copies)
    found = np.asarray(lattice.ask(fitted.predict), dtype=np.float64)
    flat = found.reshape(lattice.size, *found.shape[2:])
    return found, unsteady("predict", lambda part: other.predict(lattice.coordinates(part)), flat, rng)


def _predictor(copies: FreshCopies) -> Predictor:
    fitted = copies.fresh()
    assert isinstance(fitted, Predictor)
    return fitted


def unsteady(method: str, question: Question, answers: Floats, rng: np.random.Generator) -> tuple[str, ...]:
    """Why a fit whose answers (n, ...) depend on the batch, the order or the copy cannot be ranked."""
    apart = moved(question, answers, rng)
    if not apart > SAME:
        return ()
    return (f"{method} depends on the other questions or on earlier ones: it differs by {apart:.2g}",)
