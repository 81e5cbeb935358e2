"""The comparison of the runs in some folders, written into the first of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import Refused
from ..storage import run_files


def write_comparison(folders: Sequence[str]) -> int:
    """Compare the runs below the folders; the files go into the first."""
    from ..comparing.compare import compare, find

    if not folders:
        raise Refused("gmmbench compare: expected a folder of runs, got none; try gmmbench compare multirun")
    before = None
    while before != (found := [(entry.folder, entry.failure) for entry in find(folders)]):
        # another sweep may have finished a run meanwhile: who writes last has seen all
        before, files = found, run_files.save_comparison(compare(folders), folders[0])
    for file in files:
        print(f"comparison: {file}", flush=True)
    return 0


def compare_sweep(folder: Path) -> None:
    """Compare the runs of a sweep; what goes wrong with that is said, and hides nothing else."""
    try:
        write_comparison([str(folder)])
    except Refused:
        pass  # no job left anything
    except Exception as error:
        said = " ".join(str(error).split())
        print(f"gmmbench: the comparison failed: {type(error).__name__}: {said}", file=sys.stderr)
