"""Detects side effects of plugins: global random state, printed text, files in the current folder."""

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
    """Raise Broken if the block prints, writes into the current folder, or changes global random state.

    Inside the block, the global state is one that no seed gives, so that seeding is detected; afterwards it
    is restored.
    """
    outside = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state that is checked
    random.seed()
    np.random.seed()  # noqa: NPY002 - as above
    try:
        yield from _watched()
    finally:
        random.setstate(outside[0])
        np.random.set_state(outside[1])  # noqa: NPY002 - as above


def _watched() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        printed = io.StringIO()
        before = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state that is checked
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield
        after = random.getstate(), np.random.get_state()  # noqa: NPY002 - as above
        expect(not printed.getvalue(), f"it printed {printed.getvalue()[:60]!r}")
        written = ", ".join(path.name for path in Path(folder).iterdir())
        expect(not written, f"it wrote {written}")
        same = before[0] == after[0] and all(
            np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True)
        )
        expect(same, "it changed the global random state; use the rng that is passed to it")
