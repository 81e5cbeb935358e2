"""Fidelity of the expected picture to the image: PSNR and SSIM, over all pixels and held-out ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..api import TEST, Floats, Split

WINDOW = 7
"""Side of the window of SSIM, pixels (Wang, Bovik, Sheikh, Simoncelli 2004); smaller images have no SSIM."""


def psnr(original: Floats, expected: Floats, full: float, chosen: Floats) -> float | None:
    """10 log10(full^2 / mean squared error) over the chosen pixels, decibels; None if nothing differs."""
    error = float(np.mean((original[chosen] - expected[chosen]) ** 2)) if chosen.any() else 0.0
    return float(10 * np.log10(full**2 / error)) if error > 0 else None


def fidelity(
    original: Floats, expected: Floats, full: float, split: Split
) -> Mapping[str, Mapping[str, float | None]]:
    """PSNR and SSIM of an expected picture.

    Args:
        original: the image, (H, W) or (H, W, 3).
        expected: the expected picture, of the same shape.
        full: the range of the values: 255 for levels, 1 for ink.
        split: which pixels are held out.

    Returns:
        By name of the score, its values over "all" pixels and over those "held_out".
    """
    every = np.ones(split.codes.shape, dtype=bool)
    held = split.codes == TEST
    found = {
        "psnr": {
            "all": psnr(original, expected, full, every),
            "held_out": psnr(original, expected, full, held),
        }
    }
    found["ssim"] = dict.fromkeys(("all", "held_out"))
    if min(split.codes.shape) >= WINDOW:
        from skimage.metrics import structural_similarity

        axis = None if original.ndim == 2 else 2
        _, ssim = structural_similarity(  # type: ignore[no-untyped-call]  # it has no annotations
            original, expected, win_size=WINDOW, data_range=full, channel_axis=axis, full=True
        )
        flat = ssim if ssim.ndim == 2 else ssim.mean(axis=2)
        found["ssim"] = {
            "all": float(flat.mean()),
            "held_out": float(flat[held].mean()) if held.any() else None,
        }
    return found
