"""A launcher for SLURM, through submitit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .launcher import SweepLauncher, parameters

if TYPE_CHECKING:
    from .worker import Answer, Task

GENERAL = (
    "name", "nodes", "tasks_per_node", "cpus_per_task", "gpus_per_node", "mem_gb", "timeout_min",
    "stderr_to_stdout",
)  # fmt: skip
"""The options that submitit has for any cluster; all other options are SLURM's own."""

POLL = 1.0
"""Seconds between two checks for jobs that have ended."""


class Cluster(SweepLauncher):
    """Each job is a job of the cluster, and runs there in a process of its own.

    Args:
        cluster: "slurm", or "local" to try it without a cluster.
        folder: where submitit keeps its files.
        cpus_per_task: the cores of a job.
        options: see `conf/hydra/launcher/cluster.yaml`.
    """

    def __init__(self, cluster: str, folder: str, cpus_per_task: int | None = None, **options: Any) -> None:
        import submitit

        self._submitit = submitit
        self.cluster, self.folder, self.cpus = cluster, folder, cpus_per_task
        given = parameters({"cpus_per_task": cpus_per_task, **options})
        self._at_start = {f"{cluster}_max_num_timeout": given.pop("max_num_timeout", 0)}
        self._options = {key if key in GENERAL else f"slurm_{key}": value for key, value in given.items()}

    def threads(self, count: int) -> int | None:
        """As many as the cores of a job."""
        return max(1, self.cpus or 1)

    def answers(self, tasks: Iterator[Task], count: int) -> Iterator[tuple[Task, Answer]]:
        """Submit all at once; a job that the cluster ended also gives a result."""
        executor = self._submitit.AutoExecutor(folder=self.folder, cluster=self.cluster, **self._at_start)
        executor.update_parameters(**self._options)
        given = list(tasks)
        jobs = executor.map_array(Apart(), given)
        of_job = dict(zip((job.job_id for job in jobs), given, strict=True))
        for job in self._submitit.helpers.as_completed(jobs, poll_frequency=POLL):
            task = of_job[job.job_id]
            yield task, self._answer(job, task)

    def _answer(self, job: Any, task: Task) -> Answer:
        from submitit.core.utils import FailedJobError, UncompletedJobError

        from .worker import Answer, lost

        try:
            answer = job.result()
        except (FailedJobError, UncompletedJobError):
            return lost(task, "died", f"its process died: submitit job {job.job_id} left no result")
        assert isinstance(answer, Answer)
        return answer


class Apart:
    """The function that a job of the cluster runs; a preempted job is submitted again."""

    def __call__(self, task: Task) -> Answer:
        """Do the task."""
        from .pool import run_apart

        return run_apart(task)

    def checkpoint(self, task: Task) -> Any:
        """The job that submitit submits after a preemption: the same, which finds what it has stored."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, task)
