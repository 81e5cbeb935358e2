"""A sweep as its jobs know it: how many there are, how many cores each has, who must be alone."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..running.cost import cores

if TYPE_CHECKING:
    from omegaconf import DictConfig

WORDS = "GMMBENCH_SWEEP"
"""The environment variable that tells every process of a sweep what a `Sweep` says."""

KEEPER = "GMMBENCH_KEEPER"
"""The environment variable with the open pipe in which a sweep's keeper awaits its folder and length."""


@dataclass(frozen=True)
class Sweep:
    """What the processes of a sweep share.

    Attributes:
        name: of this sweep, to know its own failures by; empty where nobody repeats what died.
        attempt: how often its process was started, from 0.
        reached: the number of the job that was reached before; those before it have said what they are.
        alone: folders of jobs that must have no job beside them, for one of them kills its process.
        jobs: how many there are, None where a search decides.
        workers: how many run at a time.
    """

    name: str = ""
    attempt: int = 0
    reached: int = 0
    alone: tuple[str, ...] = ()
    jobs: int | None = None
    workers: int = 1
    computed: ClassVar[list[float]] = []
    """Seconds of the jobs that this process computed: what is done already says nothing of the time left."""

    @staticmethod
    def of_environment() -> Sweep:
        """As the environment tells."""
        told = json.loads(os.environ.get(WORDS, "{}"))
        return Sweep(**{**told, "alone": tuple(told.get("alone", ()))})

    def tell(self) -> dict[str, str]:
        """The environment that tells it."""
        return {WORDS: json.dumps(asdict(self))}

    def left(self, number: int) -> float | None:
        """Seconds until the sweep ends, as far as the jobs computed here tell, after that of this number."""
        if self.jobs is None or not self.computed:
            return None
        return (self.jobs - number - 1) * sum(self.computed) / len(self.computed) / self.workers

    @contextlib.contextmanager
    def turn(self, place: Path, name: str) -> Iterator[None]:
        """The time of one job; those that must be alone wait for the others, and they for those."""
        started = time.perf_counter()
        with _locked(place / ".alone", name in self.alone) if self.alone else contextlib.nullcontext():
            yield
        self.computed.append(time.perf_counter() - started)


def prepare(config: DictConfig) -> None:
    """Tell all processes of a sweep what its config says of jobs and workers, and its keeper where it is."""
    launcher = config.hydra.launcher
    parameters = dict(config.hydra.sweeper.get("params") or {})
    grid = "basic_sweeper" in str(config.hydra.sweeper.get("_target_"))
    jobs = jobs_of(list(config.hydra.overrides.task), parameters) if grid else None
    os.environ |= replace(Sweep.of_environment(), jobs=jobs, workers=workers_of(launcher)).tell()
    place = Path(str(config.hydra.sweep.dir)).absolute()
    keeper = os.environ.pop(KEEPER, None)
    if keeper is not None:
        with contextlib.suppress(OSError):
            os.write(int(keeper), json.dumps({"place": str(place), "jobs": jobs}).encode())
            os.close(int(keeper))
    if "submitit" in str(launcher.get("_target_")):
        from .submitted import outlive

        outlive(place)


@contextlib.contextmanager
def unsaid() -> Iterator[None]:
    """After the block this process is of no sweep but the one it was of before."""
    before = os.environ.get(WORDS)
    try:
        yield
    finally:
        os.environ.pop(WORDS, None)
        if before is not None:
            os.environ[WORDS] = before


def jobs_of(overrides: Sequence[str], parameters: Mapping[str, Any]) -> int | None:
    """How many jobs a grid of overrides and a preset's parameters has; None where it is no grid."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    words = [*(f"{key}={value}" for key, value in parameters.items()), *overrides]
    axes: dict[str, int] = {}
    for override in OverridesParser.create().parse_overrides(words):
        choices: list[Any] = [None]
        if override.is_sweep_override():
            try:
                choices = list(override.sweep_string_iterator())
            except HydraException:  # an interval, or a glob
                return None
        axes[override.get_key_element()] = len(choices)  # the last one counts
    return math.prod(axes.values())


def workers_of(launcher: Mapping[str, Any]) -> int:
    """How many jobs a launcher runs at a time on this machine, where it says so."""
    count = launcher.get("n_jobs")
    if count is None:
        return 1
    return max(1, int(count) if int(count) > 0 else cores() + 1 + int(count))


def threads_of(launcher: Mapping[str, Any]) -> int | None:
    """The threads of a fit, that jobs of a launcher do not fight over cores; None for all there are."""
    if "n_jobs" in launcher:
        return max(1, cores() // workers_of(launcher))
    if "cpus_per_task" in launcher:
        return max(1, int(launcher["cpus_per_task"] or 1))
    if "ray" in launcher:
        return max(1, int((launcher["ray"].get("remote") or {}).get("num_cpus") or 1))
    return None


@contextlib.contextmanager
def _locked(path: Path, alone: bool) -> Iterator[None]:
    """Hold a file's lock, with others or alone, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)
