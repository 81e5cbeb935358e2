"""The one door to the compiler: a decorator whose cache cannot outlive the source of any kernel.

numba's own cache looks at the file of the function it compiles and at nothing else: when a helper in
another file changes, or an imported constant does, it goes on running the old machine code. Here the
cache folder's name holds a hash of every file of this package, so any edit starts an empty one.
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
"""Sums may be reordered and products fused; NaN and infinity keep their meaning."""

_seconds = threading.local()
_told: set[str] = set()


def compile_seconds() -> float:
    """Seconds this thread has spent compiling kernels or loading them, so that fits can be timed apart."""
    return float(getattr(_seconds, "total", 0.0))


def sources_hash(folder: Path | None = None) -> str:
    """A hash of every kernel source and of the versions of Python and numba."""
    digest = hashlib.sha256(f"{sys.version} {numba.__version__}".encode())
    for path in sorted((folder or Path(__file__).parent).rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def cache_folder() -> Path:
    """Where compiled kernels are cached: in GMMBENCH_CACHE or the user's cache folder, by source hash."""
    named = os.environ.get("GMMBENCH_CACHE")
    folder = Path(named) / "gmmbench" if named else user_cache_path("gmmbench", appauthor=False)
    return folder / f"kernels-{sources_hash()}"


class _Implementation(CompileResultCacheImpl):
    """numba's way of packing machine code, without its search for a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def locator(self) -> Any:
        return self

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=self._folder).close()

    def check_cachable(self, data: Any) -> bool:
        return True  # the kernels hold no pointer into this process


class KernelCache(FunctionCache):
    """One kernel's machine code on disk; whatever goes wrong with it means compiling in memory."""

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
        except Exception as error:  # a damaged entry raises whatever its bytes happen to say
            self._say(f"cannot read the compiled kernels in {self._cache_path} ({error!r}): compiling anew")
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep machine code, if it can be kept."""
        try:
            try:
                super().save_overload(sig, data)
            except OSError:
                raise
            except Exception:  # a damaged index: replace it
                self._cache_file.flush()
                super().save_overload(sig, data)
        except Exception as error:  # no cache is no failure
            self._say(f"cannot keep compiled kernels in {self._cache_path} ({error!r}): using memory only")

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return sig, codegen.magic_tuple()  # the folder and the name say the rest

    def _say(self, message: str) -> None:
        if self._cache_path not in _told:
            _told.add(self._cache_path)
            log.warning(message)


def part(function: Callable[..., Any], fastmath: Any = FASTMATH) -> Any:
    """Compile a helper that is only called by kernels: it lives inside them and needs no cache."""
    function.__qualname__ = f"{function.__qualname__}_{_specialisation(function)}"
    return numba.njit(function, nogil=True, fastmath=fastmath, error_model="numpy")


def _specialisation(function: Callable[..., Any]) -> str:
    """A word that tells apart functions of one name with other constants or helpers around them.

    numba names machine code by the function's name and a count of what a process has compiled. Two
    kernels that were kept by different processes may hold helpers of one such name, and loaded together
    the linker takes one for both: five-dimensional code then answered for one dimension (seen).
    """
    words = [_word(cell.cell_contents) for cell in function.__closure__ or ()]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def _word(value: Any) -> str:
    """What a closure holds, as a word; of functions, intrinsics too, with what is around them in turn."""
    function = getattr(value, "py_func", None) or getattr(value, "_defn", None) or value
    if isinstance(function, FunctionType):
        return f"{function.__qualname__}_{_specialisation(function)}"
    return str(getattr(function, "__qualname__", repr(function)))


def kernel(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Compile a kernel on its first call, or load it; `name` tells its specialisations apart."""
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
        "" if found else " (once; it is kept)",
    )
