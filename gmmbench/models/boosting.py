"""Training of independent LightGBM boosters in parallel, with one thread each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from types import TracebackType
from typing import Any, Self

import numpy as np

from gmmbench import Floats, Refused, Watch


class Boosting:
    """Trains boosters in `watch.threads` threads and reports every round to the watch.

    A booster never has more than one thread. Its loops are short: if waiting threads sleep, waking them takes
    longer than a loop; if they spin, they slow down everything else on busy cores. With one thread each, the
    result is also the same for any number of threads.

    The watch is called in the caller's thread only. If it raises an exception, or a booster fails, the other
    boosters stop after their present round.

    Args:
        parameters: those of LightGBM.
        patience: with held points, a booster stops after this many rounds without improvement on them.
        watch: it is called with the number of rounds so far, over all boosters.

    Example:
        >>> x = np.linspace(0, 1, 100)[:, None]
        >>> with Boosting({"objective": "regression", "verbosity": -1}, 20, Watch(threads=2)) as boosting:
        ...     job = boosting.start(boosting.train, x, x[:, 0], 5)
        ...     boosting.wait()
        >>> job.result().num_trees()
        5
    """

    def __init__(self, parameters: Mapping[str, Any], patience: int, watch: Watch) -> None:
        self._library = library()
        self._parameters = {**parameters, "num_threads": 1}
        self._patience = patience
        self._watch = watch
        self._rounds = 0
        self._jobs: list[Future[Any]] = []
        self._events: SimpleQueue[bool] = SimpleQueue()  # True: a round is done; False: a job has ended
        self._stop = Event()
        self._pool = ThreadPoolExecutor(max(1, watch.threads))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def start(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call `job(*arguments)` in the next free thread. A job may wait for the results of earlier ones."""

        def work() -> Any:
            try:
                return job(*arguments)
            except BaseException:
                self._stop.set()
                raise
            finally:
                self._events.put(False)

        self._jobs.append(self._pool.submit(work))
        return self._jobs[-1]

    def wait(self) -> None:
        """Report rounds to the watch until every job has ended; raise what a job raised."""
        running = len(self._jobs)
        while running:
            if self._events.get():
                self._rounds += 1
                self._watch(self._rounds)
            else:
                running -= 1
        for error in [job.exception() for job in self._jobs]:
            if error is not None and not isinstance(error, CancelledError):  # the others only stopped for it
                raise error
        self._jobs = []

    def train(
        self, points: Floats, values: Floats, rounds: int, held: tuple[Floats, Floats] | None = None
    ) -> Any:
        """A booster for points (n, a) and values (n,), of at most `rounds` rounds.

        With held points (m, a) and values (m,), it is cut back to the round that is best on them.
        """
        data = self._library.Dataset(points, values, params=self._parameters, free_raw_data=False)
        if held is None or not len(held[0]):
            return self._run(data, rounds)
        stop = self._library.early_stopping(self._patience, verbose=False)
        against = self._library.Dataset(*held, reference=data, free_raw_data=False)
        booster = self._run(data, rounds, stop, valid_sets=[against])
        if not 0 < booster.best_iteration < booster.num_trees():
            return booster
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        return self._library.Booster(model_str=text)

    def _run(self, data: Any, rounds: int, *callbacks: Any, **more: Any) -> Any:
        def tell(env: Any) -> None:
            if self._stop.is_set():
                raise CancelledError
            self._events.put(True)

        return self._library.train(
            self._parameters, data, num_boost_round=rounds, callbacks=[tell, *callbacks], **more
        )


def predicted(boosters: Sequence[Any], points: Floats, threads: int) -> Floats:
    """The predictions of boosters at points (n, a), one column for each booster, clipped to 0..1."""
    if not len(points):
        return np.empty((0, len(boosters)))
    answers = [np.asarray(booster.predict(points, num_threads=threads)) for booster in boosters]
    return np.clip(np.column_stack(answers), 0.0, 1.0)


def library() -> Any:
    """LightGBM. It needs a system library that pip cannot install."""
    try:
        import lightgbm
    except OSError as error:
        raise Refused(
            f"model=lightgbm: expected the system's OpenMP library, got '{error}'; "
            "try apt-get install libgomp1 (macOS: brew install libomp)"
        ) from error
    return lightgbm
