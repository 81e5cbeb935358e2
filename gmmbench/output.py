"""The only writer of files: every file is whole or not there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .animation import ANIMATIONS, animation
from .api import Bytes
from .knobs import Refused
from .outcome import Outcome, Run

if TYPE_CHECKING:
    from .compare import Comparison
    from .report import Report


SCORES_VERSION = 2
"""Of scores.npz; raised whenever one of its arrays changes its meaning or goes."""


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
    from omegaconf import OmegaConf

    from .report import Report, config_of

    target = prepare(folder)
    report = Report.of(outcome)
    about = _provenance(outcome.run, outcome.study.image.sha256)
    atomic_write(target / "original.png", _png(outcome.study.image.pixels(), about))
    for option, picture in outcome.pictures.items():
        described = {**about, "Description": picture.caption}
        atomic_write(target / f"{option}.png", _png(picture.pixels, described))
        if picture.frames:
            for kind in ANIMATIONS:
                atomic_write(target / f"{option}.{kind}", animation(picture, kind, described))
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
    atomic_write(target / "scores.npz", scores.getvalue())
    atomic_write(target / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config_of(outcome.run))).encode())
    atomic_write(target / "report.md", report.to_markdown().encode())
    atomic_write(target / "report.json", report.to_json().encode())
    return report


def prepare(folder: str | Path) -> Path:
    """Make an output folder, or make sure that one is empty. Raises Refused, naming it."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise Refused(
                f"output folder {path}: expected a new or empty folder, got one with files in it; "
                "try another name"
            )
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
        "try hydra.run.dir=results"
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


def save_reason(folder: str | Path, kind: str, overrides: Sequence[str], reason: str) -> None:
    """Keep why a job of a sweep came to nothing as `failure.json`, unless its folder holds something else."""
    path = Path(folder)
    if path.is_dir() and any(item.name != "failure.txt" for item in path.iterdir()):
        return
    path.mkdir(parents=True, exist_ok=True)
    told = {"kind": kind, "overrides": list(overrides), "reason": reason}
    atomic_write(path / "failure.json", (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())


def save_comparison(found: Comparison, folder: str | Path) -> list[Path]:
    """Write `comparison.html`, `.md`, `.json` and `.csv` (a row a run) into a folder; return the files."""
    files = {
        "comparison.html": found.to_html(folder),
        "comparison.md": found.to_markdown(),
        "comparison.json": found.to_json(),
        "comparison.csv": found.to_csv(),
    }
    for name, content in files.items():
        atomic_write(Path(folder) / name, content.encode())
    return [Path(folder) / name for name in files]


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that it is seen whole or not at all: temporary name, fsync, rename."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)  # mkstemp makes it private
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _provenance(run: Run, sha256: str) -> dict[str, str]:
    """What made a picture, without times: the same run gives the same bytes."""
    from .report import config_of, versions

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
