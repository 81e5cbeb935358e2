"""The runs below some folders, finished or failed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..api import TEST, Floats
from ..errors import Refused
from ..reporting.failure import RunFailure
from ..reporting.report import Report
from ..reporting.typed_json import contents
from ..storage.atomic import died, is_temporary


@dataclass(frozen=True, eq=False)
class FoundRun:
    """A run that left a report. `folder` names it for people, `path` is where it is."""

    folder: str
    path: Path
    report: Report

    @property
    def has_maps(self) -> bool:
        """Whether the maps of its scores are there."""
        return (self.path / "scores.npz").is_file()

    def maps(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Gain in nats over uniform, weight, and whether a pixel is held out: (H, W) each."""
        # np.load leaves the file open if it is no archive
        with (self.path / "scores.npz").open("rb") as file, np.load(file, allow_pickle=False) as scores:
            held = np.asarray(scores["split"] == TEST)
            return scores["gain"].astype(np.float64), scores["weight"].astype(np.float64), held


@dataclass(frozen=True, eq=False)
class FailedRun:
    """A run without a report that can be read: `failure` says why."""

    folder: str
    path: Path
    failure: RunFailure


def find(folders: Iterable[str | Path]) -> list[FoundRun | FailedRun]:
    """Every run at or below the folders, finished, failed or dead, in the order of their paths.

    Raises Refused: a folder does not exist, or there is no run in any.
    """
    given = [Path(folder) for folder in folders]
    found: dict[Path, FoundRun | FailedRun] = {}
    for top in given:
        if not top.is_dir():
            raise Refused(f"gmmbench compare: expected a folder, got {top}; try one that a sweep wrote")
        for folder, left in _places(top):
            name = str(folder.relative_to(top)) if len(given) == 1 else str(folder)
            run = FoundRun(name, folder, left) if isinstance(left, Report) else FailedRun(name, folder, left)
            found.setdefault(folder.resolve(), run)
    runs = [found[place] for place in sorted(found)]
    if not runs:
        raise Refused(
            f"gmmbench compare: expected runs (report.json) below {', '.join(map(str, given))}, "
            "got none; try the folder of a sweep"
        )
    return runs


def _places(top: Path) -> Iterator[tuple[Path, Report | RunFailure]]:
    """The folders of runs below a folder, each with what it left; then those of runs that died."""
    for folder, _, files in os.walk(top):  # another sweep may be changing it
        # a report is written last, when the run is complete: it takes precedence over a failure beside it
        name = next((name for name in ("report.json", "failure.json") if name in files), None)
        if name is not None and not is_temporary(Path(folder)):
            yield Path(folder), _read(Path(folder, name))
    yield from died(top)


def _read(file: Path) -> Report | RunFailure:
    """The report or the failure in a file; a file that cannot be read is a failure too."""
    kind = Report if file.name == "report.json" else RunFailure
    try:
        return kind.from_json(contents(file), file.name)
    except Refused as error:
        return RunFailure("unreadable", reason=str(error))
