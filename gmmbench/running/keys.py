"""Keys: the SHA-256 of all that a fit, or a run, depends on; what has one key has one result."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..api import Choice, Image
from ..results import Run
from .provenance import config_of, options_of, plain, versions

KEY_VERSION = 1
"""Raised whenever a change that no source file shows (of what is stored, say) makes old results wrong."""


def of_image(image: Image) -> str:
    """Of an image as it was decoded, in its view: the name and the file do not matter."""
    values = np.ascontiguousarray(image.values)
    head = json.dumps([image.view, values.shape, values.dtype.str])
    return hashlib.sha256(head.encode() + values.tobytes()).hexdigest()


def of_fit(run: Run, image: Image) -> tuple[str, dict[str, Any]] | None:
    """The key of a run's fit and scores, and what went into it; None where its model has no source files.

    The number of threads is left out: a fit does not depend on it beyond rounding.
    """
    code = _code(type(run.model))
    if code is None:
        return None
    about = {
        "key_version": KEY_VERSION,
        "image": of_image(image),
        "view": image.view,
        "shape": list(image.lattice.shape),
        **{key: value for key, value in run.run_options().items() if key != "threads"},
        "model": {"name": run.model.name, **options_of(run.model)},
        "code": code,
        "history": run.remembers(image.view),
    }
    return _digest(about), plain(about)


def of_run(run: Run, image: Image) -> str | None:
    """The key of all that a run writes: its fit, its pictures, and the words it is described by."""
    fit = of_fit(run, image)
    codes = [_code(type(choice)) for choice in (run.image, *run.renders.values())]
    if fit is None or None in codes:
        return None
    config = {key: value for key, value in config_of(run).items() if key != "threads"}
    told = [image.name, image.sha256, image.notes, dict(run.choices)]
    return _digest({"fit": fit[0], "config": config, "told": told, "code": codes})


def _digest(about: Mapping[str, Any]) -> str:
    text = json.dumps(plain(about), sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _code(cls: type[Choice]) -> dict[str, Any] | None:
    """The versions behind a class, and the sources of its package and ours: who edits raises no version."""
    package = cls.__module__.partition(".")[0]
    sources = [_source("gmmbench"), _source(package) or _source(cls.__module__)]
    if None in sources:
        return None
    return {"versions": versions(cls), "sources": sources}


@cache
def _source(package: str) -> str | None:
    """The digest of every Python file of a package, or of a module; None where there is none."""
    module = sys.modules.get(package)
    folders = [Path(folder) for folder in getattr(module, "__path__", [])]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    file = getattr(module, "__file__", None)
    if not folders and file is not None:
        files = [Path(file)]
    found = hashlib.sha256()
    try:
        for path in sorted(files):
            found.update(path.name.encode() + b"\0" + path.read_bytes())
    except OSError:
        return None
    return found.hexdigest() if files else None
