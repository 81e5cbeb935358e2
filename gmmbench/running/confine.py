"""Closes the files of the user, the network and other processes to this process, where Linux offers Landlock.

Landlock (Linux 5.13, https://docs.kernel.org/userspace-api/landlock.html) restricts a thread and all that it
starts, without privileges and for good. What stays readable is what Python and its libraries are made of.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446
"""The system calls landlock_create_ruleset, landlock_add_rule and landlock_restrict_self."""

NO_NEW_PRIVILEGES = 38
"""PR_SET_NO_NEW_PRIVS of prctl, without which only root may restrict itself."""

READ = 1 << 0 | 1 << 2 | 1 << 3
"""The rights to execute and read files and to list folders."""

OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
"""The rights that a rule about a file may have: the others are about folders."""

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/sys", "/nix/store", "/gnu/store")
"""Where a system keeps programs, libraries and their settings."""

PROC = ("self", "sys", "cpuinfo", "meminfo", "stat", "filesystems")
"""The readable paths under /proc: the process itself and the machine."""

DEVICES = ("null", "zero", "full", "random", "urandom", "nvidia*", "kfd", "dri")
"""The accessible paths under /dev, without shared memory: another process could have left something there."""


def confine(extra: Iterable[str] = ()) -> bool:
    """Confine this thread and all that it starts from now on; whether the system can do that.

    It then reads only Python's folders, those of `sys.path`, the system's, compiled kernels and `extra`; it
    writes only into the current folder and those of kernels; it connects to nothing.
    """
    version = _version()
    if version < 1:
        return False
    library = ctypes.CDLL(None, use_errno=True)
    every = _every_right(version)
    handled = (ctypes.c_uint64 * 3)(every, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = library.syscall(CREATE, ctypes.byref(handled), size, 0)
    if rules < 0:
        return False
    try:
        for path, rights in _rules(every, extra):
            _allow(library, rules, path, rights)
        allowed = library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
        return bool(allowed and library.syscall(RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def can_confine() -> bool:
    """Whether the system offers Landlock."""
    return _version() >= 1


def _version() -> int:
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64", "ppc64le", "riscv64"}:
        return 0
    return int(ctypes.CDLL(None, use_errno=True).syscall(CREATE, None, 0, 1))


def _every_right(version: int) -> int:
    """All rights over files that a version of Landlock knows: 13, and one more in versions 2, 3 and 5."""
    return (1 << 13 + (version >= 2) + (version >= 3) + (version >= 5)) - 1


def _rules(every: int, extra: Iterable[str]) -> Iterator[tuple[str, int]]:
    for path in (*SYSTEM, sys.prefix, sys.exec_prefix, sys.base_prefix, *filter(None, sys.path), *extra):
        yield path, READ
    for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep):
        if path:
            yield path, READ
    for name in PROC:
        yield f"/proc/{name}", READ
    for name in DEVICES:
        for device in Path("/dev").glob(name):
            yield str(device), every
    for kernels in Path(os.environ.get("GMMBENCH_CACHE", "."), "gmmbench").glob("kernels-*"):
        yield str(kernels), every
    yield str(Path.cwd()), every


def _allow(library: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    """Add a rule; a path that is not there needs none."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]  # Linux has it
    except OSError:
        return
    try:
        if not Path(path).is_dir():
            rights &= OF_FILES
        # a packed struct: 64 bits of rights and 32 of the file descriptor
        rule = rights.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
        library.syscall(ADD, rules, 1, rule, 0)
    finally:
        os.close(place)
