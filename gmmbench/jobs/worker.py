"""The loop of a process of a sweep: it takes one task after another and answers each with plain values."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import env_override
from omegaconf import OmegaConf

from ..storage import atomic, run_files
from .console import cached, print_log
from .job import Done, Failed, Job

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@dataclass(frozen=True)
class Task:
    """A job as plain values, which any process can take.

    Attributes:
        number: its place in the sweep, from 0.
        overrides: what makes it different from the other jobs, as `key=value`.
        place: the folder of the sweep, absolute.
        config: the composed config without its `hydra` part.
        choices: what was chosen in each group.
        threads: the threads of a fit, where `threads` in the config is null; None for all cores.
        environment: variables that are set while it runs (`hydra.job.env_set`).
    """

    number: int
    overrides: tuple[str, ...]
    place: Path
    config: dict[str, Any]
    choices: dict[str, object]
    threads: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Its timeout; None if it has none, or an invalid one, which the job itself refuses."""
        timeout = self.config.get("timeout")
        sensible = isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0
        return float(timeout) if sensible else None  # type: ignore[arg-type]  # it is a number here


@dataclass(frozen=True)
class Answer:
    """The result of a task, as plain values.

    Attributes:
        kind: empty if the job is done; else refused, crashed, memory, timeout or died.
        line: the headline of the report, or why the job failed.
        folder: where the run is, if it is done.
        note: that the run or its fit was there already; empty if not.
        failed: the renderers that failed, in one line.
        seconds: how long the job took; None if the run was there already.
        aim: what a search maximises.
    """

    kind: str
    line: str
    folder: str = ""
    note: str = ""
    failed: str = ""
    seconds: float | None = None
    aim: float | None = None


def work(task: Task) -> Answer:
    """Do a task. A failure is also an answer."""
    job = Job(task.place, task.overrides, in_sweep=True, threads=task.threads)
    started = time.perf_counter()
    try:
        with env_override(dict(task.environment)):
            done = job(OmegaConf.create(task.config), task.choices)
    except Failed as failure:
        return Answer(failure.kind, str(failure), seconds=time.perf_counter() - started)
    return answer_of(done, time.perf_counter() - started)


def answer_of(done: Done, seconds: float) -> Answer:
    """The answer of a job that is done."""
    return Answer(
        kind="",
        line=done.report.headline(),
        folder=str(done.folder),
        note=cached(done.report, done.already),
        failed=done.failed,
        seconds=None if done.already else seconds,
        aim=done.report.aim(),
    )


def lost(task: Task, kind: str, reason: str) -> Answer:
    """The answer for a task whose process is gone; it is saved as the job's failure."""
    with contextlib.suppress(OSError):
        run_files.save_end(task.place, kind, task.overrides, reason)
    return Answer(kind, reason)


def abandon(task: Task) -> None:
    """Remove the files that the ended process of an interrupted task left behind."""
    for folder in run_files.left_by(task.place, task.overrides):
        atomic.remove_leftovers(task.place, folder.name)


def ended(code: int | None) -> str:
    """A description of how a process ended, from its exit code."""
    if code is None or code >= 0:
        return f"its process ended with exit code {code}; the sweep goes on"
    hint = " (often for want of memory)" if -code == signal.SIGKILL else ""
    return f"its process was ended by signal {-code}, {signal.Signals(-code).name}{hint}; the sweep goes on"


def serve(
    tasks: Connection, life: Connection, output: Connection | None, environment: dict[str, str]
) -> None:
    """Answer tasks until there are no more.

    Args:
        tasks: they come from here, and the answers go there.
        life: the other end is open as long as the calling process lives.
        output: where stdout and stderr go; None leaves them as they are.
        environment: the variables of the calling process; this one was forked from a server that may be
            older.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the calling process decides what Ctrl-C means
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _die_with(life)
    os.environ.clear()
    os.environ.update(environment)
    if output is not None:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    print_log()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            task = tasks.recv()
            tasks.send(work(task))


def _die_with(life: Connection) -> None:
    """End this process at once when the other end of a pipe is closed, whatever it is doing."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        # Linux: the kernel does it, even while a library holds Python's lock
        fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            life.recv_bytes()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
