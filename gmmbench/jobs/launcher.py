"""The launchers that Hydra calls for the jobs of a sweep, and the local one, which runs them in a pool."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.plugins.launcher import Launcher

from ..errors import Refused, shown
from ..mixture.parallel import cores
from .interrupts import Interrupted

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from .pool import Pool
    from .progress import Progress
    from .worker import Answer, Task


class SweepLauncher(Launcher):
    """Composes each job of a sweep, has it run, and reports its result.

    The processes that do the jobs get plain values and answer with plain values (`worker.Task`, `Answer`):
    they need no Hydra.
    """

    current: ClassVar[SweepLauncher | None] = None
    """The launcher of the sweep that runs in this process."""

    workers: int | None = None
    """The number of jobs that run at a time; None if a cluster decides."""

    progress: Progress | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Store the arguments from Hydra."""
        self.context, self.task_function, self.config = hydra_context, task_function, config
        self.place = Path(str(config.hydra.sweep.dir)).absolute()
        SweepLauncher.current = self

    @abstractmethod
    def answers(self, tasks: Iterator[Task], count: int) -> Iterator[tuple[Task, Answer]]:
        """Run the tasks, `count` of them, and yield each with its answer as it ends."""

    @abstractmethod
    def threads(self, count: int) -> int | None:
        """The threads of a fit if there are so many jobs, so that they share the cores; None for all."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs; a search calls this more than once. A failed job is a failed return."""
        from .comparison import load_ahead
        from .progress import Progress, on_terminal

        count = len(job_overrides)
        if self.progress is None:
            load_ahead()
            total = total_of(self.config, initial_job_idx + count)
            self.progress = Progress(total, self.workers, on_terminal())
        configs: dict[int, DictConfig] = {}
        tasks = self._tasks(job_overrides, initial_job_idx, configs)
        returns = {}
        for task, answer in self.answers(tasks, count):
            self.progress.ended(task, answer)
            returns[task.number] = self._returned(task, answer, configs.pop(task.number))
        return [returns[number] for number in sorted(returns)]

    def close(self) -> None:
        """End the launcher's processes. Running jobs are interrupted."""
        SweepLauncher.current = None
        if self.progress is not None:
            self.progress.close()

    def _tasks(
        self, job_overrides: Sequence[Sequence[str]], first: int, configs: dict[int, DictConfig]
    ) -> Iterator[Task]:
        """The jobs as plain values, each composed when it is asked for; keeps their configs for the end."""
        threads = self.threads(len(job_overrides))
        for number, overrides in enumerate(job_overrides, first):
            configs[number] = config = self._composed(number, overrides)
            Interrupted.check()
            yield task_of(number, self.place, config, threads)

    def _composed(self, number: int, overrides: Sequence[str]) -> DictConfig:
        """The config of a job, as Hydra's own launcher composes it."""
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import open_dict

        config = self.context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = f"{config.hydra.job.name}_{number}"
            config.hydra.job.num = number
            config.hydra.runtime.output_dir = str(self.place)
        HydraConfig.instance().set_config(config)
        self.context.callbacks.on_job_start(config=config, task_function=self.task_function)
        return config

    def _returned(self, task: Task, answer: Answer, config: DictConfig) -> JobReturn:
        """The result of a job for Hydra: the value that a search maximises, or the failure to raise."""
        from hydra.core.utils import JobReturn, JobStatus

        returned = JobReturn(overrides=list(task.overrides), hydra_cfg=config, task_name="gmmbench")
        failure = answer.line if answer.kind else answer.failed
        returned.status = JobStatus.FAILED if failure else JobStatus.COMPLETED
        returned.return_value = Refused(failure) if failure else answer.aim
        self.context.callbacks.on_job_end(config=config, job_return=returned)
        return returned


class Local(SweepLauncher):
    """Runs the jobs in processes of this machine, `workers` at a time.

    Args:
        workers: at least 1, or -1 for as many as there are cores (-2: one fewer). Raises Refused.
    """

    pool: Pool | None = None

    def __init__(self, workers: Any = 1) -> None:
        self.workers = workers_of(workers)

    def threads(self, count: int) -> int | None:
        """A share of the cores."""
        beside = min(self.workers or 1, count)
        return None if beside == 1 else max(1, cores() // beside)

    def answers(self, tasks: Iterator[Task], count: int) -> Iterator[tuple[Task, Answer]]:
        """Run them in a pool, whose processes stay for the next jobs of a search."""
        from .pool import Pool
        from .progress import on_terminal

        if self.pool is None:
            self.pool = Pool(self.workers or 1, self.progress, capture=on_terminal())
        yield from self.pool.run(tasks)

    def close(self) -> None:
        """End the processes."""
        try:
            if self.pool is not None:
                self.pool.close()
        finally:
            super().close()


def task_of(number: int, place: Path, config: DictConfig, threads: int | None) -> Task:
    """A job as plain values, from its composed config."""
    from omegaconf import OmegaConf, open_dict
    from omegaconf.errors import OmegaConfBaseException

    from .worker import Task

    own = config.copy()
    with open_dict(own):
        del own["hydra"]
    try:
        tree = OmegaConf.to_container(own, resolve=True)
    except OmegaConfBaseException:
        tree = OmegaConf.to_container(own)  # the job meets the same error, and fails for it
    choices = OmegaConf.to_container(config.hydra.runtime.choices)
    environment = OmegaConf.to_container(config.hydra.job.env_set, resolve=True)
    assert isinstance(tree, dict)
    assert isinstance(choices, dict)
    assert isinstance(environment, dict)
    return Task(
        number=number,
        overrides=tuple(config.hydra.overrides.task),
        place=place,
        config={str(key): value for key, value in tree.items()},
        choices={str(group): choice for group, choice in choices.items()},
        threads=threads,
        environment={str(key): str(value) for key, value in environment.items()},
    )


def total_of(config: DictConfig, count: int) -> int | None:
    """The number of jobs of a sweep that starts with so many; None if it may add more."""
    sweeper = config.hydra.sweeper
    grid = "basic_sweeper" in str(sweeper.get("_target_")) and sweeper.get("max_batch_size") is None
    return count if grid else None


def workers_of(workers: Any) -> int:
    """How many jobs run at a time; negative numbers count down from the cores. Raises Refused."""
    if isinstance(workers, bool) or not isinstance(workers, int) or workers == 0:
        raise Refused(
            "hydra.launcher.workers: expected 1 or more jobs at a time, or -1 for as many as there are "
            f"cores, got {shown(workers)}; try hydra.launcher.workers=2"
        )
    return workers if workers > 0 else max(1, cores() + 1 + workers)


def parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """A launcher's options as plain values, without those that are null."""
    from omegaconf import OmegaConf

    plain = {
        key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        for key, value in given.items()
    }
    return {key: value for key, value in plain.items() if value is not None}
