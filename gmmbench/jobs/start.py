"""Starting Hydra with a command line: one run, or the jobs of a sweep and their comparison."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, NoReturn

from ..errors import Refused
from ..hydra_config import presets
from ..storage import run_files
from .comparison import compare_sweep
from .interrupts import noticed

REPLACED = {
    "workers": "hydra/launcher=local hydra.launcher.workers=2",
    "joblib": "hydra/launcher=local hydra.launcher.workers=2",
    "submitit_slurm": "hydra/launcher=cluster",
    "submitit_local": "hydra/launcher=cluster hydra.launcher.cluster=local",
    "ray": "hydra/launcher=ray_workers",
}
"""Earlier and other names of launchers, and what to use instead."""


def start(arguments: list[str]) -> int:
    """Run a command line of Hydra's: one run or a sweep; return the exit code. Raises Refused."""
    with noticed():
        return _start(arguments)


def _start(arguments: list[str]) -> int:
    _check_launcher(arguments)
    presets.check(arguments)
    sweeping = presets.sweeping(arguments)
    if sweeping and not any(word.startswith("hydra/launcher=") for word in arguments):
        from .pool import prepare

        prepare()  # it loads libraries while Hydra composes the jobs
    import hydra

    from ..hydra_config.grammar import quoted
    from ..hydra_config.search_path import VERSION_BASE, RememberFolder, register_search_path
    from .launcher import SweepLauncher
    from .single import task

    ordered = _overrides_first(arguments)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # re-raise: `main` makes the line
    run = hydra.main(config_path=register_search_path(), config_name="config", version_base=VERSION_BASE)(
        task
    )
    before, interrupted = sys.argv, False
    RememberFolder.forget()
    sys.argv = ["gmmbench", *(quoted(word, sweeping) for word in ordered)]
    try:
        with contextlib.redirect_stderr(_WithoutHydrasLine(sys.stderr)):
            run()
    except Refused as error:
        if RememberFolder.sweep is not None:  # each job has said its own
            raise Refused("some jobs of the sweep failed, see above; the others are done") from error
        raise
    except KeyboardInterrupt:
        interrupted = True
        raise
    finally:
        sys.argv = before
        if SweepLauncher.current is not None:
            SweepLauncher.current.close()
        run_files.prune(RememberFolder.run, RememberFolder.before)
        run_files.tidy_sweep(RememberFolder.sweep, RememberFolder.before)
        # Hydra calls no callback after a failure, and a sweep with failed jobs is compared, too
        if not interrupted and RememberFolder.sweep is not None and RememberFolder.sweep.is_dir():
            compare_sweep(RememberFolder.sweep)
    return 0


def _check_launcher(arguments: list[str]) -> None:
    """Refuse a launcher that has another name now. Raises Refused."""
    for word in arguments:
        group, _, name = word.partition("=")
        if group == "hydra/launcher" and name in REPLACED:
            raise Refused(
                f"hydra/launcher: expected one of cluster, local, ray_workers, got {name!r}; "
                f"try {REPLACED[name]}"
            )


def _overrides_first(arguments: list[str]) -> list[str]:
    """The arguments with the flags last: Hydra does not accept a flag between overrides.

    Raises Refused: Hydra does not know a flag.
    """
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        wrong = next((word for word in arguments if word.startswith("-")), "")
        raise Refused(f"{message}; a choice has no dashes: try {wrong.lstrip('-') or 'image=dog'}, or --help")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]  # argparse would print its usage and leave
    overrides = parser.parse_intermixed_args(arguments).overrides
    flags = list(arguments)
    for override in overrides:
        flags.remove(override)
    return [*overrides, *flags]


class _WithoutHydrasLine:
    """A stderr that drops Hydra's "Error executing job with overrides", which our own line replaces."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if text.startswith("Error executing job with overrides"):
            return len(text)
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
