"""The output of a single run: a progress bar on a terminal, and at the end its results."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .job import Done

if TYPE_CHECKING:
    from ..reporting.report import Report
    from ..running.execute import Listen


class _LogLines(logging.Handler):
    """Prints what the engine logs (kernels compiled, components removed), a line each, as it happens."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it; a closed pipe is ignored."""
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        with contextlib.suppress(OSError):
            print(record.getMessage(), file=stream, flush=True)


def print_log() -> None:
    """Print what gmmbench logs from now on."""
    log = logging.getLogger("gmmbench")
    if not log.handlers:
        log.addHandler(_LogLines())
        log.setLevel(logging.INFO)


def print_line(line: str, error: bool = False) -> None:
    """Print a line to stdout, or to stderr; a closed pipe is ignored."""
    stream = sys.stderr if error else sys.stdout
    try:
        print(line, file=stream, flush=True)
    except OSError:  # the reader is gone; Python would complain again when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def duration(seconds: float) -> str:
    """Seconds in a convenient unit: 12 s, 3 min, 1.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def shown_path(folder: Path) -> Path:
    """A folder as it is printed: relative if it is below the current one."""
    return Path(os.path.relpath(folder)) if folder.is_relative_to(Path.cwd()) else folder


def cached(report: Report, already: bool) -> str:
    """What was cached: the run itself, the fit, or nothing (an empty text)."""
    if already:
        return "done already"
    cost = report.cost
    return f"fit from the store, {cost.wall_seconds:.1f} s when it was made" if cost.cached else ""


@contextlib.contextmanager
def progress_bar() -> Iterator[Listen | None]:
    """A listener for `execute` that draws a bar on a terminal; in a pipe there is none."""
    if not sys.stdout.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("reading the image", total=None)

        def listen(stage: str, count: int, bound: float | None) -> None:
            gain = "" if bound is None else f", {bound:.4f} nats per point"
            doing = {
                "image": "fitting",
                "fit": f"fitting: iteration {count}{gain}",
                "verify": "verifying",
                "score": "drawing",
            }
            progress.update(task, description=doing.get(stage, f"drawn: {stage}"))

        yield listen


def print_run(done: Done) -> None:
    """Print the result of a single run, and where its files are."""
    report, where = done.report, shown_path(done.folder)
    lines = [f"image {report.image.name}: {note}" for note in report.image.notes]
    lines.append(report.headline())
    lines += filter(None, [cached(report, done.already)])
    lines += [f"not drawn: {choice}, because {reason}" for choice, reason in report.skipped.items()]
    lines += [f"failed: {choice}, because {reason}" for choice, reason in report.failed.items()]
    lines += [f"picture: {where / file}" for picture in report.pictures for file in picture.files]
    lines.append(f"report:  {where / 'report.md'} (and report.json, scores.npz)")
    print_line("\n".join(lines))
