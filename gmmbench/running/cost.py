"""The cost of a fit: wall-clock time, CPU time and peak memory."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ..api import Fitted
from ..results import Cost


def measured(fit: Callable[[], Fitted], threads: int) -> tuple[Fitted, Cost]:
    """Fit, and return the fit with its cost; compilation is counted separately.

    Peak memory is that of the whole process during the fit (on Linux; elsewhere since the process began).
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: reset the peak
    wall, cpu = time.perf_counter(), time.process_time()
    result = fit()
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    compiling = min(max(0.0, result.compile_seconds), seconds)  # a fit compiles no longer than it takes
    cost = Cost(seconds - compiling, max(0.0, cpu_seconds - compiling), compiling, _peak(), threads)
    return result, cost


def _peak() -> int | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
