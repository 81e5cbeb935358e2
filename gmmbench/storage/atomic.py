"""Atomic writes: a file or folder appears complete or not at all (temporary name, fsync, rename)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..reporting.failure import RunFailure

RUNNING = "running.json"
"""The file in a temporary folder that says what is being made, since when, and by which process and host."""

DAY = 86_400.0
"""Seconds after which a temporary folder of another host, whose processes cannot be checked, is left over."""

PROCESS = secrets.token_hex(4)
"""A token of this process: the operating system uses process numbers again."""

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.tmp-(?P<host>.+)-(?P<pid>\d+)-(?P<own>[0-9a-f]{8})[0-9a-f]{4}")


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that it appears complete or not at all: temporary name, fsync, rename."""
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


@dataclass(frozen=True)
class TemporaryFolder:
    """A folder that is being written under a temporary name, which says which process owns it.

    Attributes:
        target: the path that the folder gets when it is complete.
        path: where it is now: beside the target, or inside it where its parent cannot be written.
    """

    target: Path
    path: Path

    @staticmethod
    def beside(target: Path, about: Mapping[str, Any] | None = None) -> TemporaryFolder:
        """Make one. `about` is written into it, for a process that finds it left over.

        Raises:
            OSError: the folder cannot be made.
        """
        target = target.absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        ending = f".tmp-{_host()}-{os.getpid()}-{PROCESS}{secrets.token_hex(2)}"
        path = target.with_name(f".{target.name}{ending}")
        try:
            path.mkdir()
        except OSError:
            if not target.is_dir():
                raise
            path = target / f".run{ending}"  # the target may be ours though its parent is not
            path.mkdir()
        if about is not None:
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            told = {"host": _host(), "pid": os.getpid(), "since": since, **about}
            atomic_write(path / RUNNING, (json.dumps(told, indent=2) + "\n").encode())
        return TemporaryFolder(target, path)

    def publish(self, files: Mapping[str, bytes], replace: bool = False) -> bool:
        """Write the files and rename the folder to its target in one step.

        A target that is there already stays and this folder is discarded, unless `replace` is true.

        Returns:
            Whether the target holds these files because of this call.
        """
        for name, data in files.items():
            with (self.path / name).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        (self.path / RUNNING).unlink(missing_ok=True)
        _sync(self.path)
        if replace and self.target.exists():
            remove_folder(self.target)
        try:
            if os.name == "nt" and self.target.is_dir():
                self.target.rmdir()
            self.path.rename(self.target)
        except OSError:
            if _occupied(self.target):
                self.discard()
                return False
            fill(self.target, files)
            self.discard()
            return True
        _sync(self.target.parent)
        return True

    def discard(self) -> None:
        """Remove the folder if it still has its temporary name."""
        shutil.rmtree(self.path, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder at once, so that no process sees half of it; a folder that is not there is ignored.

    Of a link only the link goes, never what it leads to.
    """
    if not folder.exists():
        return
    temporary = TemporaryFolder.beside(folder)
    with contextlib.suppress(OSError):
        folder.rename(temporary.path / "old")
    temporary.discard()


def temporary_folders(top: Path, deep: bool = True) -> Iterator[tuple[Path, str, bool]]:
    """The temporary folders in a folder or, if `deep`, anywhere below it; links are not followed.

    Yields:
        The path, the name that the folder would get, and whether its process is alive.
    """
    for folder, inner, _ in os.walk(top):  # which skips what disappears meanwhile
        for name in sorted(inner):
            path, match = Path(folder, name), _TEMPORARY.fullmatch(name)
            if match is not None and not path.is_symlink():
                yield path, match["name"], _alive(path, match)
        inner[:] = [name for name in inner if deep and not _TEMPORARY.fullmatch(name)]


def remove_leftovers(top: Path, name: str | None = None, deep: bool = False) -> int:
    """Remove temporary folders of dead processes, all or those for one name; return how many."""
    found = temporary_folders(top, deep)
    dead = [path for path, target, alive in found if not alive and name in (None, target)]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    return len(dead)


def died(top: Path) -> Iterator[tuple[Path, RunFailure]]:
    """The runs below a folder that dead processes left unfinished.

    Yields:
        The folder that the run would have, and its failure.
    """
    for path, name, alive in temporary_folders(top):
        if alive:
            continue
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
            told = json.loads((path / RUNNING).read_bytes())
            reason = f"process {told['pid']} of {told['host']} is gone, which began {told['since']}"
            yield path.with_name(name), RunFailure("died", tuple(map(str, told["overrides"])), reason)


def is_temporary(path: Path) -> bool:
    """Whether a folder has the name of a temporary folder."""
    return _TEMPORARY.fullmatch(path.name) is not None


def _alive(path: Path, match: re.Match[str]) -> bool:
    """Whether the process named by a temporary folder is alive; for another host, whether it is recent."""
    pid = int(match["pid"])
    if match["host"] == _host() and pid == os.getpid():
        return match["own"] == PROCESS
    if match["host"] == _host() and os.name != "nt":  # on Windows os.kill would end the process
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):
            pass  # the process belongs to another user, or the number is no process's
        return True
    try:
        return time.time() - path.stat().st_mtime < DAY
    except OSError:
        return False


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", socket.gethostname())[:60] or "localhost"


def _occupied(folder: Path) -> bool:
    try:
        return any(not is_temporary(path) for path in folder.iterdir())
    except OSError:
        return False


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files one by one, in their order, into a folder that must not or cannot be replaced."""
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        atomic_write(folder / name, data)


def _sync(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
