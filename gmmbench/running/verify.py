"""Verification: the model is fitted and scored once more in isolation, and must come to the same answers."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..api import Image, Model, Scene, Split, stream
from ..results import Run, Score, Scores, Verification
from ..scoring.fit_verdict import unranked
from ..scoring.score import score
from .isolated import IsolatedFailed, isolated

TOLERANCE = 1e-6
"""The largest difference between answers of the two fits: nats of a pixel, or relative to a number."""

PARTS = ("train", "held_out", "overall")


@dataclass(frozen=True, eq=False)
class Trial:
    """The scores of an isolated fit, or why there are none.

    Attributes:
        scores: the scores.
        fault: why there are none, or why nobody else could load the fit.
        confined: whether files, network and other processes were closed to it.
        seconds: what it took.
    """

    scores: Scores | None
    fault: str | None
    confined: bool
    seconds: float


def trial(run: Run, image: Image, split: Split, threads: int) -> Trial:
    """Fit and score a run's model in isolation (`isolated`).

    It gets the same scene, random stream and number of threads as the ordinary fit, and its scores the same
    noise. It comes before the ordinary fit, which could change this process or leave files behind.

    Args:
        threads: the threads that the fit may use.
    """
    started = time.perf_counter()
    scores, fault, confined = None, None, False
    try:
        scene = scene_of(run.model, image, split)
        with isolated(run.model, scene, stream(run.seed, "fit"), threads) as found:
            scores, confined = score(found.fitted, image, split, referee(run.seed, image)), found.confined
            if not found.loaded:
                fault = "its fit has no `save`, so that no other process can load it"
    except Exception as error:  # a stranger's answers may break scoring in ways of their own
        said = " ".join(str(error).split())
        kind = "" if isinstance(error, IsolatedFailed) else f"{type(error).__name__}: "
        fault = f"it failed in isolation: {kind}{said}"
    return Trial(scores, fault, confined, time.perf_counter() - started)


def held_against(alone: Trial, ordinary: Scores, again: Callable[[], Trial]) -> tuple[Scores, Verification]:
    """Compare an isolated fit with the ordinary one.

    - Equal answers, within TOLERANCE: verified.
    - Other answers, and a second isolated fit agrees with the first: not verified, because the model answers
      otherwise where it cannot find the image.
    - Other answers, and the second isolated fit differs too: the model is not deterministic. It is verified
      by the isolated fit's own scores, which replace the ordinary ones.

    A run that asks for verification and is not verified is not ranked; the reason says why.

    Args:
        ordinary: the scores of the fit that was made in this process.
        again: makes the second isolated fit.

    Returns:
        The scores of the run from now on, and what was found.
    """
    scores, found = ordinary, Verification(False, alone.fault or "", alone.seconds)
    if alone.scores is not None and alone.fault is None:
        apart = difference(ordinary, alone.scores)
        closed = "files closed to it" if alone.confined else "files open to it"
        if apart is None:
            why = f"the isolated fit ({closed}) answers the same within {TOLERANCE:g}"
            return ordinary, replace(found, verified=True, why=why)
        second = again()
        found = replace(found, seconds=alone.seconds + second.seconds)
        if second.scores is None or difference(alone.scores, second.scores) is not None:
            why = f"by the isolated fit's own scores ({closed}), since no two of its fits agree: {apart}"
            return alone.scores, replace(found, verified=True, why=why)
        found = replace(found, why=f"in isolation it answers otherwise: {apart}")
    return unranked(scores, (f"not verified: {found.why}",)), found


def scene_of(model: Model, image: Image, split: Split) -> Scene:
    """What a model may learn from: validation pixels only if it declares that it uses them."""
    scene = Scene.of(image, split)
    return scene if model.uses_validation else replace(scene, held=np.full_like(scene.held, np.nan))


def referee(seed: int, image: Image) -> np.random.Generator:
    """The random stream of scoring.

    It follows from the whole image too: a model knows the seed, but no held-out pixel, and so it cannot
    foresee which questions it is asked.
    """
    digest = hashlib.sha256(np.ascontiguousarray(image.values).tobytes()).digest()
    key = [zlib.crc32(b"score"), *np.frombuffer(digest, dtype=np.uint32).tolist()]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


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
