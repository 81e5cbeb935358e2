"""The entries of a store: which folders are entries, which are left over, and which belong to somebody else.

A store may be a folder with other things in it, so that nothing is taken for an entry by its place alone.
An entry is a folder `<kind>/<first two digits>/<key>/`, named by a key and reached without a link, whose
manifest says the same kind and key.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import stat
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import atomic

KINDS = ("fits", "runs", "images")
"""What a store holds; each kind has a folder."""

MANIFEST = "manifest.json"
SCHEMA = "gmmbench-store"

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One thing in a store.

    Attributes:
        kind: one of KINDS.
        key: 64 hexadecimal digits.
        path: its folder.
        bytes: the size of its files.
        age_seconds: how long ago it was last used.
    """

    kind: str
    key: str
    path: Path
    bytes: int
    age_seconds: float


def is_key(text: str) -> bool:
    """Whether a text is a key: 64 hexadecimal digits, and so never a way out of a folder."""
    return _KEY.fullmatch(text) is not None


def place(store: Path, kind: str, key: str) -> Path:
    """The folder of an entry. Raises ValueError: no such kind, or not a key."""
    if kind not in KINDS or not is_key(key):
        raise ValueError(
            f"expected one of {', '.join(KINDS)} and a key of 64 hexadecimal digits: {kind}/{key}"
        )
    return store / kind / key[:2] / key


def linked(store: Path, path: Path) -> bool:
    """Whether a path below a store leads over a link, or to no folder at all."""
    inside = path.relative_to(store).parts
    return not all(_is_folder(store.joinpath(*inside[: depth + 1])) for depth in range(len(inside)))


def read_entry(path: Path, kind: str, key: str) -> dict[str, bytes]:
    """The files of an entry by name, without the manifest, checked against their digests.

    Raises:
        OSError, ValueError, LookupError, TypeError, AttributeError: there is none, or it is damaged.
    """
    manifest = _manifest(path, kind, key)
    if any(name != Path(name).name for name in manifest["files"]):
        raise ValueError("its files lie elsewhere")
    files = {name: (path / name).read_bytes() for name in manifest["files"]}
    for name, digest in manifest["files"].items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise ValueError(f"{name} has changed")
    return files


def entry_at(store: Path, kind: str, key: str) -> Entry | None:
    """The entry of a kind and key; None where there is none that is certainly ours."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        path = place(store, kind, key)
        if not linked(store, path):
            _manifest(path, kind, key)
            size = sum(file.lstat().st_size for file in path.iterdir())
            return Entry(kind, key, path, size, time.time() - (path / MANIFEST).lstat().st_mtime)
    return None


def entries_of(store: Path, kinds: Collection[str] = KINDS) -> Iterator[Entry]:
    """All entries of a store, kind by kind, in the order of their keys."""
    for kind, path in _candidates(store, kinds):
        if is_key(path.name) and path.parent.name == path.name[:2]:
            entry = entry_at(store, kind, path.name)
            if entry is not None:
                yield entry


def strangers_of(store: Path, kinds: Collection[str] = KINDS) -> Iterator[Path]:
    """Things in the places of entries that are not entries: they are not ours, or have no manifest."""
    for kind, path in _candidates(store, kinds):
        named = is_key(path.name) and path.parent.name == path.name[:2]
        if not atomic.is_temporary(path) and not (named and entry_at(store, kind, path.name)):
            yield path


def leftovers_of(store: Path, kinds: Collection[str] = KINDS) -> Iterator[Path]:
    """The temporary folders in which dead processes were writing entries."""
    for kind in kinds:
        for folder in _folders(store / kind):
            for path, name, alive in atomic.temporary_folders(folder, deep=False):
                if not alive and is_key(name) and name[:2] == folder.name:
                    yield path


def _candidates(store: Path, kinds: Collection[str]) -> Iterator[tuple[str, Path]]:
    for kind in kinds:
        for folder in _folders(store / kind):
            with contextlib.suppress(OSError):
                for path in sorted(folder.iterdir()):
                    yield kind, path


def _folders(path: Path) -> list[Path]:
    """The folders in a folder; links are not followed."""
    if not _is_folder(path):
        return []
    try:
        return sorted(inner for inner in path.iterdir() if _is_folder(inner))
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _manifest(path: Path, kind: str, key: str) -> Any:
    """The manifest of an entry. Raises OSError or ValueError: there is none, or it is of something else."""
    if not stat.S_ISREG((path / MANIFEST).lstat().st_mode):
        raise ValueError("its manifest is no file")
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
    except RecursionError as error:
        raise ValueError("its manifest is none of ours") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ValueError("its manifest is none of ours")
    if [manifest.get(name) for name in ("schema", "kind", "key")] != [SCHEMA, kind, key]:
        raise ValueError("its manifest is that of another entry")
    return manifest
