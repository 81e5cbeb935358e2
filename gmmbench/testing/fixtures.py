"""Synthetic images for checks. They are not on any disk, so no plugin can know them in advance."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..api import TEST, VALIDATION, Image, Scene, Split

HEIGHT, WIDTH = 56, 72


def image(view: str, seed: int = 0) -> Image:
    """A disc and a stroke of ink, a disc on a colour ramp, or two groups of grey levels, by the view."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    disc = np.hypot(x - 45, y - 22) < 13
    if view == "ink":
        ink = (disc | (np.abs(x - 1.2 * y) < 3)) & (rng.random((HEIGHT, WIDTH)) < 0.97)
        return Image("synthetic ink", view, ink.astype(np.float64), f"{seed:064x}")
    if view == "levels":
        levels = np.where(rng.random((HEIGHT, WIDTH)) < 0.6, rng.normal(80, 15, (HEIGHT, WIDTH)), 170)
        levels = _levels(levels + rng.normal(0, 8, (HEIGHT, WIDTH)))
        return Image("synthetic levels", view, levels, f"{seed:064x}")
    ramp = np.stack((60 + 2 * x, 200 - 2 * y, 90 + x + y), axis=2).astype(np.float64)
    ramp[disc] = [200, 60, 50]
    return Image("synthetic colour", view, _levels(ramp + rng.normal(0, 6, ramp.shape)), f"{seed:064x}")


def flipped(picture: Image, split: Split, codes: tuple[int, ...]) -> Image:
    """The same image with the pixels of these codes inverted."""
    values = picture.values.copy()
    chosen = np.isin(split.codes, codes)
    values[chosen] = (1.0 if picture.view == "ink" else 255) - values[chosen]
    return dataclasses.replace(picture, values=values)


def unseen(uses_validation: bool) -> tuple[int, ...]:
    """The codes of the pixels that a fit must not depend on."""
    return (TEST,) if uses_validation else (TEST, VALIDATION)


def scene(picture: Image, split: Split) -> Scene:
    """What a model may learn from, in read-only arrays."""
    made = Scene.of(picture, split)
    for array in (made.values, made.held):
        array.flags.writeable = False
    return made


def _levels(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
