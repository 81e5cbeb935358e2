"""Files and folders that are seen whole or not at all: temporary name, fsync, rename."""

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

RUNNING = "running.json"
"""In a draft: what is being made, since when, and by which process of which host."""

DAY = 86_400.0
"""Seconds after which a draft of another host, whose processes nobody can ask for, counts as left behind."""

OWN = secrets.token_hex(4)
"""Of this process: a number of a process is used again."""

_DRAFT = re.compile(r"\.(?P<name>.+)\.tmp-(?P<host>.+)-(?P<pid>\d+)-(?P<own>[0-9a-f]{8})[0-9a-f]{4}")


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


@dataclass(frozen=True)
class Draft:
    """A folder in the making, beside the place where it will stand; its name tells whose it is."""

    target: Path
    path: Path

    @staticmethod
    def of(target: Path, about: Mapping[str, Any] | None = None) -> Draft:
        """Begin one; `about` is said in it for those who find it left behind. Raises OSError."""
        target = target.absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        ending = f".tmp-{_host()}-{os.getpid()}-{OWN}{secrets.token_hex(2)}"
        draft = Draft(target, target.with_name(f".{target.name}{ending}"))
        try:
            draft.path.mkdir()
        except OSError:
            if not target.is_dir():
                raise
            draft = Draft(target, target / f".run{ending}")  # the folder is ours, what is round it is not
            draft.path.mkdir()
        if about is not None:
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            told = {"host": _host(), "pid": os.getpid(), "since": since, **about}
            atomic_write(draft.path / RUNNING, (json.dumps(told, indent=2) + "\n").encode())
        return draft

    def publish(self, files: Mapping[str, bytes], replace: bool = False) -> bool:
        """Write the files and give the folder its name, in one step; whether it was we who did.

        What stands there already stays, and ours is discarded, unless it may be replaced.
        """
        for name, data in files.items():
            with (self.path / name).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        (self.path / RUNNING).unlink(missing_ok=True)
        _sync(self.path)
        if replace and self.target.exists():
            set_aside(self.target)
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
        """Remove it, if it is still there."""
        shutil.rmtree(self.path, ignore_errors=True)


def set_aside(folder: Path) -> None:
    """Remove a folder at once: nobody sees half of it. That there is none is fine."""
    if not folder.exists():
        return
    aside = Draft.of(folder)
    with contextlib.suppress(OSError):
        folder.rename(aside.path / "old")
    aside.discard()


def drafts(top: Path, deep: bool = True) -> Iterator[tuple[Path, str, bool]]:
    """Each draft in (or, deep, below) a folder, the name that it would have had, and whether it is alive."""
    for folder, inner, _ in os.walk(top):  # which passes over what goes meanwhile
        for name in sorted(inner):
            match = _DRAFT.fullmatch(name)
            if match is not None:
                yield Path(folder, name), match["name"], _alive(Path(folder, name), match)
        inner[:] = [name for name in inner if deep and not _DRAFT.fullmatch(name)]


def sweep_up(top: Path, name: str | None = None, deep: bool = False) -> int:
    """Remove the drafts that dead processes left in a folder (only those of one name); return how many."""
    dead = [path for path, would_be, alive in drafts(top, deep) if not alive and name in (None, would_be)]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    return len(dead)


def died(top: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Runs that dead processes did not finish, below a folder: where, and what failure.json would say."""
    for path, name, alive in drafts(top):
        if alive:
            continue
        with contextlib.suppress(OSError, ValueError):
            told = json.loads((path / RUNNING).read_bytes())
            reason = f"process {told['pid']} of {told['host']} is gone, which began {told['since']}"
            yield (
                path.with_name(name),
                {
                    "kind": "died",
                    "reason": reason,
                    "overrides": told["overrides"],
                },
            )


def is_draft(path: Path) -> bool:
    """Whether a folder is one in the making."""
    return _DRAFT.fullmatch(path.name) is not None


def _alive(path: Path, match: re.Match[str]) -> bool:
    """Whether the process that a draft bears in its name is there; of other hosts, whether it is recent."""
    pid = int(match["pid"])
    if match["host"] == _host() and pid == os.getpid():
        return match["own"] == OWN
    if match["host"] == _host() and os.name != "nt":  # on Windows asking a process would end it
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            pass  # it is somebody else's
        return True
    try:
        return time.time() - path.stat().st_mtime < DAY
    except OSError:
        return False


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", socket.gethostname())[:60] or "localhost"


def _occupied(folder: Path) -> bool:
    try:
        return any(not is_draft(path) for path in folder.iterdir())
    except OSError:
        return False


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files one by one, in their order, into a folder that is not to be replaced or cannot be."""
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        atomic_write(folder / name, data)


def _sync(folder: Path) -> None:
    """Make the names in a folder last, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
