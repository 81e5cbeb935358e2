"""The contract of a renderer: a picture of every fit that it declares, or a reason why not."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ..api import COLUMNS, Fitted, Picture, Renderer, Scene, Split, Study, Watch
from . import fixtures
from .side_effects import left_alone
from .verdict import Verdict, expect


def check_render(
    renderer: Renderer | type[Renderer],
    *,
    fits: Sequence[tuple[str, Fitted]] | None = None,
    seconds: float = 20.0,
    raises: bool = True,
) -> Verdict:
    """Check a renderer against its contract.

    Args:
        renderer: an instance, or the class for its default options.
        fits: pairs (view, fit) to draw, of the images of `fixtures`; None: a small mixture for each view.
        seconds: the longest time of a picture.
        raises: whether a fault raises; otherwise see `Verdict.broken`.

    Raises:
        ContractBroken: lists every check that failed, of dataclass, needs, global state, picture, time,
            deterministic, original.
    """
    name = getattr(renderer, "name", type(renderer).__name__)
    verdict = Verdict(f"renderer {name}")
    verdict.check_choice(renderer)
    with verdict.check("needs"):
        needs = getattr(renderer, "needs", None)
        expect(isinstance(needs, dict) and needs, "it has no `needs`, the questions that it asks by view")
        expect(set(needs or {}) <= set(COLUMNS), f"its views are not among {', '.join(COLUMNS)}")
    if verdict.broken:
        return verdict.settle(raises)
    instance = renderer() if isinstance(renderer, type) else renderer
    for view, fitted in fits if fits is not None else [(view, _mixture(view)) for view in COLUMNS]:
        picture = fixtures.image(view)
        study = Study(picture, _split(view), fitted)
        if instance.cannot(study) is not None:
            continue
        before = picture.values.copy()
        drawn: list[Picture] = []
        started = time.perf_counter()
        with verdict.check("picture", view):
            drawn.append(instance.render(study, np.random.default_rng(0)))
            expect(isinstance(drawn[0], Picture), f"render returned {type(drawn[0]).__name__}, not a Picture")
            expect(drawn[0].caption.strip(), "its caption is empty")
        with verdict.check("time", view):
            taken = time.perf_counter() - started
            expect(taken <= seconds, f"a picture took {taken:.1f} s; the limit is {seconds:g} s")
        with verdict.check("original", view):
            expect(np.array_equal(before, picture.values), "it changed the image")
        if verdict.failed("picture", view):
            continue
        with (
            verdict.check("global state", view),
            left_alone(),
        ):  # the second picture, because the first one loads libraries
            drawn.append(instance.render(study, np.random.default_rng(0)))
        with verdict.check("deterministic", view):
            same = np.array_equal(drawn[0].pixels, drawn[-1].pixels)
            expect(same, "two pictures with the same random stream are different")
    return verdict.settle(raises)


def _split(view: str) -> Split:
    return Split.draw(fixtures.image(view).lattice, 7, 0.2)


def _mixture(view: str) -> Fitted:
    """A few Gaussians fitted to the image of a view."""
    from ..mixture import fit
    from ..mixture_fit import mixture_fitted

    scene = Scene.of(fixtures.image(view), _split(view))
    points, weights = scene.points()
    found = fit(
        points,
        weights,
        components=5,
        init="stratified",
        covariance_floor=scene.cells**2 / 12,
        rng=np.random.default_rng(0),
        threads=Watch().threads,
    )
    return mixture_fitted(
        found.mixture,
        scene.columns,
        n_parameters=found.n_parameters,
        iterations=found.iterations,
        converged=found.converged,
    )
