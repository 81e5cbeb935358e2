"""Jobs that submitit runs: one that dies is a failure with its reason, and the others are waited for."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..storage import run_files


class Outlived:
    """A submitit job with the face that Hydra's launcher asks for; its death is a failed return."""

    def __init__(self, job: Any, place: Path, overrides: Sequence[str]) -> None:
        self._job, self._place, self._overrides = job, place, overrides

    def results(self) -> list[Any]:
        """What the job returned, or how it ended."""
        from hydra.core.utils import JobReturn, JobStatus
        from submitit.core.utils import FailedJobError, UncompletedJobError

        try:
            done = list(self._job.results())
        except (FailedJobError, UncompletedJobError):
            overrides = tuple(word for word in self._overrides if not word.startswith("hydra"))
            reason = f"its process died: submitit job {self._job.job_id} left no result"
            run_files.save_death(self._place, overrides, reason)
            print(f"job ({' '.join(overrides)}): failed: {reason}", file=sys.stderr, flush=True)
            dead = JobReturn(overrides=self._overrides, status=JobStatus.FAILED)
            dead.return_value = Refused(f"{' '.join(overrides)}: {reason}")
            return [dead]
        for said, stream in ((self._job.stdout(), sys.stdout), (self._job.stderr(), sys.stderr)):
            for line in (said or "").splitlines():
                if line.startswith("job "):
                    print(line, file=stream, flush=True)
        return done


def outlive(place: Path) -> None:
    """From now on let launchers of this process wait for all their jobs, whichever of them die."""
    import submitit

    submit = inspect.unwrap(submitit.AutoExecutor.map_array)

    @functools.wraps(submit)
    def patient(
        executor: Any, function: Any, overrides: Sequence[Sequence[str]], *more: Any
    ) -> list[Outlived]:
        jobs = submit(executor, function, overrides, *more)
        return [Outlived(job, place, words) for job, words in zip(jobs, overrides, strict=True)]

    submitit.AutoExecutor.map_array = patient  # type: ignore[method-assign,assignment]
