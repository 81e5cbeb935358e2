"""A sweep on a terminal: its lines, and below them a table of what runs and what is done."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..storage.atomic import RUNNING, drafts
from .console import duration

ROWS = 8
"""Running jobs that are shown."""


def show(child: subprocess.Popen[Any], table: Table) -> None:
    """Print what a sweep's process says, and keep a table below it, until it says no more."""
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    lines: deque[str] = deque()
    reader = threading.Thread(target=lambda: lines.extend(iter(child.stdout.readline, "")), daemon=True)  # type: ignore[union-attr]  # it is a pipe
    reader.start()
    with Live(table, console=console, refresh_per_second=4, transient=True):
        while reader.is_alive() or lines:
            while lines:
                line = lines.popleft().rstrip("\n")
                table.hear(line)
                console.print(line, markup=False, soft_wrap=True)
            time.sleep(0.05)
    sys.stdout.flush()


class Table:
    """What a sweep is doing, as rich draws it anew each time."""

    place: Path | None = None
    jobs: int | None = None

    def __init__(self) -> None:
        self.done = self.failed = 0
        self.began = time.monotonic()

    def hear(self, line: str) -> None:
        """Count a job by the line it says at its end."""
        if line.startswith("job "):
            failed = "): failed: " in line
            self.failed += failed
            self.done += not failed

    def __rich__(self) -> Any:
        """The running jobs with their seconds, and a line of what is done."""
        from rich import table

        drawn = table.Table.grid(padding=(0, 2))
        for overrides, seconds in self._running():
            drawn.add_row(f"{seconds:.0f} s", overrides)
        ended = self.done + self.failed
        words = [f"{ended} of {self.jobs} done" if self.jobs else f"{ended} done"]
        words += [f"{self.failed} failed"] if self.failed else []
        if self.jobs and ended:
            left = (time.monotonic() - self.began) / ended * (self.jobs - ended)
            words += [f"about {duration(max(0.0, left))} left"]
        drawn.add_row("", ", ".join(words), style="bold")
        return drawn

    def _running(self) -> list[tuple[str, float]]:
        found = []
        for path, _, alive in drafts(self.place, deep=False) if self.place is not None else ():
            with suppress(OSError, ValueError, LookupError):
                told = json.loads((path / RUNNING).read_bytes())
                if alive:
                    found.append((" ".join(told["overrides"]), time.time() - path.stat().st_mtime))
        return found[:ROWS]
