"""A pool of processes: each runs one task after another; if one dies or is late, only its task fails."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from types import ModuleType
from typing import Any, Protocol

from .deadline import GRACE
from .job import late
from .worker import Answer, Task, abandon, ended, lost, serve

SPENT = ("memory",)
"""Failures after which a process is replaced, so that its memory is free again."""

PRELOAD = "gmmbench.jobs.preload"
"""The module that the server of processes imports."""

LONGEST = 3600.0
"""Seconds of one wait: the system's own limit is some days."""

PATIENCE = 0.7
"""Seconds that interrupted processes have to remove their temporary files."""


class Listener(Protocol):
    """A listener to the events of a pool."""

    def started(self, task: Task) -> None:
        """A process has got the task."""

    def printed(self, text: bytes) -> None:
        """A process has printed something."""


class Pool:
    """Up to `count` processes, which are started when they are needed.

    Args:
        count: how many tasks run at a time.
        listener: hears of tasks that start.
        capture: whether the listener gets what the processes print, instead of this process's stdout.
    """

    def __init__(self, count: int, listener: Listener | None = None, capture: bool = False) -> None:
        self.count, self.listener = count, listener
        self.workers: list[_Worker] = []
        self._output: Connection | None = None
        self._input: Connection | None = None
        if capture:
            self._output, self._input = _context().Pipe(duplex=False)

    def run(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Answer]]:
        """Run the tasks, and yield each with its answer as it ends. The iterator is asked one task ahead."""
        ahead = next(tasks, None)
        while ahead is not None or self._busy():
            while ahead is not None and (worker := self._free()) is not None:
                worker.give(ahead)
                if self.listener is not None:
                    self.listener.started(ahead)
                ahead = next(tasks, None)
            yield from self._ended()

    def close(self) -> None:
        """End all processes. Tasks that run are interrupted, and leave nothing behind."""
        busy = self._busy()
        try:
            for worker in busy:
                worker.process.terminate()
            deadline = time.monotonic() + PATIENCE
            for worker in busy:
                worker.process.join(max(0.0, deadline - time.monotonic()))
        finally:
            for worker in self.workers:
                worker.end()
            self.workers.clear()
            for worker in busy:
                if worker.task is not None:
                    abandon(worker.task)
            self._hear()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self.workers if worker.task is not None]

    def _free(self) -> _Worker | None:
        """A living process without a task, started now if there are fewer than `count`."""
        for worker in [worker for worker in self.workers if worker.task is None]:
            if worker.process.is_alive():
                return worker
            self._drop(worker)
        if len(self.workers) == self.count:
            return None
        self.workers.append(_Worker(self._input))
        return self.workers[-1]

    def _ended(self) -> Iterator[tuple[Task, Answer]]:
        """Wait until a task ends, is late, or something is printed."""
        busy = self._busy()
        watched: list[Any] = [end for worker in busy for end in (worker.pipe, worker.process.sentinel)]
        if self._output is not None:
            watched.append(self._output)
        ready = wait(watched, max(0.0, min(LONGEST, *(worker.left() for worker in busy))))
        self._hear()
        for worker in busy:
            task = worker.task
            assert task is not None
            if worker.pipe in ready or worker.process.sentinel in ready:
                answer = worker.answer()
            elif worker.left() <= 0:
                worker.end()
                answer = lost(task, "timeout", late(task.seconds))
            else:
                continue
            worker.task = None
            if answer is None:
                worker.end()
                answer = lost(task, "died", ended(worker.process.exitcode))
            if answer.kind in SPENT or not worker.process.is_alive():
                self._drop(worker)
            yield task, answer

    def _drop(self, worker: _Worker) -> None:
        worker.end()
        self.workers.remove(worker)

    def _hear(self) -> None:
        """Pass on what was printed."""
        while self._output is not None and self._output.poll():
            text = os.read(self._output.fileno(), 65536)
            if self.listener is not None:
                self.listener.printed(text)


class _Worker:
    """A process of the pool, seen from the process that submits tasks."""

    def __init__(self, output: Connection | None) -> None:
        context = _context()
        self.task: Task | None = None
        self._until: float | None = None
        self.pipe, tasks = context.Pipe()
        life, self._life = context.Pipe(duplex=False)
        self.process = context.Process(target=serve, args=(tasks, life, output, dict(os.environ)))  # type: ignore[attr-defined]  # each kind of context has its own
        with _uninterrupted(), _without_main():
            self.process.start()
        tasks.close()
        life.close()

    def give(self, task: Task) -> None:
        """Send a task; if the process is gone, `answer` finds out."""
        self.task = task
        self._until = None if task.seconds is None else time.monotonic() + task.seconds + GRACE
        with contextlib.suppress(OSError):
            self.pipe.send(task)

    def left(self) -> float:
        """Seconds until the process is ended, because the task is late and does not receive the exception."""
        return float("inf") if self._until is None else self._until - time.monotonic()

    def answer(self) -> Answer | None:
        """The answer; None if the process is gone."""
        try:
            answer = self.pipe.recv() if self.pipe.poll() else None
        except (EOFError, OSError):
            return None
        assert answer is None or isinstance(answer, Answer)
        return answer

    def end(self) -> None:
        """End the process at once, and wait until it is gone."""
        self.process.join(0)
        if self.task is not None and self.process.is_alive():
            self.process.kill()
        self.pipe.close()
        self.process.join(PATIENCE)
        self._life.close()
        self.process.join(PATIENCE)


def prepare() -> None:
    """Start the server that processes are forked from, so that it loads libraries while others work."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()
    multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOAD])
    with _uninterrupted():
        forkserver.ensure_running()


def run_apart(task: Task) -> Answer:
    """Run a task in a process of its own, which may be late or die."""
    pool = Pool(1)
    try:
        return next(pool.run(iter([task])))[1]
    finally:
        pool.close()


def _context() -> BaseContext:
    """Processes are forked from a server without threads, where the system can: libraries load once."""
    prepare()
    kinds = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if "forkserver" in kinds else "spawn")


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Processes that start in here do not import the main module, which may be anybody's script."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that start in here do not notice Ctrl-C, from their first moment on."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
