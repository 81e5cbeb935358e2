"""Compiles kernels and caches them: an edit of any kernel source makes the cache invalid.

numba's own cache checks only the file of the compiled function. When a helper or a constant in another
file changes, it keeps running the old machine code. Here the name of the cache folder contains a hash of
every file of this package, so that any edit starts an empty cache.
"""

# mypy: allow-untyped-calls
# (numba has no annotations)
from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from platformdirs import user_cache_path

log = logging.getLogger(__name__)

FASTMATH = {"contract", "reassoc", "nsz", "arcp"}
"""The compiler may reorder sums and fuse products; NaN and infinity keep their meaning."""

_seconds = threading.local()
_told: set[str] = set()


def compile_seconds() -> float:
    """Seconds that this thread has spent on compiling or loading kernels; fits are timed without them."""
    return float(getattr(_seconds, "total", 0.0))


def sources_hash(folder: Path | None = None) -> str:
    """A hash of all kernel sources and of the versions of Python and numba."""
    digest = hashlib.sha256(f"{sys.version} {numba.__version__}".encode())
    for path in sorted((folder or Path(__file__).parent).rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def cache_folder() -> Path:
    """The cache of these sources' kernels: a folder in GMMBENCH_CACHE, or in the user's cache folder."""
    named = os.environ.get("GMMBENCH_CACHE")
    folder = Path(named) / "gmmbench" if named else user_cache_path("gmmbench", appauthor=False)
    return folder / f"kernels-{sources_hash()}"


class _Implementation(CompileResultCacheImpl):
    """numba's serialisation of machine code, without its search for a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def locator(self) -> Any:
        return self

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=self._folder).close()

    def check_cachable(self, data: Any) -> bool:
        return True  # the kernels contain no pointers into this process


class KernelCache(FunctionCache):
    """The machine code of one kernel on disk. If the cache fails, the kernel is compiled in memory."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._impl = _Implementation(folder)
        self._cache_path = str(folder)
        self._cache_file = IndexDataCacheFile(str(folder), name, source_stamp=name)
        self.enable()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code for a signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a damaged entry can raise anything
            self._say(f"cannot read the compiled kernels in {self._cache_path} ({error!r}): compiling again")
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store machine code, if the cache can be written."""
        try:
            try:
                super().save_overload(sig, data)
            except OSError:
                raise
            except Exception:  # a damaged index: replace it
                self._cache_file.flush()
                super().save_overload(sig, data)
        except Exception as error:  # the kernel works without a cache
            self._say(f"cannot store compiled kernels in {self._cache_path} ({error!r}): using memory only")

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return sig, codegen.magic_tuple()  # the names of the folder and of the kernel identify the sources

    def _say(self, message: str) -> None:
        if self._cache_path not in _told:
            _told.add(self._cache_path)
            log.warning(message)


def part(function: Callable[..., Any], fastmath: Any = FASTMATH) -> Any:
    """Compile a helper that only kernels call: it is compiled into them and needs no cache of its own."""
    function.__qualname__ = f"{function.__qualname__}_{_specialisation(function)}"
    return numba.njit(function, nogil=True, fastmath=fastmath, error_model="numpy")


def _specialisation(function: Callable[..., Any]) -> str:
    """A hash of what a function closes over, which tells functions of the same name apart.

    numba names machine code after the function and a count of what the process has compiled. Kernels that
    different processes cached can therefore contain different helpers of the same name. If such kernels are
    loaded together, the linker uses one helper for both: five-dimensional code has answered for one
    dimension.
    """
    parts = [_description(cell.cell_contents) for cell in function.__closure__ or ()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _description(value: Any) -> str:
    """A closed-over value as text: its repr, or the name and specialisation of a function or intrinsic."""
    function = getattr(value, "py_func", None) or getattr(value, "_defn", None) or value
    if isinstance(function, FunctionType):
        return f"{function.__qualname__}_{_specialisation(function)}"
    return str(getattr(function, "__qualname__", repr(function)))


def kernel(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Compile a kernel, or load it from the cache, on its first call; `name` names its specialisation."""
    dispatcher = part(function)
    dispatcher._cache = KernelCache(name, cache_folder())
    ready = threading.Event()
    lock = threading.Lock()

    def call(*arguments: Any) -> Any:
        if not ready.is_set():
            with lock:
                if not ready.is_set():
                    _prepare(dispatcher, name, arguments)
                    ready.set()
        return dispatcher(*arguments)

    return call


def _prepare(dispatcher: Any, name: str, arguments: tuple[Any, ...]) -> None:
    started = time.perf_counter()
    dispatcher.compile(tuple(numba.typeof(argument) for argument in arguments))
    spent = time.perf_counter() - started
    _seconds.total = compile_seconds() + spent
    found = sum(dispatcher.stats.cache_hits.values())
    log.log(
        logging.DEBUG if found else logging.INFO,
        "%s the kernel %s in %.1f s%s",
        "loaded" if found else "compiled",
        name,
        spent,
        "" if found else " (once; it is cached)",
    )
