"""One run: load, split, fit, score and draw. It writes no file and knows no command line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from ..api import Fitted, Image, Model, Picture, Renderer, Split, Study, Watch, stream
from ..errors import Refused
from ..mixture.parallel import cores
from ..results import Keys, Learnt, Outcome, Run, Verification
from ..scoring.fit_verdict import unranked
from ..scoring.score import score
from .cost import measured
from .history import History
from .keys import keys_of
from .replaced import replaced
from .verify import held_against, referee, scene_of, trial

# Otherwise the waiting threads of scikit-learn's k-means spin, which took ten times as long on busy cores.
# It must be set before the library is loaded, which no module does before a run. LightGBM's boosters use one
# thread each (`models.boosting`), because two took five times as long on idle cores with this setting.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

Listen = Callable[[str, int, float | None], None]
"""Called on progress with the stage (image, fit, verify, score, or a renderer's choice), a count, a bound."""


class Memory(Protocol):
    """The part of `Store` that a run uses: fits and images by their keys."""

    def load_fit(self, key: str, model: Model) -> Learnt | None:
        """The fit of this key, with its cost marked as cached; None if there is none."""

    def store_fit(self, key: str, about: Mapping[str, Any], learnt: Learnt) -> None:
        """Store a fit under its key; `about` is what the key was made from."""

    def store_image(self, key: str, image: Image) -> None:
        """Store an image under `about["image"]`, so that its fits can be drawn again."""


def execute(
    run: Run,
    listen: Listen | None = None,
    *,
    store: Memory | None = None,
    image: Image | None = None,
    keys: Keys | None = None,
) -> Outcome:
    """Do one run: one fit, its scores, and its pictures.

    Every label (split, fit, each renderer) has its own random stream derived from the seed: another model
    never changes the split, and another renderer never changes the samples.

    Args:
        run: the run.
        listen: called with (stage, count, bound) on progress.
        store: a `gmmbench.Store` from which the fit is loaded, or in which it is stored if it is not there.
        image: the image that `run.image` loads, if it has been loaded already.
        keys: `keys_of(run, image)`, if they have been computed already.

    Raises:
        Refused: the image cannot be read, or the model cannot be fitted to its view.

    Example:
        >>> import gmmbench
        >>> run = gmmbench.compose("image=dog", "image.max_side=60", "model.components=5")
        >>> outcome = gmmbench.execute(run)
        >>> sorted(outcome.pictures)
        ['grid']
    """
    tell = listen or (lambda stage, count, bound: None)
    threads = min(run.threads or cores(), cores())  # more threads than cores only slow one another down
    image = image or run.image.load()
    tell("image", 1, None)
    _check_view(run, image)
    keys = keys or keys_of(run, image)
    split = Split.draw(image.lattice, run.seed, run.hold_out, block=run.hold_out_block)
    with threadpool_limits(limits=threads):
        learnt = _learnt(run, image, split, threads, tell, store, keys)
        tell("score", 1, learnt.scores.values["gain"].held_out)
        pictures: dict[str, Picture] = {}
        skipped: dict[str, str] = {}
        failed: dict[str, str] = {}
        study = Study(image, split, learnt.fitted, history=learnt.history)
        for option, renderer in run.renders.items():
            reason = renderer.cannot(study)
            if reason is not None:
                skipped[option] = reason
                continue
            try:
                pictures[option] = _drawn(renderer, study, stream(run.seed, f"render:{option}"))
            except Exception as error:  # one failing renderer must not cost the fit and the other pictures
                message = " ".join(str(error).split())
                failed[option] = (
                    f"{renderer.name} ({type(renderer).__module__}): {type(error).__name__}: {message}"
                )
                continue
            study = replace(study, pictures=dict(pictures))
            tell(option, 1, None)
    return Outcome(
        run, study, pictures, skipped, failed, learnt.scores, learnt.cost, keys, learnt.verification
    )


def _learnt(
    run: Run, image: Image, split: Split, threads: int, tell: Listen, store: Memory | None, keys: Keys
) -> Learnt:
    """The fit and its scores: loaded from the store, or computed and stored."""
    if store is None or keys.fit is None:
        return _learn(run, image, split, threads, tell)
    learnt = store.load_fit(keys.fit, run.model)
    if learnt is None:
        learnt = _learn(run, image, split, threads, tell)
        store.store_fit(keys.fit, keys.about, learnt)
    store.store_image(keys.about["image"], image)
    return learnt


def _learn(run: Run, image: Image, split: Split, threads: int, tell: Listen) -> Learnt:
    """Fit and score."""
    alone = None
    if run.verify:
        tell("verify", 1, None)
        alone = trial(run, image, split, threads)
    scene = scene_of(run.model, image, split)
    history = History()
    remembered = run.remembers(image.view)

    def hear(iteration: int, bound: float | None, snapshot: Callable[[], Fitted] | None) -> None:
        tell("fit", iteration, bound)
        if remembered:
            history.hear(iteration, bound, snapshot)

    watch = Watch(threads, hear)
    fitted, cost = measured(lambda: run.model.fit(scene, stream(run.seed, "fit"), watch), threads)
    started = time.perf_counter()
    try:
        scores = score(fitted, image, split, referee(run.seed, image))
    except Refused as error:
        raise Refused(f"model {run.model.name}: {error}") from error
    scores = unranked(scores, replaced())
    cost = replace(cost, score_seconds=time.perf_counter() - started)
    verification = Verification()
    if alone is not None:
        scores, verification = held_against(alone, scores, lambda: trial(run, image, split, threads))
    return Learnt(fitted, history.until(fitted), scores, cost, verification)


def _drawn(renderer: Renderer, study: Study, rng: np.random.Generator) -> Picture:
    picture = renderer.render(study, rng)
    if not isinstance(picture, Picture):
        raise TypeError(f"expected render to return a Picture, got {type(picture).__name__}")
    return picture


def _check_view(run: Run, image: Image) -> None:
    views = run.model.views
    if image.view not in views:
        raise Refused(
            f"image.view: expected {' or '.join(views)} for the model {run.model.name}, "
            f"got {image.view} ({image.name}); try image.view={views[0]}"
        )
    if image.view == "ink":
        total = float(image.values.sum())
        if not total > 0:
            raise Refused(f"image {image.name}: expected some ink, got none; try image.invert=true")
