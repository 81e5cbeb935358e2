"""The runs below some folders, finished or failed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..api import TEST, Floats
from ..errors import Refused
from ..reporting import typed_json
from ..reporting.report import SCHEMA_VERSION
from ..storage.atomic import died, is_temporary

NEEDED = ("image", "model", "seed", "hold_out", "hold_out_block", "gain", "ranked", "fit", "cost", "config")
PARTS = ("image", "model", "gain", "fit", "cost", "config")
"""Keys of a report that hold objects."""


@dataclass(frozen=True, eq=False)
class FoundRun:
    """A run that was found: `report` holds its report.json, or is empty, and then `failure` says why.

    `folder` names it for people, `path` is where it is.
    """

    folder: str
    path: Path
    report: Mapping[str, Any]
    failure: Mapping[str, Any]

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


def find(folders: Iterable[str | Path]) -> list[FoundRun]:
    """Every run at or below the folders, finished, failed or dead, in the order of their paths.

    Raises Refused: a folder does not exist, or there is no run in any.
    """
    given = [Path(folder) for folder in folders]
    found: dict[Path, FoundRun] = {}
    for top in given:
        if not top.is_dir():
            raise Refused(f"gmmbench compare: expected a folder, got {top}; try one that a sweep wrote")
        for folder, content in _places(top):
            name = str(folder.relative_to(top)) if len(given) == 1 else str(folder)
            if folder.resolve() not in found:
                found[folder.resolve()] = FoundRun(name, folder, *content)
    runs = [found[place] for place in sorted(found)]
    if not runs:
        raise Refused(
            f"gmmbench compare: expected runs (report.json) below {', '.join(map(str, given))}, "
            "got none; try the folder of a sweep"
        )
    return runs


def _places(top: Path) -> Iterator[tuple[Path, tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    """The folders of runs below a folder, each with its report and failure; then those of runs that died."""
    for folder, _, files in os.walk(top):  # another sweep may be changing it
        # a report is written last, when the run is complete: it takes precedence over a failure beside it
        name = next((name for name in ("report.json", "failure.json") if name in files), None)
        if name is not None and not is_temporary(Path(folder)):
            yield Path(folder), _read(Path(folder, name))
    for place, failure in died(top):
        yield place, ({}, failure)


def _read(file: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The report and the failure in a file: one of them is empty."""
    try:
        data = typed_json.read(file)
    except ValueError as error:
        return {}, _unreadable(f"{file.name}: {error}")
    if file.name == "failure.json":
        return {}, _failure(data)
    schema = ("gmmbench-report", SCHEMA_VERSION)
    if not isinstance(data, dict) or (data.get("schema"), data.get("schema_version")) != schema:
        return {}, _unreadable(f"report.json: expected schema gmmbench-report, version {SCHEMA_VERSION}")
    if missing := [key for key in NEEDED if data.get(key) is None]:
        return {}, _unreadable(f"report.json: expected the key {missing[0]}, got none")
    if odd := [key for key in PARTS if not isinstance(data[key], dict)]:
        return {}, _unreadable(f"report.json: expected {odd[0]} to be an object")
    return data, {}


def _failure(data: Any) -> Mapping[str, Any]:
    """What failure.json says, checked: text, and a list of overrides."""
    if not isinstance(data, dict):
        return _unreadable("failure.json: expected an object")
    told = {"kind": data.get("kind", "failed"), "reason": data.get("reason", "")}
    overrides = data.get("overrides", [])
    texts = [*told.values(), *(overrides if isinstance(overrides, list) else [overrides])]
    if not isinstance(overrides, list) or not all(isinstance(text, str) for text in texts):
        return _unreadable("failure.json: expected kind and reason as text, and a list of overrides")
    return {**told, "overrides": overrides}


def _unreadable(reason: str) -> Mapping[str, Any]:
    return {"kind": "unreadable", "reason": reason, "overrides": []}
