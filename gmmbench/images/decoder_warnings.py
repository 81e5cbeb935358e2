"""Warnings of decoders: what they warn of or print becomes notes, and nothing reaches the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

MOST = 3
"""Remarks of a decoder that are kept: a damaged file can cause thousands."""


@contextmanager
def pillow_kept_quiet(remarks: list[str]) -> Iterator[None]:
    """Record Pillow's warnings, and switch off its limit on pixels, which ours replaces."""
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            Image.MAX_IMAGE_PIXELS = None
            yield
        _keep(remarks, "Pillow", [str(warning.message) for warning in warned])
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def _libtiff_kept_quiet(remarks: list[str]) -> Iterator[None]:
    try:
        terminal = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    with tempfile.TemporaryFile() as said:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
        said.seek(0)
        _keep(remarks, "libtiff", said.read(10_000).decode(errors="replace").splitlines())


def decoder_kept_quiet(kind: str | None, remarks: list[str]) -> AbstractContextManager[None]:
    """Also record what libtiff, the C library for TIFF, writes to the standard error of the process."""
    return _libtiff_kept_quiet(remarks) if kind == "TIFF" else nullcontext()


def _keep(remarks: list[str], who: str, lines: list[str]) -> None:
    once = dict.fromkeys(" ".join(line.split()) for line in lines)
    remarks += [f"{who} warned: {line}" for line in list(once)[:MOST]]
