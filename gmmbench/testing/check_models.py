"""The contract of a model: what a fit returns, that it is a density, that it ignores held-out pixels."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence

import numpy as np

from ..api import COLUMNS, Density, Fitted, Floats, Image, Model, Predictor, Split, Watch
from ..errors import Refused
from ..plain_data import again, to_json
from ..running.isolated import isolated
from ..running.verify import TOLERANCE, scene_of
from . import fixtures
from .check_densities import follows, integrates, pointwise, splits
from .side_effects import left_alone
from .verdict import Verdict, expect

SEED = 7
HOLD_OUT = 0.2

COMPILING = 0.05
"""Seconds that a second fit in the same process may say that it compiled."""


def check_model(
    model: Model | type[Model],
    *,
    views: Sequence[str] | None = None,
    seconds: float = 60.0,
    raises: bool = True,
) -> Verdict:
    """Check a model against its contract, on small synthetic images.

    Args:
        model: an instance, or the class for its default options.
        views: the views to check; None for all that the model declares.
        seconds: the longest time of a fit.
        raises: whether a fault raises; otherwise see `Verdict.broken`.

    Raises:
        ContractBroken: lists every check that failed, of dataclass, views, fit, time, global state,
            compiling, deterministic, shapes, pointwise, kept, integrates, sample, conditional, unseen,
            refusal, isolated.
    """
    name = getattr(model, "name", type(model).__name__)
    verdict = Verdict(f"model {name}")
    if verdict.check_choice(model):
        with verdict.check("views"):
            known = model.views and set(model.views) <= set(COLUMNS)
            expect(known, f"its views are not among {', '.join(COLUMNS)}")
    if verdict.broken:
        return verdict.settle(raises)
    instance = model() if isinstance(model, type) else model
    for view in views or instance.views:
        _check_view(instance, view, seconds, verdict)
    return verdict.settle(raises)


def _check_view(model: Model, view: str, seconds: float, verdict: Verdict) -> None:
    picture = fixtures.image(view)
    split = Split.draw(picture.lattice, SEED, HOLD_OUT)
    fits: list[Fitted] = []
    spent = 0.0
    started = time.perf_counter()
    with verdict.check("fit", view):
        fits.append(_fit(model, picture, split))
        spent = time.perf_counter() - started
        _check_fitted(fits[0], view)
    with verdict.check("time", view):
        compiling = fits[0].compile_seconds if fits else 0.0
        taken = spent - compiling
        expect(
            taken <= seconds,
            f"a fit of {picture.lattice.size} pixels took {taken:.1f} s; the limit is {seconds:g} s",
        )
    if verdict.failed("fit", view) or not fits:
        return
    fitted = fits[0]
    with verdict.check("shapes", view):
        _check_shapes(fitted, view, picture)
    if verdict.failed("shapes", view):
        return
    first = _answers(fitted, picture)
    with (
        verdict.check("global state", view),
        left_alone(),
    ):  # the second fit, because the first one loads libraries
        fits.append(_fit(model, picture, split))
    with verdict.check("compiling", view):
        told = fits[-1].compile_seconds
        expect(told <= COMPILING, f"its second fit says that {told:.2f} s went into compiling once more")
    with verdict.check("deterministic", view):
        again = _answers(fits[-1], picture)
        expect(_same(first, again), "two fits with the same random stream are different")
    with verdict.check("pointwise", view):
        pointwise(fitted, picture)
    with verdict.check("kept", view):
        _check_kept(model, fitted, first, picture)
    if isinstance(fitted, Density):
        with verdict.check("integrates", view):
            integrates(fitted, picture.lattice, np.random.default_rng(SEED))
        with verdict.check("sample", view):
            follows(fitted, picture.lattice, np.random.default_rng(SEED))
    if view == "colour" and isinstance(fitted, Predictor):
        with verdict.check("conditional", view):
            splits(fitted, picture, np.random.default_rng(SEED))
    with verdict.check("unseen", view):
        codes = fixtures.unseen(model.uses_validation)
        other = fixtures.flipped(picture, split, codes)
        changed = _answers(_fit(model, other, split), picture)
        expect(_same(first, changed), "the fit depends on pixels that were held out from it")
    with verdict.check("refusal", view):
        _check_refusals(model, fitted, view)
    if not any(finding.fault for finding in verdict.findings if finding.view == view):
        with verdict.check("isolated", view):  # starts two processes, so that it comes last
            _check_isolated(model, picture, split, first)


def _fit(model: Model, picture: Image, split: Split) -> Fitted:
    return model.fit(fixtures.scene(picture, split), np.random.default_rng(SEED), Watch())


def _check_fitted(fitted: Fitted, view: str) -> None:
    expect(
        isinstance(fitted, Density | Predictor),
        f"fit returned {type(fitted).__name__}, not a Density or Predictor",
    )
    expect(
        fitted.n_parameters is None or isinstance(fitted.n_parameters, int | np.integer),
        f"n_parameters is {fitted.n_parameters!r}, not a whole number or None",
    )
    expect(isinstance(fitted.iterations, int | np.integer), f"iterations is {fitted.iterations!r}")
    expect(isinstance(fitted.converged, bool | np.bool_), f"converged is {fitted.converged!r}")
    if isinstance(fitted, Density):
        got = tuple(fitted.columns)
        expect(got == COLUMNS[view], f"columns are {got}, but the view {view} has {COLUMNS[view]}")


def _check_shapes(fitted: Fitted, view: str, picture: Image) -> None:
    d = len(COLUMNS[view])
    if isinstance(fitted, Density):
        draws = fitted.sample(50, np.random.default_rng(SEED))
        expect(draws.shape == (50, d), f"sample(50) has shape {draws.shape}, not {(50, d)}")
        expect(np.isfinite(draws).all(), "sample returns values that are not finite")
        for points in (draws, draws[:1], draws[:0]):
            found = fitted.log_density(points)
            expect(
                isinstance(found, np.ndarray) and found.shape == (len(points),),
                f"log_density of {points.shape} has shape {np.shape(found)}, not {(len(points),)}",
            )
            expect(found.dtype == np.float64, f"log_density returns {found.dtype}, not float64")
            expect(not np.isnan(found).any(), "log_density is NaN at its own samples")
            expect((found > -np.inf).all(), "log_density is -infinity at its own samples")
    if isinstance(fitted, Predictor):
        where = picture.lattice.centres()
        for places in (where, where[:1], where[:0]):
            answer = fitted.predict(places)
            shape = (len(places), 3) if view == "colour" else (len(places),)
            expect(answer.shape == shape, f"predict of {places.shape} has shape {answer.shape}, not {shape}")
            inside = np.isfinite(answer).all() and ((answer >= 0) & (answer <= 1)).all()
            expect(inside, "predict is outside 0..1 or not finite")


def _answers(fitted: Fitted, picture: Image) -> list[Floats]:
    """Everything that a fit answers, to compare two fits to the last bit."""
    found = []
    where = picture.lattice.centres()[::3]
    if isinstance(fitted, Density):
        draws = fitted.sample(200, np.random.default_rng(SEED))
        found += [draws, fitted.log_density(draws)]
    if isinstance(fitted, Predictor):
        found.append(fitted.predict(where))
        law = fitted.law(where[:20])
        if law is not None:
            found += [law.weights, law.means, law.covariances]
    return [np.asarray(array) for array in found]


def _check_kept(model: Model, fitted: Fitted, first: Sequence[Floats], picture: Image) -> None:
    """Expect the same answers after saving and loading; a fit without `save` is never stored."""
    other = again(fitted, type(model))
    if other is None:
        return
    expect(type(other) is type(fitted), f"load returns {type(other).__name__}, not {type(fitted).__name__}")
    for name in ("n_parameters", "iterations", "converged"):
        was, came = getattr(fitted, name), getattr(other, name)
        expect(was == came, f"{name} was {was!r} when saved and is {came!r} when loaded")
    told = [json.loads(to_json(fit.facts())) for fit in (fitted, other)]
    expect(told[0] == told[1], f"facts were {told[0]} when saved and are {told[1]} when loaded")
    second = _answers(other, picture)
    close = len(first) == len(second) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=1e-12)
        for a, b in zip(first, second, strict=True)
    )
    expect(close, "the loaded fit gives other answers than the saved one")


def _check_isolated(model: Model, picture: Image, split: Split, first: Sequence[Floats]) -> None:
    """A fit in processes that know no image answers the same; without `save`, where it was made."""
    scene, rng = scene_of(model, picture, split), np.random.default_rng(SEED)
    with isolated(model, scene, rng, Watch().threads) as found:
        second = _answers(found.fitted, picture)
    close = len(first) == len(second) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE)
        for a, b in zip(first, second, strict=True)
    )
    expect(close, "a fit in a process that gets the scene and nothing else answers otherwise")


def _same(first: Sequence[Floats], second: Sequence[Floats]) -> bool:
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def _check_refusals(model: Model, fitted: Fitted, view: str) -> None:
    d = len(COLUMNS[view])
    if isinstance(fitted, Density):
        try:
            fitted.log_density(np.full((4, d + 1), 0.5))
        except Exception:
            pass
        else:
            expect(False, f"log_density accepts points of {d + 1} columns, although it has {d}")
    bare = fixtures.image(view)
    values = np.zeros_like(bare.values)
    values[3, 4] = 1 if view == "ink" else 200
    scant = dataclasses.replace(bare, values=values)
    split = Split(np.zeros(bare.lattice.shape, dtype=np.uint8))
    try:
        result = _fit(model, scant, split)
    except Refused:
        return  # a refusal is the right answer to too few pixels
    finite = result.sample(5, np.random.default_rng(0)) if isinstance(result, Density) else np.zeros(1)
    expect(np.isfinite(finite).all(), "a fit to a nearly empty image has samples that are not finite")
