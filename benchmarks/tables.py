"""Parts of RESULTS.md: tables, their cells, and the machine."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np

Rows = list[str]


def table(head: str, *rows: Rows) -> Rows:
    """Markdown of a table: its head, cells parted by bars, and its rows."""
    return [
        f"| {head} |",
        "|" + "---|" * (head.count("|") + 1),
        *(line for part in rows for line in part),
        "",
    ]


def row(*cells: Any) -> str:
    """One line of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def failed(found: dict[str, Any]) -> str | None:
    """Why a job has no figures, or None if it has."""
    why = found.get("missing") or ("failed: " + found["error"] if "error" in found else None)
    if why is None:
        return None
    return re.sub(r"/[^\s'\"]*/", "", why).replace("|", "/")[:300]  # no folders of this machine


def apart(trace: list[float], exact: list[float]) -> str:
    """The largest distance of two traces over the iterations that both have, and how many."""
    steps = min(len(trace), len(exact))
    distance = np.abs(np.subtract(trace[:steps], exact[:steps]))
    return f"{np.nanmax(distance):.1e} ({np.isfinite(distance).sum()})"


def machine() -> str:
    """Processor, cores, memory, versions."""
    import numba
    import sklearn

    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in facts.splitlines() if "model name" in line), "?")
    wide = "AVX-512" if "avx512f" in facts else "AVX2" if "avx2" in facts else "no AVX"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{model} ({wide}), {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, "
        f"numpy {np.__version__}, numba {numba.__version__}, scikit-learn {sklearn.__version__}"
    )
