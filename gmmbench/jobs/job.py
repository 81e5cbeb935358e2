"""One job: build the run, check whether it is done already, execute it, save it; killed, it can continue."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Refused
from ..hydra_config.compose import build, store_of, timeout_of
from ..reporting.report import Report
from ..reporting.typed_json import contents
from ..running.keys import keys_of
from ..storage import atomic, run_files
from .deadline import Deadline, TimedOut

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ..api import Image
    from ..results import Keys, Outcome, Run
    from ..running.execute import Listen
    from ..storage.store import Store


class Failed(Refused):
    """A job that failed.

    Attributes:
        kind: refused, crashed, memory or timeout; `failure.json` and the comparison name it.
    """

    def __init__(self, kind: str, line: str) -> None:
        super().__init__(line)
        self.kind = kind


@dataclass(frozen=True)
class Done:
    """A finished job.

    Attributes:
        report: its report.
        folder: where its files are.
        already: whether they were complete before this job began.
        failed: the renderers that failed, in one line; empty if none did.
    """

    report: Report
    folder: Path
    already: bool = False
    failed: str = ""


def quiet() -> AbstractContextManager[Listen | None]:
    """No listener."""
    return contextlib.nullcontext()


@dataclass
class Job:
    """A run and the folder it writes into.

    The results appear in the folder in one step (`atomic.TemporaryFolder`). In a sweep the name of the
    folder holds the key of the run, so that a repeated sweep, or another one at the same time, finds it.

    Attributes:
        place: the folder of the run, or in a sweep the folder of the sweep.
        overrides: what the run was asked for with, as `key=value`.
        in_sweep: whether `place` is a sweep's. A failure is then saved as `failure.json`.
        threads: the threads of a fit, where the run does not say.
        listening: gives the listener that `execute` reports its progress to.
        last_resort: see `Deadline`; called with the line that says that the job is late.
    """

    place: Path
    overrides: tuple[str, ...] = ()
    in_sweep: bool = False
    threads: int | None = None
    listening: Callable[[], AbstractContextManager[Listen | None]] = quiet
    last_resort: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self.folder = run_files.failed_folder(self.place, self.overrides) if self.in_sweep else self.place

    def __call__(self, cfg: DictConfig, choices: dict[str, object]) -> Done:
        """Do the job.

        Args:
            cfg: the composed config without its `hydra` part.
            choices: what was chosen in each group (`hydra.runtime.choices`).

        Raises:
            Failed: whatever went wrong, in one line for the user.
        """
        try:
            run, store, seconds = build(cfg, choices), store_of(cfg), timeout_of(cfg)
            return self._within(seconds, run, store)
        except Failed as failure:
            self._record(failure)
            raise
        except Refused as error:
            refusal = Failed("refused", str(error))
            self._record(refusal)
            raise refusal from error
        except Exception as error:
            raise self._crashed(error, traceback.format_exc()) from error

    def _within(self, seconds: float | None, run: Run, store: Store | None) -> Done:
        """The job within its seconds. Raises Failed: it was late, or no memory was left."""
        last_resort = self.last_resort
        give_up = None if last_resort is None else lambda: last_resort(late(seconds))
        try:
            return self._do(run, store, Deadline(seconds, give_up))
        except TimedOut:
            raise Failed("timeout", late(seconds)) from None
        except MemoryError as error:
            said = " ".join(str(error).split())
            line = f"expected enough memory, got none left ({said}); try a smaller image.max_side"
            raise Failed("memory", line) from error

    def _do(self, run: Run, store: Store | None, deadline: Deadline) -> Done:
        """Load the image, execute, save. Only loading and executing can be interrupted by the deadline."""
        if not self.in_sweep and self._taken_early():
            raise Refused(run_files.taken(self.folder))
        image, keys = deadline.run(lambda: _loaded(run))
        key = keys.run
        if self.in_sweep:
            name = run_files.folder_name(run, image.name, key or run_files.hash_of(self.overrides))
            self.folder = self.place / name
            atomic.remove_folder(run_files.failed_folder(self.place, self.overrides))  # it has a key now
        there = run_files.state_of(self.folder, key)
        if there == "taken":
            raise Refused(run_files.taken(self.folder))
        if there == "done":
            return self._already()
        if run.threads is None:
            run = replace(run, threads=self.threads)
        temporary = self._temporary_folder()
        try:
            files, report, outcome = deadline.run(lambda: self._files(run, image, keys, store))
            if store is not None and key is not None and outcome is not None and not outcome.failed:
                store.put("runs", key, files)
            if there == "part":
                atomic.fill(self.folder, files)
            elif not temporary.publish(files, replace=there == "failed"):
                return self._already()  # another sweep was first
        finally:
            temporary.discard()
        return Done(report, self.folder, failed=self._not_drawn(outcome))

    def _taken_early(self) -> bool:
        """Whether the folder holds something other than a run; this is checked before any work."""
        reported = (self.folder / "report.json").is_file()
        return not reported and run_files.state_of(self.folder, None) == "taken"

    def _temporary_folder(self) -> atomic.TemporaryFolder:
        """The temporary folder. Raises Refused: it cannot be made."""
        try:
            atomic.remove_leftovers(self.folder.parent, self.folder.name)
            return atomic.TemporaryFolder.beside(self.folder, {"overrides": list(self.overrides)})
        except OSError as error:
            raise Refused(run_files.bad_folder(self.folder, error)) from error

    def _files(
        self, run: Run, image: Image, keys: Keys, store: Store | None
    ) -> tuple[dict[str, bytes], Report, Outcome | None]:
        """The files of the run: loaded from the store (then there is no outcome), or made."""
        stored = store.get("runs", keys.run) if store is not None and keys.run is not None else None
        if stored is not None:
            report = Report.from_json(stored["report.json"])
            report = replace(report, cost=replace(report.cost, cached=True))
            return {**stored, **run_files.files_of_report(report)}, report, None
        from ..running.execute import execute  # loads libraries that a stored run does without

        with self.listening() as listen:
            outcome = execute(run, listen, store=store, image=image, keys=keys)
        report = Report.of(outcome)
        return run_files.files_of(outcome, report), report, outcome

    def _already(self) -> Done:
        report = Report.from_json(contents(self.folder / "report.json"))
        return Done(report, self.folder, already=True)

    def _not_drawn(self, outcome: Outcome | None) -> str:
        if outcome is None or not outcome.failed:
            return ""
        said = "; ".join(f"render={choice}: {line}" for choice, line in outcome.failed.items())
        return f"{said}; all else is in {self.folder}"

    def _crashed(self, error: Exception, crash: str) -> Failed:
        """The failure for an exception; its traceback is saved."""
        said = f"the run failed with {type(error).__name__}: {' '.join(str(error).split())}; traceback in"
        if not self.in_sweep:
            return Failed("crashed", f"{said} {run_files.save_failure(self.folder, crash)}")
        failure = Failed("crashed", f"{said} {self.folder / 'failure.txt'}")
        self._record(failure, crash)
        return failure

    def _record(self, failure: Failed, crash: str = "") -> None:
        """Save why a job of a sweep failed; if that is not possible, the failure itself is still raised."""
        if self.in_sweep:
            with contextlib.suppress(OSError):
                run_files.save_reason(self.folder, failure.kind, self.overrides, str(failure), crash)


def late(seconds: float | None) -> str:
    """The line for a job that was not done after so many seconds."""
    return (
        f"timeout: expected an end within {seconds:g} s, got none; try a larger timeout, or fewer components"
    )


def _loaded(run: Run) -> tuple[Image, Keys]:
    """The image of a run, and the keys that follow from both."""
    image = run.image.load()
    return image, keys_of(run, image)
