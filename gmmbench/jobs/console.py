"""What a run says while it works: a bar on a terminal, quiet lines otherwise."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Refused
from .sweeps import Sweep

if TYPE_CHECKING:
    from ..reporting.report import Report
    from ..running.execute import Listen


class _Voice(logging.Handler):
    """What the engine has to say (kernels compiled, components removed), a line each, as it happens."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        print(
            record.getMessage(),
            file=sys.stderr if record.levelno >= logging.WARNING else sys.stdout,
            flush=True,
        )


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


class Console:
    """The voice of one job: `number` is its place in a sweep, None when it runs alone."""

    def __init__(self, number: int | None, overrides: Sequence[str], sweep: Sweep | None = None) -> None:
        self.label = "" if number is None else f"job {number} ({' '.join(overrides)}): "
        self.number, self.sweep = number, sweep or Sweep()
        self.alone = number is None
        log = logging.getLogger("gmmbench")
        if not log.handlers:
            log.addHandler(_Voice())
            log.setLevel(logging.INFO)

    @contextlib.contextmanager
    def listening(self) -> Iterator[Listen | None]:
        """A listener for `execute`: a bar on a terminal, nothing in a pipe or a sweep."""
        if not (self.alone and sys.stdout.isatty()):
            yield None
            return
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TimeElapsedColumn())
        with Progress(*columns, transient=True) as progress:
            task = progress.add_task("reading the image", total=None)

            def listen(stage: str, count: int, bound: float | None) -> None:
                gain = "" if bound is None else f", {bound:.4f} nats per point"
                words = {
                    "image": "fitting",
                    "fit": f"fitting: iteration {count}{gain}",
                    "score": "drawing",
                }
                progress.update(task, description=words.get(stage, f"drawn: {stage}"))

            yield listen

    def done(self, report: Report, folder: Path, already: bool = False) -> None:
        """Say what came of the run, and where it is; that nobody listens any more is no failure.

        `already`: the whole run stood there before.
        """
        try:
            self._done(report, folder, already)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _done(self, report: Report, folder: Path, already: bool) -> None:
        where = Path(os.path.relpath(folder)) if folder.is_relative_to(Path.cwd()) else folder
        data = report.data
        cost = data["cost"]
        seconds = f"{cost['wall_seconds']:.1f} s when it was made"
        kept = "done already" if already else f"fit from the store, {seconds}" if cost["cached"] else ""
        if not self.alone:
            if not (
                already and (self.number or 0) < self.sweep.reached
            ):  # it was said before the sweep's process died
                notes = "; ".join(filter(None, (kept, self._left())))
                print(
                    f"{self.label}{report.headline()} {where / 'report.md'}{notes and f' ({notes})'}",
                    flush=True,
                )
            return
        for note in data["image"]["notes"]:
            print(f"image {data['image']['name']}: {note}")
        print(report.headline())
        if kept:
            print(kept)
        for option, reason in data["skipped"].items():
            print(f"not drawn: {option}, for {reason}")
        for option, reason in data["failed"].items():
            print(f"failed: {option}, for {reason}")
        for picture in data["pictures"]:
            for file in (picture["file"], *picture["animations"]):
                print(f"picture: {where / file}")
        print(f"report:  {where / 'report.md'} (and report.json, scores.npz)", flush=True)

    def _left(self) -> str:
        """How many jobs are to come, and for how long."""
        total, number = self.sweep.jobs, self.number
        if total is None or number is None or number + 1 >= total:
            return ""
        seconds = self.sweep.left(number)
        return f"{number + 1} of {total}" + ("" if seconds is None else f", about {duration(seconds)} left")

    def failed(self, error: Refused) -> None:
        """Say at once why a job of a sweep failed; a run alone says it at its end."""
        if not self.alone:
            print(f"{self.label}failed: {error}", file=sys.stderr, flush=True)
