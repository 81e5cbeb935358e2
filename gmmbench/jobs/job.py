"""A job of the command line: build, see whether it is done, execute, save; once killed, it can go on."""

from __future__ import annotations

import contextlib
import json
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Refused
from ..hydra_config.compose import build, store_of, timeout_of
from ..hydra_config.search_path import RememberFolder
from ..reporting.report import Report
from ..running.keys import of_run
from ..storage import atomic, run_files
from .console import Console
from .limits import TimedOut, limited
from .sweeps import Sweep, threads_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ..api import Image
    from ..results import Outcome, Run
    from ..storage.store import Store


def job(cfg: DictConfig) -> float | None:
    """What Hydra runs for each job. Returns what a search maximises."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    settings = HydraConfig.get()
    number = settings.job.num if settings.mode == RunMode.MULTIRUN else None
    overrides = tuple(settings.overrides.task)
    place = Path(settings.runtime.output_dir)
    choices = OmegaConf.to_container(settings.runtime.choices)
    assert isinstance(choices, dict)
    sweep = Sweep.of_environment()
    console = Console(number, overrides, sweep)
    return Job(place, number, overrides, console, sweep, threads_of(settings.launcher))(
        cfg, {str(group): option for group, option in choices.items()}
    )


@dataclass
class Job:
    """One job: `place` is the folder it writes into, or in a sweep the one in which its folder shall stand.

    Its results appear there whole and at once (`folders.Draft`). In a sweep the folder bears the key of
    the run in its name, so that who comes again, or at the same time, finds it.
    """

    place: Path
    number: int | None
    overrides: tuple[str, ...]
    console: Console
    sweep: Sweep = field(default_factory=Sweep)
    threads: int | None = None

    def __post_init__(self) -> None:
        self.folder = self.place if self.number is None else self._unnamed()

    def __call__(self, cfg: DictConfig, choices: dict[str, object]) -> float | None:
        """Do it. Raises Refused, with the line for the user, whatever went wrong."""
        try:
            run, store, seconds = build(cfg, choices), store_of(cfg), timeout_of(cfg)
            self._not_again()
            with limited(seconds, lambda: self._failed("timeout", _late(seconds))):
                try:
                    return self._named(run, store)
                except TimedOut:
                    raise Failed("timeout", str(_late(seconds))) from None
                except MemoryError as error:
                    said = " ".join(str(error).split())
                    line = f"expected enough memory, got none left ({said}); try a smaller image.max_side"
                    raise Failed("memory", line) from error
        except (Refused, KeyboardInterrupt) as error:
            if self.number is None:
                run_files.prune(self.folder, RememberFolder.before)
            if isinstance(error, Refused) and not isinstance(error, Repeated):
                self._failed(error.kind if isinstance(error, Failed) else "refused", error)
            raise
        except Exception as error:
            crash = traceback.format_exc()
            said = f"the run failed with {type(error).__name__}: {' '.join(str(error).split())}; traceback in"
            if self.number is None:
                raise Refused(f"{said} {run_files.save_failure(self.folder, crash)}") from error
            failure = Refused(f"{said} {self.folder / 'failure.txt'}")
            self._failed("crashed", failure, crash)
            raise failure from error

    def _named(self, run: Run, store: Store | None) -> float | None:
        """The run, once its folder is known."""
        alone = self.number is None
        if alone and run_files.standing(self.folder, None) == "taken" and not _reported(self.folder):
            raise Refused(run_files.taken(self.folder))  # before any work
        image = run.image.load()
        key = of_run(run, image)
        if not alone:
            self.folder = self.place / run_files.place_of(
                run, image.name, key or run_files.hash_of(self.overrides)
            )
            atomic.set_aside(run_files.unnamed(self.place, self.overrides))  # it has a key now
            self._not_again()
        if run.threads is None:
            run = replace(run, threads=self.threads)
        return self._do(run, image, key, store, self.folder)

    def _not_again(self) -> None:
        """Raise Repeated: this very sweep has seen this job fail already, before its process died."""
        if not self.sweep.attempt:
            return
        try:
            told = json.loads((self.folder / "failure.json").read_bytes())
        except (OSError, ValueError):
            return
        if told.get("sweep") == self.sweep.name:
            raise Repeated(told["reason"])

    def _do(self, run: Run, image: Image, key: str | None, store: Store | None, folder: Path) -> float | None:
        there = run_files.standing(folder, key)
        if there == "taken":
            raise Refused(run_files.taken(folder))
        if there == "done":
            return self._already(folder)
        try:
            atomic.sweep_up(folder.parent, folder.name)
            about = {"overrides": list(self.overrides), "sweep": self.sweep.name, "number": self.number}
            draft = atomic.Draft.of(folder, about)
        except OSError as error:
            raise Refused(run_files.bad_folder(folder, error)) from error
        try:
            with self.sweep.turn(self.place, folder.name):
                files, report, outcome = self._files(run, image, key, store)
            if there == "part":
                atomic.fill(folder, files)
            elif not draft.publish(files, replace=there == "failed"):
                return self._already(folder)  # another sweep was first
        finally:
            draft.discard()
        self.console.done(report, folder)
        if outcome is not None and outcome.failed:
            said = "; ".join(f"render={option}: {line}" for option, line in outcome.failed.items())
            raise Refused(f"{said}; all else is in {folder}")
        return report.aim()

    def _files(
        self, run: Run, image: Image, key: str | None, store: Store | None
    ) -> tuple[dict[str, bytes], Report, Outcome | None]:
        """What the run writes: taken from the store, and then there is no outcome, or made."""
        kept = store.get("runs", key) if store is not None and key is not None else None
        if kept is not None:
            data = json.loads(kept["report.json"])
            report = Report({**data, "cost": {**data["cost"], "cached": True}})
            return {**kept, **run_files.files_of_report(report)}, report, None
        from ..running.execute import execute  # which loads libraries that what is kept does without

        with self.console.listening() as listen:
            outcome = execute(run, listen, store=store, image=image)
        report = Report.of(outcome)
        files = run_files.files_of(outcome, report)
        if store is not None and key is not None and not outcome.failed:
            store.put("runs", key, files)
        return files, report, outcome

    def _already(self, folder: Path) -> float | None:
        report = Report(json.loads((folder / "report.json").read_bytes()))
        self.console.done(report, folder, already=True)
        return report.aim()

    def _failed(self, kind: str, error: Refused, crash: str = "") -> None:
        """Say it, and of a job of a sweep keep it; that this is not possible hides nothing."""
        self.console.failed(error)
        if self.number is not None:
            with contextlib.suppress(OSError):
                run_files.save_reason(self.folder, kind, self.overrides, str(error), crash, self.sweep.name)

    def _unnamed(self) -> Path:
        """Where a job of a sweep fails before its key is known."""
        return run_files.unnamed(self.place, self.overrides)


class Failed(Refused):
    """A job that came to nothing, and the kind of failure.json."""

    def __init__(self, kind: str, line: str) -> None:
        super().__init__(line)
        self.kind = kind


class Repeated(Refused):
    """A failure that was said already."""


def _late(seconds: float | None) -> Refused:
    return Refused(
        f"timeout: expected an end within {seconds:g} s, got none; try a larger timeout, or fewer components"
    )


def _reported(folder: Path) -> bool:
    return (folder / "report.json").is_file()
