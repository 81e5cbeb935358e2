"""The output of a sweep: a line for each job that ends and, on a terminal, a table of the running jobs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .console import duration, print_line, shown_path

if TYPE_CHECKING:
    from rich.progress import TaskID

    from .worker import Answer, Task

ROWS = 8
"""Running jobs that the table shows."""


class Progress:
    """The jobs of a sweep: which run, how many are done, how many failed, how long the rest will take.

    Args:
        total: how many jobs there are; None where a search decides.
        workers: how many run at a time; None where a cluster decides.
        table: whether to draw a table below the lines, as one can on a terminal.
    """

    def __init__(self, total: int | None, workers: int | None, table: bool = False) -> None:
        self.total, self.workers = total, workers
        self.done = self.failed = 0
        self._computed: list[float] = []
        self._began = time.monotonic()
        self._rest = b""
        self._table = _Table(self._summary()) if table else None

    def close(self) -> None:
        """Remove the table."""
        if self._table is not None:
            if self._rest:
                self.printed(b"\n")
            self._table.close()
            self._table = None

    def started(self, task: Task) -> None:
        """Note that a job runs."""
        if self._table is not None:
            self._table.add(task)

    def ended(self, task: Task, answer: Answer) -> None:
        """Note that a job has ended, and print its line."""
        self.failed += bool(answer.kind)
        self.done += not answer.kind
        if answer.seconds is not None:  # one that was there already says nothing about the time left
            self._computed.append(answer.seconds)
        if self._table is not None:
            self._table.remove(task, self._summary())
        label = f"job {task.number} ({' '.join(task.overrides)}): "
        if not answer.kind:
            notes = "; ".join(filter(None, (answer.note, self._to_come())))
            where = shown_path(Path(answer.folder)) / "report.md"
            self.say(f"{label}{answer.line} {where}{notes and f' ({notes})'}")
        if failure := answer.line if answer.kind else answer.failed:
            self.say(f"{label}failed: {failure}", error=True)

    def printed(self, text: bytes) -> None:
        """Print what a process printed, in whole lines."""
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            self.say(line.decode(errors="replace"))

    def say(self, line: str, error: bool = False) -> None:
        """Print a line, above the table if there is one."""
        if self._table is None:
            print_line(line, error)
        else:
            self._table.print_above(line)

    def left(self) -> float | None:
        """Estimated seconds until the last job ends, from the jobs that were computed."""
        if self.total is None or not self._computed:
            return None
        seconds = sum(self._computed)
        workers = self.workers or max(1.0, seconds / (time.monotonic() - self._began))
        return (self.total - self.done - self.failed) * seconds / len(self._computed) / workers

    def _to_come(self) -> str:
        """The number of finished jobs and the time that the others will take; empty after the last one."""
        ended = self.done + self.failed
        if self.total is None or ended >= self.total:
            return ""
        seconds = self.left()
        return f"{ended} of {self.total}" + ("" if seconds is None else f", about {duration(seconds)} left")

    def _summary(self) -> str:
        """The summary line of the table."""
        ended, left = self.done + self.failed, self.left()
        parts = [f"{ended} of {self.total} done" if self.total else f"{ended} done"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"about {duration(left)} left"] if left else []
        return ", ".join(parts)


class _Table:
    """The sweep and the running jobs, each with the time since it began, below the lines on a terminal."""

    def __init__(self, summary: str) -> None:
        from rich.console import Console
        from rich.progress import Progress, TextColumn, TimeElapsedColumn

        columns = TimeElapsedColumn(), TextColumn("{task.description}")
        console = Console(highlight=False)
        self._drawn = Progress(*columns, console=console, refresh_per_second=4, transient=True)
        self._jobs: dict[int, TaskID] = {}
        self._sweep = self._drawn.add_task("", total=None)
        self._sum_up(summary)
        self._drawn.start()

    def add(self, task: Task) -> None:
        from rich.markup import escape

        label = escape(" ".join(task.overrides))
        self._jobs[task.number] = self._drawn.add_task(label, total=None, visible=len(self._jobs) < ROWS)

    def remove(self, task: Task, summary: str) -> None:
        if (ended := self._jobs.pop(task.number, None)) is not None:
            self._drawn.remove_task(ended)
        for job in list(self._jobs.values())[:ROWS]:
            self._drawn.update(job, visible=True)
        self._sum_up(summary)

    def print_above(self, line: str) -> None:
        self._drawn.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        self._drawn.stop()

    def _sum_up(self, summary: str) -> None:
        self._drawn.update(self._sweep, description=f"[bold]{summary}")


def on_terminal() -> bool:
    """Whether a table can be drawn: stdout and stderr are both terminals."""
    return sys.stdout.isatty() and sys.stderr.isatty()
