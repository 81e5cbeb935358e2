"""A launcher for a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .launcher import SweepLauncher, parameters

if TYPE_CHECKING:
    from .worker import Answer, Task


class RayWorkers(SweepLauncher):
    """Each job is a task of Ray, and runs in a process of its own beside Ray's.

    Args:
        ray: `init` is what `ray.init` gets (the address of a cluster, or nothing to start one here), and
            `remote` what `ray.remote` gets (the resources of a job).
    """

    def __init__(self, ray: Mapping[str, Any]) -> None:
        import ray as library

        self._ray = library
        self._init, self._remote = (parameters(ray.get(part) or {}) for part in ("init", "remote"))
        self._started = False

    def threads(self, count: int) -> int | None:
        """As many as the cores of a job."""
        return max(1, int(self._remote.get("num_cpus") or 1))

    def answers(self, tasks: Iterator[Task], count: int) -> Iterator[tuple[Task, Answer]]:
        """Submit all to Ray at once; a job whose worker or node is gone also gives a result."""
        from .pool import run_apart
        from .worker import Answer, lost

        ray = self._ray
        if not ray.is_initialized():
            ray.init(**self._init)
            self._started = True
        remote = ray.remote(**{"max_retries": 0, **self._remote})(run_apart)
        running = {remote.remote(task): task for task in tasks}
        while running:
            (ended, *_), _ = ray.wait(list(running), num_returns=1)
            task = running.pop(ended)
            try:
                answer = ray.get(ended)
            except ray.exceptions.RayError as error:
                said = str(error).strip().splitlines()[0]
                answer = lost(task, "died", f"its process died: {type(error).__name__}: {said}")
            assert isinstance(answer, Answer)
            yield task, answer

    def close(self) -> None:
        """End the cluster that was started here."""
        try:
            if self._started:
                self._ray.shutdown()
        finally:
            super().close()
