"""The contract of an image source: a valid `Image`, the same whenever it is read."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from ..api import COLUMNS, Image, ImageSource
from ..errors import Refused
from .side_effects import left_alone
from .verdict import Verdict, expect


def check_image(source: ImageSource | type[ImageSource], *, raises: bool = True) -> Verdict:
    """Check an image source against its contract.

    Args:
        source: an instance, or the class for its default options.
        raises: whether a fault raises; otherwise see `Verdict.broken`.

    Raises:
        ContractBroken: lists every check that failed, of dataclass, global state, load, values,
            deterministic, refusal.
    """
    name = getattr(source, "name", type(source).__name__)
    verdict = Verdict(f"image {name}")
    verdict.check_choice(source)
    if verdict.broken:
        return verdict.settle(raises)
    instance = source() if isinstance(source, type) else source
    images: list[Image] = []
    with verdict.check("global state"), left_alone(), verdict.check("load"):
        images.append(instance.load())
        expect(isinstance(images[0], Image), f"load returned {type(images[0]).__name__}, not an Image")
    if verdict.broken:
        return verdict.settle(raises)
    image = images[0]
    with verdict.check("values"):
        _check_values(image)
    with verdict.check("deterministic"):
        again = instance.load()
        expect(np.array_equal(image.values, again.values), "loading twice gives different values")
        expect(image.sha256 == again.sha256, "loading twice gives different values of sha256")
    if any(field.name == "path" for field in dataclasses.fields(instance)):  # type: ignore[arg-type]  # choices are dataclasses
        with verdict.check("refusal"):
            missing = "no_such_file_anywhere.png"
            try:
                dataclasses.replace(instance, path=missing).load()  # type: ignore[type-var]
            except Refused as error:
                expect(missing in str(error), f"the refusal does not name the file: {error}")
            else:
                expect(False, "a missing file was not refused")
    return verdict.settle(raises)


def _check_values(image: Image) -> None:
    expect(image.view in COLUMNS, f"its view is {image.view!r}, not one of {', '.join(COLUMNS)}")
    values = image.values
    shape = values.ndim == 3 and values.shape[2] == 3 if image.view == "colour" else values.ndim == 2
    expect(shape and values.size, f"values of the view {image.view} have shape {values.shape}")
    if image.view == "ink":
        expect(
            np.issubdtype(values.dtype, np.floating), f"amounts of ink have dtype {values.dtype}, not a float"
        )
        fine = np.isfinite(values).all() and ((values >= 0) & (values <= 1)).all()
        expect(fine, "amounts of ink are outside 0..1 or not finite")
        expect(values.any(), "it has no ink")
    else:
        expect(values.dtype == np.uint8, f"levels have dtype {values.dtype}, not uint8")
    expect(
        re.fullmatch(r"[0-9a-f]{64}", image.sha256), f"sha256 is {image.sha256!r}, not 64 hexadecimal digits"
    )
