"""The files of a run: what they hold, in which folder they belong, and how a failure is recorded."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..api import Bytes
from ..errors import Refused
from ..reporting.animation import ANIMATIONS, animation
from ..reporting.failure import RunFailure
from ..reporting.report import Report
from ..reporting.report_markdown import to_markdown
from ..reporting.typed_json import contents
from ..results import Outcome, Run
from .atomic import TemporaryFolder, atomic_write, died, is_temporary, remove_leftovers

SCORES_VERSION = 2
"""The version of scores.npz, raised whenever one of its arrays changes its meaning or is removed."""

SHORT = 10
"""The number of hexadecimal digits of a key in the name of a folder."""

ALWAYS = ("original.png", "scores.npz", "config.yaml", "report.md", "report.json")
"""The files that every run writes."""


def save(outcome: Outcome, folder: str | Path) -> Report:
    """Write a run's pictures, scores and report into an empty or new folder.

    The files are `original.png`, one picture for each renderer (`grid.png`; of an animation also a GIF and
    a WebP), `scores.npz` (maps of the scores and the split, see docs/report.md), `config.yaml`, `report.md`
    and, last, `report.json`: a folder that has it holds a complete run.

    Returns:
        The report that was written.

    Raises:
        Refused: the folder cannot be made or written, or holds something already.
    """
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
    """The report for people and, last, the one for programs."""
    return {"report.md": to_markdown(report).encode(), "report.json": report.to_json().encode()}


def state_of(folder: Path, key: str | None) -> str:
    """The contents of the folder of a run.

    Args:
        folder: the folder that the run writes.
        key: the key of the run; None if it is not known. A folder with the key in its name is the run's own.

    Returns:
        "free": nothing; "done": the complete run; "failed": a failure, which may be replaced; "part": some
        files of this run, the others are to be written; "taken": anything else.
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
        report = Report.from_json(contents(folder / "report.json"))
        own = own or (key is not None and report.keys.run == key)
        drawn = [file for picture in report.pictures for file in picture.files]
        if own and not report.failed and {*drawn, *ALWAYS} <= names:
            return "done"
    except Refused:
        pass
    return "part" if own else "taken"


def folder_name(run: Run, image: str, key: str) -> str:
    """The name of a run's folder in a sweep: image, model, seed, and the beginning of the run's key."""
    words = (image, run.choices.get("model", run.model.name), f"s{run.seed}", key[:SHORT])
    return "-".join(re.sub(r"[^\w.+]+", "_", str(word))[:40] for word in words).lstrip(".")


def taken(path: Path) -> str:
    """The line that refuses a folder with other files in it."""
    return f"output folder {path}: expected a new or empty folder, got one with files in it; try another name"


def prepare(folder: str | Path) -> Path:
    """Make an output folder, or check that it is empty. Raises Refused, naming it."""
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
    """The line for a folder that the system cannot make or write."""
    reason = error.strerror or str(error)
    return (
        f"output folder {path}: expected a folder that can be written, got '{reason}'; "
        "try another: hydra.run.dir=results, or for a sweep hydra.sweep.dir=results"
    )


def prune(folder: str | Path | None, before: Path | None) -> None:
    """Remove the empty folder of a run that wrote nothing, and the empty parents that were made for it.

    Args:
        folder: the folder.
        before: the innermost folder on its path that was there before; with None nothing is removed.
    """
    if folder is None or before is None:
        return
    path = Path(folder).resolve()
    with contextlib.suppress(OSError):  # it is not empty, or not there
        while path != before and before in path.parents:
            path.rmdir()
            path = path.parent


def tidy_sweep(folder: str | Path | None, before: Path | None) -> None:
    """Remove the folder of a sweep in which no job began: it holds only Hydra's multirun.yaml."""
    if folder is None:
        return
    path = Path(folder)
    if path.is_dir() and [item.name for item in path.iterdir()] == ["multirun.yaml"]:
        (path / "multirun.yaml").unlink()
        prune(path, before)


def save_failure(folder: str | Path, text: str) -> Path:
    """Save the traceback of a run that failed, in its folder; return the file."""
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
    if state_of(path, None) == "taken":
        return
    files = {"failure.txt": traceback.encode()} if traceback else {}
    files["failure.json"] = RunFailure(kind, tuple(overrides), reason).to_json().encode()
    temporary = TemporaryFolder.beside(path)
    try:
        temporary.publish(files, replace=True)
    finally:
        temporary.discard()


def save_end(place: Path, kind: str, overrides: Sequence[str], reason: str) -> None:
    """Save how a job's process was ended, in place of the temporary folder that it left."""
    left = left_by(place, overrides)
    for folder in left or [failed_folder(place, overrides)]:
        save_reason(folder, kind, overrides, reason)
        remove_leftovers(place, folder.name)


def left_by(place: Path, overrides: Sequence[str]) -> list[Path]:
    """The folders that dead processes did not finish, for a job with these overrides."""
    return [folder for folder, failure in died(place) if failure.overrides == tuple(overrides)]


def failed_folder(place: Path, overrides: Sequence[str]) -> Path:
    """The folder for a job of a sweep that fails before its key is known."""
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
    """The origin of a picture. It has no times, so that the same run gives the same bytes."""
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
