"""The store: caches fits, images and the files of runs, each under a key of all that it depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from .. import registry
from ..api import Image, Model, Split, Study
from ..errors import Refused, unknown
from ..plain_data import to_json
from ..reporting.report import Report
from ..reporting.typed_json import contents
from ..results import Learnt
from . import atomic, entries
from .entries import KINDS, MANIFEST, SCHEMA, Entry
from .serialization import files_of, files_of_image, image_of, learnt_of

log = logging.getLogger(__name__)


def default_folder() -> Path:
    """The folder in GMMBENCH_STORE, else gmmbench/store in the user's cache folder."""
    if named := os.environ.get("GMMBENCH_STORE", "").strip():
        return Path(named).expanduser()
    return user_cache_path("gmmbench", appauthor=False) / "store"


class Store:
    """A folder of results that later runs, and other processes, read instead of computing them again.

    An entry is a folder that appears complete, with a manifest of checksums. A damaged entry is logged,
    removed and computed again. Several processes may share the folder: if two write the same entry, the
    second one discards its own. If the folder cannot be written, that is logged and the run goes on.

    Args:
        folder: None for GMMBENCH_STORE, or else a folder in the user's cache.

    Raises:
        Refused: `folder` is empty.

    Example:
        >>> import gmmbench, tempfile
        >>> store = gmmbench.Store(tempfile.mkdtemp())
        >>> run = gmmbench.compose("image=dog", "image.max_side=60", "model.components=5")
        >>> [gmmbench.execute(run, store=store).cost.cached for _ in range(2)]
        [False, True]
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder is not None and not str(folder).strip():
            raise Refused("store.dir: expected the name of a folder or null, got nothing; try store.dir=null")
        self.folder = Path(folder).expanduser() if folder is not None else default_folder()

    def load_fit(self, key: str, model: Model) -> Learnt | None:
        """The fit of a key, its cost marked as cached; None where there is no intact one."""
        files = self.get("fits", key)
        if files is None:
            return None
        try:
            return learnt_of(files, type(model))
        except Exception as error:  # an error in a plugin's `load` must not end the run
            self._drop("fits", key, f"{type(error).__name__}: {' '.join(str(error).split())}")
            return None

    def store_fit(self, key: str, about: Mapping[str, Any], learnt: Learnt) -> None:
        """Store a fit under its key. A fit without `save` is not stored."""
        try:
            files = files_of(learnt, about)
        except Exception as error:  # nor must one in its `save`
            said = " ".join(str(error).split())
            log.warning("store: this fit cannot be stored: %s: %s", type(error).__name__, said)
            return
        if files is not None:
            self.put("fits", key, files)

    def store_image(self, key: str, image: Image) -> None:
        """Store an image under its key or, if it is there, note that it was used."""
        try:
            os.utime(self._path("images", key) / MANIFEST)
        except OSError:
            self.put("images", key, files_of_image(image))

    def open(self, what: str | Path) -> Study:
        """A stored fit as renderers see it.

        Args:
            what: the folder of a run, or the key of a fit.

        Raises:
            Refused: there is no such fit, or its model is not installed.
        """
        report, key = None, str(what)
        with contextlib.suppress(Refused):
            report = Report.from_json(contents(Path(what) / "report.json"))
            key = report.keys.fit or ""
        files = self.get("fits", key) if key else None
        if files is None:
            raise Refused(
                f"store {self.folder}: expected the folder of a run whose fit is stored, or a fit's key, "
                f"got {what}; try running its command again"
            )
        about = json.loads(files["about.json"])
        image_files = self.get("images", about["image"])
        if image_files is None:
            raise Refused(
                f"store {self.folder}: expected the image of {what}, got none; try its command again"
            )
        image = image_of(image_files)
        if report is not None:  # the run may know the same pixels by another name
            told = report.image
            image = replace(image, name=told.name, sha256=told.sha256, notes=told.notes)
        model = registry.load().lookup("model", about["model"]["name"])
        learnt = learnt_of(files, model)  # type: ignore[arg-type]  # the group holds models alone
        split = Split.draw(image.lattice, about["seed"], about["hold_out"], block=about["hold_out_block"])
        return Study(image, split, learnt.fitted, history=learnt.history)

    def get(self, kind: str, key: str) -> dict[str, bytes] | None:
        """The files of an entry; None if there is none. A damaged entry is removed and gives None."""
        if kind not in KINDS or not entries.is_key(key):
            return None
        folder = self._path(kind, key)
        try:
            files = entries.read_entry(folder, kind, key)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            if folder.is_dir():
                self._drop(kind, key, " ".join(str(error).split()))
            return None
        with contextlib.suppress(OSError):
            os.utime(folder / MANIFEST)  # the time of its last use
        return files

    def put(self, kind: str, key: str, files: Mapping[str, bytes]) -> None:
        """Store files under a key that has none yet. Raises ValueError: not a kind, or not a key."""
        folder = self._path(kind, key)
        if folder.is_dir():
            return
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        manifest = {"schema": SCHEMA, "kind": kind, "key": key, "files": digests}
        try:
            temporary = atomic.TemporaryFolder.beside(folder)
            try:
                temporary.publish({**files, MANIFEST: to_json(manifest)})
            finally:
                temporary.discard()
            atomic.remove_leftovers(folder.parent, folder.name)
        except OSError as error:
            log.warning("store %s: nothing is stored there: %s", self.folder, error.strerror or error)

    def entries(self, kinds: Collection[str] = KINDS) -> Iterator[Entry]:
        """All entries, kind by kind. Other files in the folder are ignored."""
        return entries.entries_of(self.folder, kinds)

    def select(
        self,
        *,
        older_seconds: float | None = None,
        kinds: Collection[str] | None = None,
        damaged: bool = False,
        everything: bool = False,
    ) -> list[Entry]:
        """The entries that `clean` removes for the same arguments. It changes nothing.

        Several arguments narrow one another: `kinds=["runs"], older_seconds=86_400` selects old runs.

        Args:
            older_seconds: those that were last used at least so long ago.
            kinds: those of these kinds, see KINDS.
            damaged: those whose files do not match their checksums.
            everything: all of them.

        Raises:
            Refused: no argument selects anything, or there is no such kind.
        """
        for kind in kinds or ():
            if kind not in KINDS:
                raise Refused(unknown("store: kind", kind, KINDS))
        if older_seconds is None and kinds is None and not damaged and not everything:
            raise Refused("store: expected an age, a kind, damaged or everything to select, got none of them")
        return [
            entry
            for entry in self.entries(KINDS if kinds is None else kinds)
            if entry.age_seconds >= (older_seconds or 0.0) and not (damaged and _intact(entry))
        ]

    def leftovers(self, kinds: Collection[str] = KINDS) -> list[Path]:
        """The unfinished entries of processes that ended before they were complete."""
        return list(entries.leftovers_of(self.folder, kinds))

    def strangers(self) -> list[Path]:
        """Things in the places of entries that are not entries; the store never removes them."""
        return list(entries.strangers_of(self.folder))

    def clean(
        self,
        *,
        older_seconds: float | None = None,
        kinds: Collection[str] | None = None,
        damaged: bool = False,
        everything: bool = False,
    ) -> list[Entry]:
        """Remove what `select` gives, and unfinished entries of dead processes; return the former."""
        selected = self.select(
            older_seconds=older_seconds, kinds=kinds, damaged=damaged, everything=everything
        )
        self.remove_leftovers(KINDS if kinds is None else kinds)
        return self.remove(selected)

    def remove(self, selected: Iterable[Entry]) -> list[Entry]:
        """Remove entries of this store that are still entries; return those that were removed."""
        gone = []
        for entry in selected:
            if entries.entry_at(self.folder, entry.kind, entry.key) is not None:
                with contextlib.suppress(OSError):
                    atomic.remove_folder(self._path(entry.kind, entry.key))
                if not entry.path.exists():
                    gone.append(entry)
        return gone

    def remove_leftovers(self, kinds: Collection[str] = KINDS) -> int:
        """Remove what `leftovers` gives; return the number removed."""
        left = self.leftovers(kinds)
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)

    def _path(self, kind: str, key: str) -> Path:
        return entries.place(self.folder, kind, key)

    def _drop(self, kind: str, key: str, why: str) -> None:
        """Remove a damaged entry, unless a link leads to it."""
        path = self._path(kind, key)
        if entries.linked(self.folder, path):
            log.warning(
                "store: %s/%s is damaged, but kept because a link leads to it (%s)", kind, key[:10], why
            )
            return
        log.warning("store: %s/%s is damaged and computed again (%s)", kind, key[:10], why)
        with contextlib.suppress(OSError):
            atomic.remove_folder(path)


def _intact(entry: Entry) -> bool:
    try:
        entries.read_entry(entry.path, entry.kind, entry.key)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return True
