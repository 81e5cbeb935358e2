"""Loads what every job needs, in the server that the processes of a sweep are forked from: import it there.

It starts no thread, and loads no library that a job which is done already does without.
"""

from __future__ import annotations

import contextlib

with contextlib.suppress(Exception):  # whatever is wrong is reported by the job that needs it
    import PIL.Image

    from .. import registry
    from . import worker

    registry.load()
    PIL.Image.init()

__all__ = ["worker"]
