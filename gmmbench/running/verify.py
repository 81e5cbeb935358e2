"""Verification: the model is fitted and scored once more in isolation, and must come to the same answers."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ..api import Image, Scene, Split, stream
from ..results import Run, Score, Scores, Verification
from ..scoring.score import score
from .isolated import IsolatedFailed, isolated

TOLERANCE = 1e-6
"""How far answers of the two fits may lie apart: nats of a pixel, or relative to the size of a number."""

PARTS = ("train", "held_out", "overall")


def verified(
    run: Run, image: Image, split: Split, ordinary: Scores, threads: int
) -> tuple[Scores, Verification]:
    """Fit and score a run's model in isolation (`isolated`), and hold that against the ordinary scores.

    The isolated fit gets the same scene, random stream and number of threads, and its scores the same noise.

    - Equal answers, within TOLERANCE: verified.
    - Other answers, and a second isolated fit agrees with the first: not verified, for the model answers
      otherwise where it cannot find the image.
    - Other answers, and the second isolated fit differs too: the model is not deterministic. It is verified
      by the isolated fit's own scores, which replace the ordinary ones.

    A run that asks for verification and is not verified is not ranked; the reason says why.

    Args:
        ordinary: the scores of the fit that was made in this process.
        threads: the threads that a fit may use.

    Returns:
        The scores of the run from now on, and what was found.
    """
    started = time.perf_counter()
    scores, found = ordinary, Verification()
    try:
        scores, found = _held_against(run, image, split, ordinary, threads)
    except IsolatedFailed as error:
        found = Verification(False, f"it failed in isolation: {error}")
    if not found.verified:
        scores = replace(scores, not_ranked=(*scores.not_ranked, f"not verified: {found.why}"))
    return scores, replace(found, seconds=time.perf_counter() - started)


def _held_against(
    run: Run, image: Image, split: Split, ordinary: Scores, threads: int
) -> tuple[Scores, Verification]:
    alone, loaded = _isolated_scores(run, image, split, threads)
    if not loaded:
        return ordinary, Verification(False, "its fit has no `save`, so that no other process can load it")
    apart = difference(ordinary, alone)
    if apart is None:
        return ordinary, Verification(True, f"the isolated fit answers the same within {TOLERANCE:g}")
    again, _ = _isolated_scores(run, image, split, threads)
    if difference(alone, again) is None:
        return ordinary, Verification(False, f"in isolation it answers otherwise: {apart}")
    why = f"by the isolated fit's own scores, since no two of its fits are the same: {apart}"
    return alone, Verification(True, why)


def _isolated_scores(run: Run, image: Image, split: Split, threads: int) -> tuple[Scores, bool]:
    """The scores of an isolated fit, and whether another process than the one that fitted answered."""
    with isolated(run.model, Scene.of(image, split), stream(run.seed, "fit"), threads) as found:
        return score(found.fitted, image, split, stream(run.seed, "score")), found.loaded


def difference(first: Scores, second: Scores) -> str | None:
    """Where two fits' scores and maps lie further apart than TOLERANCE, in a few words; None if nowhere."""
    for key in first.values.keys() | second.values.keys():
        told = first.values.get(key, Score()), second.values.get(key, Score())
        for part in PARTS:
            was, came = (getattr(one, part) for one in told)
            if not _close(was, came):
                return f"{key} ({part}) is {_shown(came)} instead of {_shown(was)}"
    for name in ("gain", "log_likelihood"):
        was, came = getattr(first, name), getattr(second, name)
        if not np.allclose(was, came, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            return f"its {name} differs at some pixels"
    return None


def _close(was: float | None, came: float | None) -> bool:
    if was is None or came is None:
        return was is came
    return bool(np.isclose(was, came, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
