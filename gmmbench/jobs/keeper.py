"""The keeper of a sweep: runs it in a process of its own, and again when a job took that process with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..hydra_config.presets import sweeping
from .progress import Table, show
from .sweeps import KEEPER, WORDS, Sweep

INTERRUPTED = 130
"""Exit code of a sweep that Ctrl-C ended."""


def wanted(arguments: Sequence[str]) -> bool:
    """Whether a command line is a sweep that nobody keeps yet, on a system that can pass on a pipe."""
    if os.name != "posix" or WORDS in os.environ or {"--help", "-h", "--version"} & set(arguments):
        return False
    return sweeping(arguments)


def keep() -> int:
    """Run this very command line as often as it takes; return its exit code.

    A job that dies leaves a draft. If it is the only one that the sweep's processes left, it killed them: it
    is kept as a failure, and the sweep goes on. If there are several, each of them is run alone, then.
    """
    sweep = Sweep(name=secrets.token_hex(8))
    place: Path | None = None
    buried: set[str] = set()
    table = Table() if sys.stdout.isatty() and sys.stderr.isatty() else None
    while True:
        code, writes = _started(sweep, place, table)
        place = place or writes
        dead = _dead(place, sweep) if place is not None and code != INTERRUPTED else {}
        if place is None or not dead.keys() - buried:
            break
        killers = dead if len(dead) == 1 else {name: dead[name] for name in dead if name in sweep.alone}
        for name, told in killers.items():
            line = _bury(place / name, list(told["overrides"]), code, sweep)
            if table is not None:
                table.hear(line)
        buried |= killers.keys()
        suspects = tuple(name for name in dead if name not in killers)
        reached = min(told["number"] for told in dead.values())
        sweep = Sweep(sweep.name, sweep.attempt + 1, max(reached, sweep.reached), (*sweep.alone, *suspects))
    if place is not None:
        (place / ".alone").unlink(missing_ok=True)
    if code < 0:
        print(f"gmmbench: the sweep's process was ended by {_signal(-code)}", file=sys.stderr)
    return code if code >= 0 else 128 - code


def _started(sweep: Sweep, place: Path | None, table: Table | None) -> tuple[int, Path | None]:
    """Run the sweep's process to its end: its exit code, and the folder that it writes into."""
    from ..hydra_config.grammar import quoted

    again = [] if place is None else [quoted(f"hydra.sweep.dir={place}", sweep=True)]
    hear, say = os.pipe()
    with os.fdopen(hear) as heard, _passing_on() as children:
        child = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:], *again],
            env={**os.environ, **sweep.tell(), KEEPER: str(say)},
            pass_fds=(say,),
            stdout=None if table is None else subprocess.PIPE,
            stderr=None if table is None else subprocess.STDOUT,
            text=True,
        )
        os.close(say)
        children.append(child)
        told = json.loads(heard.read() or "{}")  # until the child has said it, or is gone
        if table is not None:
            table.place, table.jobs = Path(told["place"]) if told else None, told.get("jobs")
            show(child, table)
        code = child.wait()
    return code, Path(told["place"]) if told else None


@contextlib.contextmanager
def _passing_on() -> Iterator[list[subprocess.Popen[Any]]]:
    """Ctrl-C reaches the child by itself, an end from outside is passed on; both are waited for."""
    children: list[subprocess.Popen[Any]] = []

    def pass_on(number: int, frame: Any) -> None:
        for child in children:
            child.send_signal(number)

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda number, frame: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
    }
    try:
        yield children
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _dead(place: Path, sweep: Sweep) -> dict[str, Mapping[str, Any]]:
    """The jobs of the sweep that dead processes left unfinished, by the names of their folders."""
    from ..storage.atomic import died

    return {path.name: told for path, told in died(place) if told["sweep"] == sweep.name}


def _bury(folder: Path, overrides: list[str], code: int, sweep: Sweep) -> str:
    """Keep the death of a job as its failure, unless it said one itself; what is said of it."""
    from ..storage import atomic, run_files

    line, said = "", False
    with contextlib.suppress(OSError, ValueError):
        said = json.loads((folder / "failure.json").read_bytes()).get("sweep") == sweep.name
    if not said:
        reason = f"its process was ended by {_signal(-code)}" if code < 0 else "its process died"
        run_files.save_reason(folder, "died", overrides, reason, sweep=sweep.name)
        line = f"job ({' '.join(overrides)}): failed: {reason}; the sweep goes on"
        print(line, file=sys.stderr, flush=True)
    atomic.sweep_up(folder.parent, folder.name)
    return line


def _signal(number: int) -> str:
    hint = " (often for want of memory)" if number == signal.SIGKILL else ""
    return f"signal {number}, {signal.Signals(number).name}{hint}"
