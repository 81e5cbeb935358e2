"""The only writer of files: every file is whole or not there."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..api import Bytes
from ..errors import Refused
from ..reporting.animation import ANIMATIONS, animation
from ..results import Outcome, Run
from .atomic import TemporaryFolder, atomic_write, died, is_temporary, remove_leftovers

if TYPE_CHECKING:
    from ..reporting.report import Report


SCORES_VERSION = 2
"""Of scores.npz; raised whenever one of its arrays changes its meaning or goes."""

SHORT = 10
"""Hexadecimal digits of a key in the name of a folder."""

ALWAYS = ("original.png", "scores.npz", "config.yaml", "report.md", "report.json")
"""What every run writes."""


def save(outcome: Outcome, folder: str | Path) -> Report:
    """Write a run's pictures, scores and report into an empty or new folder.

    Files: `original.png`, one picture a renderer (`grid.png`; an animation as GIF and WebP besides),
    `scores.npz` (maps of the scores and the split, see docs/report.md), `config.yaml`, `report.md` and,
    last, `report.json`: where it stands, the run is whole.

    Returns:
        The report that was written.

    Raises:
        Refused: the folder cannot be made or written, or holds something already.
    """
    from ..reporting.report import Report

    target = prepare(folder)
    report = Report.of(outcome)
    temporary = TemporaryFolder.beside(target)
    try:
        if not temporary.publish(files_of(outcome, report)):
            raise Refused(taken(target))
    finally:
        temporary.discard()
    return report


def files_of(outcome: Outcome, report: Report) -> dict[str, bytes]:
    """The files of a run by name, `report.json` last."""
    from omegaconf import OmegaConf

    from ..running.provenance import config_of

    about = _provenance(outcome.run, outcome.study.image.sha256)
    files = {"original.png": _png(outcome.study.image.pixels(), about)}
    for option, picture in outcome.pictures.items():
        described = {**about, "Description": picture.caption}
        files[f"{option}.png"] = _png(picture.pixels, described)
        if picture.frames:
            for kind in ANIMATIONS:
                files[f"{option}.{kind}"] = animation(picture, kind, described)
    scores = io.BytesIO()
    found = outcome.scores
    np.savez_compressed(
        scores,
        version=np.array(SCORES_VERSION),
        convention=np.array(found.values["gain"].convention),
        gain=found.gain,
        weight=found.weight,
        log_likelihood=found.log_likelihood,
        split=outcome.study.split.codes,
    )
    return {
        **files,
        "scores.npz": scores.getvalue(),
        "config.yaml": OmegaConf.to_yaml(OmegaConf.create(config_of(outcome.run))).encode(),
        **files_of_report(report),
    }


def files_of_report(report: Report) -> dict[str, bytes]:
    """The report for people and, last, for programs."""
    return {"report.md": report.to_markdown().encode(), "report.json": report.to_json().encode()}


def standing(folder: Path, key: str | None) -> str:
    """What stands in the place of a run.

    "free": nothing; "done": the whole run; "failed": a failure, which may be replaced; "part": what is left
    of this run, to be filled up; "taken": what is somebody else's. A folder that bears the key in its name
    is the run's own.
    """
    if not folder.is_dir():
        return "free" if not folder.exists() else "taken"
    names = {path.name for path in folder.iterdir() if not is_temporary(path)}
    if not names:
        return "free"
    own = key is not None and folder.name.endswith(f"-{key[:SHORT]}")
    if names <= {"failure.txt", "failure.json"}:
        return "failed"
    try:
        report = json.loads((folder / "report.json").read_bytes())
        own = own or (key is not None and report["keys"]["run"] == key)
        drawn = [file for picture in report["pictures"] for file in (picture["file"], *picture["animations"])]
        if own and not report["failed"] and {*drawn, *ALWAYS} <= names:
            return "done"
    except (OSError, ValueError, LookupError, TypeError):
        pass
    return "part" if own else "taken"


def place_of(run: Run, image: str, key: str) -> str:
    """The name of a run's folder in a sweep: what it is in words, and the beginning of its key."""
    words = (image, run.choices.get("model", run.model.name), f"s{run.seed}", key[:SHORT])
    return "-".join(re.sub(r"[^\w.+]+", "_", str(word))[:40] for word in words).lstrip(".")


def taken(path: Path) -> str:
    """The line that refuses a folder that holds something else."""
    return f"output folder {path}: expected a new or empty folder, got one with files in it; try another name"


def prepare(folder: str | Path) -> Path:
    """Make an output folder, or make sure that one is empty. Raises Refused, naming it."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise Refused(taken(path))
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise Refused(bad_folder(path, error)) from error
    return path


def bad_folder(path: str | Path, error: OSError) -> str:
    """The line that refuses a folder that the system refuses."""
    reason = error.strerror or str(error)
    return (
        f"output folder {path}: expected a folder that can be written, got '{reason}'; "
        "try another: hydra.run.dir=results, or of a sweep hydra.sweep.dir=results"
    )


def prune(folder: str | Path | None, before: Path | None) -> None:
    """Remove a folder that came to nothing, and the parents made for it, where they are empty.

    `before` is the innermost folder of the path that was there before; without it nothing is removed.
    """
    if folder is None or before is None:
        return
    path = Path(folder).resolve()
    with contextlib.suppress(OSError):  # not empty, or not there: both are fine
        while path != before and before in path.parents:
            path.rmdir()
            path = path.parent


def tidy_sweep(folder: str | Path | None, before: Path | None) -> None:
    """Remove the folder of a sweep none of whose jobs began: it holds Hydra's multirun.yaml alone."""
    if folder is None:
        return
    path = Path(folder)
    if path.is_dir() and [item.name for item in path.iterdir()] == ["multirun.yaml"]:
        (path / "multirun.yaml").unlink()
        prune(path, before)


def save_failure(folder: str | Path, text: str) -> Path:
    """Keep the traceback of a run that failed, in its folder; return the file."""
    path = Path(folder) / "failure.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text.encode())
    return path


def save_reason(
    folder: str | Path, kind: str, overrides: Sequence[str], reason: str, traceback: str = ""
) -> None:
    """Save why a job of a sweep failed as `failure.json`, and how it crashed as `failure.txt`.

    They replace an earlier failure. Where the run itself is complete nothing is written.
    """
    path = Path(folder)
    if standing(path, None) == "taken":
        return
    told = {"kind": kind, "overrides": list(overrides), "reason": reason}
    files = {"failure.txt": traceback.encode()} if traceback else {}
    files["failure.json"] = (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()
    temporary = TemporaryFolder.beside(path)
    try:
        temporary.publish(files, replace=True)
    finally:
        temporary.discard()


def save_end(place: Path, kind: str, overrides: Sequence[str], reason: str) -> None:
    """Save how a job's process was ended, in place of the temporary folder that it left."""
    left = left_by(place, overrides)
    for folder in left or [unnamed(place, overrides)]:
        save_reason(folder, kind, overrides, reason)
        remove_leftovers(place, folder.name)


def left_by(place: Path, overrides: Sequence[str]) -> list[Path]:
    """The folders that dead processes did not finish, for a job with these overrides."""
    return [folder for folder, told in died(place) if tuple(told["overrides"]) == tuple(overrides)]


def unnamed(place: Path, overrides: Sequence[str]) -> Path:
    """Where a job of a sweep fails before its key is known."""
    return place / f"failed-{hash_of(overrides)[:SHORT]}"


def hash_of(overrides: Sequence[str]) -> str:
    """SHA-256 of a job's overrides."""
    return hashlib.sha256("\n".join(overrides).encode()).hexdigest()


def save_comparison(files: Mapping[str, str], folder: str | Path) -> list[Path]:
    """Write the files of a comparison, by name (`comparing.formats`), into a folder; return their paths."""
    for name, content in files.items():
        atomic_write(Path(folder) / name, content.encode())
    return [Path(folder) / name for name in files]


def _provenance(run: Run, sha256: str) -> dict[str, str]:
    """What made a picture, without times: the same run gives the same bytes."""
    from ..running.provenance import config_of, versions

    made = {"config": config_of(run), "image_sha256": sha256}
    software = f"gmmbench {versions(type(run.model))['gmmbench']}"
    return {"Software": software, "gmmbench": json.dumps(made, ensure_ascii=True)}


def _png(pixels: Bytes, about: dict[str, str]) -> bytes:
    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, text in about.items():
        info.add_itxt(key, text)
    data = io.BytesIO()
    Pillow.fromarray(pixels).save(data, "PNG", pnginfo=info, optimize=True)
    return data.getvalue()
