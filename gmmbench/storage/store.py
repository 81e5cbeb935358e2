"""The store: fits, images and what runs have written, each under the key of all that it depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import registry
from ..api import Image, Model, Split, Study
from ..errors import Refused
from ..results import Learnt
from . import atomic
from .serialization import files_of, files_of_image, image_of, learnt_of, to_json

KINDS = ("fits", "runs", "images")
MANIFEST = "manifest.json"

log = logging.getLogger(__name__)


def default_folder() -> Path:
    """GMMBENCH_STORE, or a folder in the user's cache."""
    if named := os.environ.get("GMMBENCH_STORE"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    cache = Path(home) if home else Path("~/.cache").expanduser()
    return cache / "gmmbench" / "store"


@dataclass(frozen=True)
class Entry:
    """One thing that is kept: its kind (one of KINDS), key, size, and how long ago it was last used."""

    kind: str
    key: str
    path: Path
    bytes: int
    age_seconds: float


class Store:
    """A folder of results that later runs, and other processes, need not make again.

    An entry is a folder that appears whole, with a manifest of checksums; one that was damaged since is
    removed, said in the log, and made anew. Processes may share the folder: who comes second with the same
    entry discards his own. What cannot be written is said, and costs no run.

    Args:
        folder: None for GMMBENCH_STORE, or else the user's cache folder.

    Example:
        >>> import gmmbench, tempfile
        >>> store = gmmbench.Store(tempfile.mkdtemp())
        >>> run = gmmbench.compose("image=dog", "image.max_side=60", "model.components=5")
        >>> [gmmbench.execute(run, store=store).cost.cached for _ in range(2)]
        [False, True]
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder).expanduser() if folder is not None else default_folder()

    def recall(self, key: str, model: Model) -> Learnt | None:
        """The fit of a key, its cost marked as cached; None where there is none that is whole."""
        files = self.get("fits", key)
        if files is None:
            return None
        try:
            return learnt_of(files, type(model))
        except Exception as error:  # a plugin's `load` must not cost a run
            self._drop("fits", key, f"{type(error).__name__}: {' '.join(str(error).split())}")
            return None

    def keep(self, key: str, about: Mapping[str, Any], learnt: Learnt) -> None:
        """Keep a fit under its key; one without a `save` is not kept."""
        try:
            files = files_of(learnt, about)
        except Exception as error:  # nor must its `save`
            said = " ".join(str(error).split())
            log.warning("store: this fit cannot be kept: %s: %s", type(error).__name__, said)
            return
        if files is not None:
            self.put("fits", key, files)

    def keep_image(self, key: str, image: Image) -> None:
        """Keep an image under its key, or take down that it was used."""
        try:
            os.utime(self._path("images", key) / MANIFEST)
        except OSError:
            self.put("images", key, files_of_image(image))

    def open(self, what: str | Path) -> Study:
        """A fit once more, as renderers see it: of a run's folder, or of the key of a fit.

        Raises:
            Refused: there is no such fit, or its model is not installed.
        """
        report, key = None, str(what)
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            report = json.loads((Path(what) / "report.json").read_bytes())
            key = report["keys"]["fit"]
        files = self.get("fits", key) if key else None
        if files is None:
            raise Refused(
                f"store {self.folder}: expected the folder of a run whose fit is kept, or a fit's key, "
                f"got {what}; try to run its command again"
            )
        about = json.loads(files["about.json"])
        kept = self.get("images", about["image"])
        if kept is None:
            raise Refused(
                f"store {self.folder}: expected the image of {what}, got none; try its command again"
            )
        image = image_of(kept)
        if report is not None:  # the same pixels may bear another name there
            told = report["image"]
            image = replace(image, name=told["name"], sha256=told["sha256"], notes=tuple(told["notes"]))
        model = registry.load().lookup("model", about["model"]["name"])
        learnt = learnt_of(files, model)  # type: ignore[arg-type]  # the group holds models alone
        split = Split.draw(image.lattice, about["seed"], about["hold_out"], block=about["hold_out_block"])
        return Study(image, split, learnt.fitted, history=learnt.history)

    def get(self, kind: str, key: str) -> dict[str, bytes] | None:
        """The files of an entry; None where there is none, or it is damaged, and then it is removed."""
        folder = self._path(kind, key)
        try:
            manifest = json.loads((folder / MANIFEST).read_bytes())
            if (manifest["kind"], manifest["key"]) != (kind, key):
                raise ValueError("it is another entry's manifest")
            if any(name != Path(name).name for name in manifest["files"]):
                raise ValueError("its files lie elsewhere")
            files = {name: (folder / name).read_bytes() for name in manifest["files"]}
            for name, digest in manifest["files"].items():
                if hashlib.sha256(files[name]).hexdigest() != digest:
                    raise ValueError(f"{name} has changed")
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            if folder.is_dir():
                self._drop(kind, key, " ".join(str(error).split()))
            return None
        with contextlib.suppress(OSError):
            os.utime(folder / MANIFEST)  # when it was last used
        return files

    def put(self, kind: str, key: str, files: Mapping[str, bytes]) -> None:
        """Keep files under a key, unless it has some already."""
        folder = self._path(kind, key)
        if folder.is_dir():
            return
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        manifest = {"schema": "gmmbench-store", "kind": kind, "key": key, "files": digests}
        try:
            draft = atomic.Draft.of(folder)
            try:
                draft.publish({**files, MANIFEST: to_json(manifest)})
            finally:
                draft.discard()
            atomic.sweep_up(folder.parent)
        except OSError as error:
            log.warning("store %s: nothing is kept there: %s", self.folder, error.strerror or error)

    def entries(self) -> Iterator[Entry]:
        """All that is kept, kind by kind."""
        now = time.time()
        for kind in KINDS:
            for path in sorted((self.folder / kind).glob("*/*")):
                if not path.name.startswith("."):
                    with contextlib.suppress(OSError):  # somebody else removed it
                        size = sum(file.stat().st_size for file in path.iterdir())
                        yield Entry(kind, path.name, path, size, now - _used(path))

    def clean(self, older_seconds: float = 0.0, damaged: bool = False) -> list[Entry]:
        """Remove what was last used so long ago, or only what is damaged; return it.

        What dead processes left half-made goes in any case.
        """
        atomic.sweep_up(self.folder, deep=True)
        gone = []
        for entry in self.entries():
            if damaged:
                if self.get(entry.kind, entry.key) is not None:
                    continue
            elif entry.age_seconds < older_seconds:
                continue
            atomic.set_aside(entry.path)
            gone.append(entry)
        return gone

    def _path(self, kind: str, key: str) -> Path:
        name = key if key.isalnum() else "none"  # a key is a name, never a way out of the folder
        return self.folder / kind / name[:2] / name

    def _drop(self, kind: str, key: str, why: str) -> None:
        log.warning("store: %s/%s is damaged and made anew (%s)", kind, key[:10], why)
        with contextlib.suppress(OSError):
            atomic.set_aside(self._path(kind, key))


def _used(path: Path) -> float:
    manifest = path / MANIFEST
    return (manifest if manifest.exists() else path).stat().st_mtime
