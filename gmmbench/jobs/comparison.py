"""The comparison of the runs in some folders, written into the first of them."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Refused
from ..storage import run_files

if TYPE_CHECKING:
    from ..comparing.schema import Comparison


def load_ahead() -> None:
    """Load the libraries that a comparison needs in a thread, while the processes of a sweep work."""

    def load() -> None:
        from ..comparing import comparison_markdown, page  # noqa: F401 - to have them loaded
        from ..comparing.compare import compare  # noqa: F401

    threading.Thread(target=load, daemon=True).start()


def write_comparison(folders: Sequence[str]) -> int:
    """Compare the runs below the folders, write the files into the first, and print the answer.

    Raises Refused: there is no folder, or no run in any.
    """
    from ..comparing.compare import compare
    from ..comparing.find import FailedRun, find
    from ..comparing.formats import files

    if not folders:
        raise Refused("gmmbench compare: expected a folder of runs, got none; try gmmbench compare multirun")
    before = None
    while before != (
        found := [(run.folder, run.failure if isinstance(run, FailedRun) else None) for run in find(folders)]
    ):
        # another sweep may have finished a run meanwhile: the last comparison written contains all runs
        before, comparison = found, compare(folders)
        written = run_files.save_comparison(files(comparison, folders[0]), folders[0])
    for line in answer_lines(comparison):
        print(line, flush=True)
    for file in written:
        print(f"comparison: {file}", flush=True)
    return 0


def answer_lines(comparison: Comparison) -> list[str]:
    """The comparison on the terminal: the matrix of models and images, and the answer in words."""
    from ..comparing.matrix import matrices, matrix_lines

    width = shutil.get_terminal_size().columns
    lines = [line for matrix in matrices(comparison.tables) for line in [*matrix_lines(matrix, width), ""]]
    return [*lines, *comparison.answer]


def compare_sweep(folder: Path) -> None:
    """Compare the runs of a sweep. An error in the comparison is printed and hides no other error."""
    try:
        write_comparison([str(folder)])
    except Refused:
        pass  # no job left anything
    except Exception as error:
        said = " ".join(str(error).split())
        print(f"gmmbench: the comparison failed: {type(error).__name__}: {said}", file=sys.stderr)
