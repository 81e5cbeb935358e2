"""The comparison of the runs in some folders, written into the first of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ..errors import Refused
from ..storage import run_files


def load_ahead() -> None:
    """Load the libraries that a comparison needs in a thread, while the processes of a sweep work."""

    def load() -> None:
        from ..comparing import comparison_markdown, page  # noqa: F401 - to have them loaded
        from ..comparing.compare import compare  # noqa: F401

    threading.Thread(target=load, daemon=True).start()


def write_comparison(folders: Sequence[str]) -> int:
    """Compare the runs below the folders, write the files into the first, and print their names.

    Raises Refused: there is no folder, or no run in any.
    """
    from ..comparing.compare import compare, find
    from ..comparing.formats import files

    if not folders:
        raise Refused("gmmbench compare: expected a folder of runs, got none; try gmmbench compare multirun")
    before = None
    while before != (found := [(run.folder, run.failure) for run in find(folders)]):
        # another sweep may have finished a run meanwhile: the last comparison written contains all runs
        before, content = found, files(compare(folders), folders[0])
        written = run_files.save_comparison(content, folders[0])
    for file in written:
        print(f"comparison: {file}", flush=True)
    return 0


def compare_sweep(folder: Path) -> None:
    """Compare the runs of a sweep. An error in the comparison is printed, and hides no other."""
    try:
        write_comparison([str(folder)])
    except Refused:
        pass  # no job left anything
    except Exception as error:
        said = " ".join(str(error).split())
        print(f"gmmbench: the comparison failed: {type(error).__name__}: {said}", file=sys.stderr)
