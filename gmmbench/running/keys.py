"""Keys: the SHA-256 of all that a fit or a run depends on. Equal keys have equal results."""

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
from ..plain_data import plain
from ..results import Keys, Run
from .provenance import config_of, options_of, versions

KEY_VERSION = 1
"""Raised when a change that is in no source file, such as one of the stored data, makes old results wrong."""

PACKAGE = Path(__file__).parents[1]

FIT = (
    "api.py",
    "options.py",
    "results.py",
    "mixture_fit.py",
    "plain_data.py",
    "mixture",
    "images",
    "scoring",
    "running",
)
"""The sources below the package that a fit and its scores depend on, in addition to those of its model."""

RUN = ("reporting", "storage")
"""Further sources that the files of a run depend on, in addition to those of its renderers."""


def of_image(image: Image) -> str:
    """The key of an image as decoded, in its view; its name and file do not matter."""
    values = np.ascontiguousarray(image.values)
    head = json.dumps([image.view, values.shape, values.dtype.str])
    return hashlib.sha256(head.encode() + values.tobytes()).hexdigest()


def keys_of(run: Run, image: Image) -> Keys:
    """The keys of a run: of its fit and scores, and of all that it writes.

    A key is None if a plugin has no source files. The number of threads is left out, because a fit does not
    depend on it beyond rounding.
    """
    about = {
        "key_version": KEY_VERSION,
        "image": of_image(image),
        "view": image.view,
        "shape": list(image.lattice.shape),
        **{key: value for key, value in run.run_options().items() if key != "threads"},
        "model": {"name": run.model.name, **options_of(run.model)},
        "code": [_sources(FIT), *_code(run.model)],
        "history": run.remembers(image.view),
    }
    if None in about["code"]:
        return Keys()
    fit = _digest(about)
    config = {key: value for key, value in config_of(run).items() if key != "threads"}
    described = [image.name, image.sha256, image.notes, dict(run.choices)]
    code = [_sources(RUN)]
    for choice in (run.image, *run.renders.values()):
        code += _code(choice)
    written = None
    if None not in code:
        written = _digest({"fit": fit, "config": config, "told": described, "code": code})
    return Keys(run=written, fit=fit, about=plain(about))


def _digest(about: Mapping[str, Any]) -> str:
    text = json.dumps(plain(about), sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _code(choice: Choice) -> list[Any]:
    """The versions behind a choice, and the digest of the package that contains it.

    For a built-in this is the package of its kind, such as gmmbench/models. For a plugin it is the plugin's
    own, because editing a plugin does not raise its version.
    """
    module = type(choice).__module__
    parts = module.split(".")
    sources = _sources((parts[1],)) if parts[0] == PACKAGE.name else _package(parts[0]) or _package(module)
    return [versions(type(choice)), sources]


@cache
def _sources(names: tuple[str, ...]) -> str | None:
    """The digest of Python files, and of folders of them, below our package."""
    files = [path for name in names for path in (PACKAGE / name).rglob("*.py")]
    files += [PACKAGE / name for name in names if name.endswith(".py")]
    return _digest_of(files, PACKAGE)


@cache
def _package(name: str) -> str | None:
    """The digest of every Python file of an imported package, or of a module; None if there is none."""
    module = sys.modules.get(name)
    folders = [Path(folder) for folder in getattr(module, "__path__", [])]
    if folders:
        return _digest_of([path for folder in folders for path in folder.rglob("*.py")], folders[0])
    file = getattr(module, "__file__", None)
    return None if file is None else _digest_of([Path(file)], Path(file).parent)


def _digest_of(files: list[Path], top: Path) -> str | None:
    """The digest of files and their paths below a folder; None without files, or if one is unreadable."""
    found = hashlib.sha256()
    try:
        for path in sorted(files):
            place = path.relative_to(top).as_posix() if path.is_relative_to(top) else path.name
            found.update(place.encode() + b"\0" + path.read_bytes() + b"\0")
    except OSError:
        return None
    return found.hexdigest() if files else None
