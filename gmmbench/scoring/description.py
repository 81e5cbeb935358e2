"""Descriptions of a fit in addition to its scores: information criteria and code lengths."""

from __future__ import annotations

import io

import numpy as np

from ..api import Bytes, Image


def information_criteria(
    log_likelihood: float | None, points: float, n_parameters: int | None
) -> dict[str, float | None]:
    """AIC (Akaike 1974) and BIC (Schwarz 1978) of the training data in nats; smaller is better.

    They are only descriptive, because pixels are not independent and mixtures are singular models.
    """
    if log_likelihood is None or n_parameters is None:
        return {"aic": None, "bic": None}
    deviance = -2 * log_likelihood * points
    return {
        "aic": deviance + 2 * n_parameters,
        "bic": deviance + n_parameters * float(np.log(max(points, 1.0))),
    }


def parameter_bits(n_parameters: int | None, points: float) -> float | None:
    """Bits for the parameters at the precision that the data support: log2(n) / 2 each (Rissanen 1978)."""
    return None if n_parameters is None else 0.5 * n_parameters * float(np.log2(max(points, 2.0)))


def png_bits(image: Image) -> int:
    """The bits of the image in its view, as an optimised PNG of this size."""
    from PIL import Image as Pillow

    pixels: Bytes = image.pixels()
    if image.view == "colour":
        picture = Pillow.fromarray(pixels)
    else:
        picture = Pillow.fromarray(pixels[..., 0])
        if image.view == "ink" and set(np.unique(pixels)) <= {0, 255}:
            picture = picture.convert("1", dither=Pillow.Dither.NONE)
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return 8 * len(data.getvalue())
