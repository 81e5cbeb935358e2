"""The function that Hydra calls for a run: a single one, or a job of a sweep under another launcher."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Refused
from ..hydra_config.search_path import RememberFolder
from ..storage import run_files
from .console import print_log, print_run, progress_bar
from .job import Job

if TYPE_CHECKING:
    from omegaconf import DictConfig


def task(cfg: DictConfig) -> float | None:
    """Do one run, print its result, and return the value that a search maximises. Raises Refused."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    settings = HydraConfig.get()
    place = Path(settings.runtime.output_dir)
    overrides = tuple(settings.overrides.task)
    choices = OmegaConf.to_container(settings.runtime.choices)
    assert isinstance(choices, dict)
    named = {str(group): choice for group, choice in choices.items()}
    print_log()
    if settings.mode == RunMode.MULTIRUN:
        return _in_sweep(cfg, named, settings.job.num, overrides, place)
    return _alone(cfg, named, overrides, place)


def _alone(
    cfg: DictConfig, choices: dict[str, object], overrides: tuple[str, ...], place: Path
) -> float | None:
    def last_resort(line: str) -> None:
        run_files.prune(place, RememberFolder.before)
        print(f"gmmbench: {line}", file=sys.stderr, flush=True)

    job = Job(place, overrides, listening=progress_bar, last_resort=last_resort)
    try:
        done = job(cfg, choices)
    except (Refused, KeyboardInterrupt):
        run_files.prune(place, RememberFolder.before)
        raise
    print_run(done)
    if done.failed:
        raise Refused(done.failed)
    return done.report.aim()


def _in_sweep(
    cfg: DictConfig, choices: dict[str, object], number: int, overrides: tuple[str, ...], place: Path
) -> float | None:
    """A job in the process of another launcher; Hydra's own launcher uses this process."""
    from .progress import Progress
    from .worker import Answer, Task, answer_of

    job = Job(place, overrides, in_sweep=True, last_resort=lambda line: os._exit(1))
    progress, told = Progress(total=None, workers=None), Task(number, overrides, place, {}, choices)
    started = time.perf_counter()
    try:
        done = job(cfg, choices)
    except Refused as error:
        progress.ended(told, Answer(getattr(error, "kind", "refused"), str(error)))
        raise
    progress.ended(told, answer_of(done, time.perf_counter() - started))
    if done.failed:
        raise Refused(done.failed)
    return done.report.aim()
