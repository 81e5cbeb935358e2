"""A watch over what a plugin must leave alone: global random state, the streams, the folder."""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .verdict import expect


@contextlib.contextmanager
def left_alone() -> Iterator[None]:
    """Raise Broken when what happens inside prints, writes into the folder, or moves global random state.

    The global state inside is one that no seed gives, so that seeding shows; afterwards it is as before.
    """
    outside = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is what is watched
    random.seed()
    np.random.seed()  # noqa: NPY002 - likewise
    try:
        yield from _watched()
    finally:
        random.setstate(outside[0])
        np.random.set_state(outside[1])  # noqa: NPY002 - likewise


def _watched() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        printed = io.StringIO()
        before = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is what is watched
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield
        after = random.getstate(), np.random.get_state()  # noqa: NPY002 - likewise
        expect(not printed.getvalue(), f"it printed {printed.getvalue()[:60]!r}")
        written = ", ".join(path.name for path in Path(folder).iterdir())
        expect(not written, f"it wrote {written}")
        same = before[0] == after[0] and all(
            np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True)
        )
        expect(same, "it moved the global random state; draw from the rng that is passed in")
