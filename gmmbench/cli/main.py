"""The command line: Hydra for runs and sweeps; `plugins`, `check`, `store` and `--help` beside it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NoReturn

from .. import registry
from ..hydra_config import presets
from ..jobs.keeper import keep, wanted
from ..jobs.limits import GONE
from ..options import Refused, unknown

COMMANDS = ("plugins", "check", "compare", "store")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code: 0 done, 1 refused or failed, 2 bad config, 130 Ctrl-C.

    Whatever goes wrong is one line on stderr; GMMBENCH_TRACEBACK=1 adds the traceback.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside is interrupted, too
    try:
        return keep() if argv is None and wanted(arguments) else _command(arguments)
    except KeyboardInterrupt:
        return _fail("interrupted; no file was left half-written", 130)
    except BrokenPipeError:
        # The reader went away (`--help | head`); Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Refused as error:
        return _fail(str(error), 1)
    except Exception as error:
        return _fail(_explain(error, arguments), 2)


def _command(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    flags = set(arguments) - set(words)
    if flags & {"--help", "-h"}:
        from .help import page

        print(page(words))
        return 0
    if "--version" in flags:
        print("gmmbench", registry.load().plugins[0].version)
        return 0
    if words and words[0] in COMMANDS:
        if words[0] == "compare":
            return _compare(words[1:])
        if words[0] == "check":
            from .check_command import show
        elif words[0] == "store":
            from .store_command import show
        else:
            from .plugins_command import show
        return show(arguments[1:])
    if words and "=" not in words[0] and not flags and not words[0].startswith("~"):
        raise Refused(unknown("command", words[0], COMMANDS) + "; a run is key=value, such as image=dog")
    return _hydra(arguments, presets.sweeping(arguments))


def _hydra(arguments: list[str], sweep: bool) -> int:
    import hydra

    from ..hydra_config.grammar import quoted
    from ..hydra_config.search_path import VERSION_BASE, RememberFolder, open_door
    from ..jobs.job import job
    from ..jobs.sweeps import unsaid
    from ..storage import run_files

    _check_flags(arguments)
    presets.check(arguments)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # re-raise: `main` makes the line
    task = hydra.main(config_path=open_door(), config_name="config", version_base=VERSION_BASE)(job)
    before, again = sys.argv, False
    RememberFolder.forget()
    sys.argv = ["gmmbench", *(quoted(word, sweep) for word in arguments)]
    try:
        with contextlib.redirect_stderr(_WithoutHydrasLine(sys.stderr)), unsaid():
            task()
    except BrokenProcessPool:
        again = True  # a job ended the processes of joblib's: the keeper goes on
        return GONE
    except Refused as error:
        if RememberFolder.sweep is not None:  # each job has said its own
            raise Refused("some jobs of the sweep failed, see above; the others are done") from error
        raise
    finally:
        sys.argv = before
        run_files.prune(RememberFolder.run, RememberFolder.before)
        run_files.tidy_sweep(RememberFolder.sweep, RememberFolder.before)
        # Hydra calls no callback after a failure, and a sweep with failed jobs is compared, too
        if not again and RememberFolder.sweep is not None and RememberFolder.sweep.is_dir():
            _compare_sweep(RememberFolder.sweep)
    return 0


def _compare_sweep(folder: Path) -> None:
    """Compare the runs of a sweep; what goes wrong with that is said, and hides nothing else."""
    try:
        _compare([str(folder)])
    except Refused:
        pass  # no job left anything
    except Exception as error:
        said = " ".join(str(error).split())
        print(f"gmmbench: the comparison failed: {type(error).__name__}: {said}", file=sys.stderr)


def _compare(folders: Sequence[str]) -> int:
    """Compare the runs below the folders; the files go into the first."""
    from ..comparing.compare import compare, find
    from ..storage import run_files

    if not folders:
        raise Refused("gmmbench compare: expected a folder of runs, got none; try gmmbench compare multirun")
    before = None
    while before != (found := [(entry.folder, entry.failure) for entry in find(folders)]):
        # another sweep may have finished a run meanwhile: who writes last has seen all
        before, files = found, run_files.save_comparison(compare(folders), folders[0])
    for file in files:
        print(f"comparison: {file}", flush=True)
    return 0


def _check_flags(arguments: list[str]) -> None:
    """Refuse flags that Hydra does not know, in one line. Raises Refused."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        wrong = next((word for word in arguments if word.startswith("-")), "")
        raise Refused(f"{message}; a choice has no dashes: try {wrong.lstrip('-') or 'image=dog'}, or --help")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]  # argparse would print its usage and leave
    parser.parse_args(arguments)


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


def _explain(error: Exception, arguments: list[str]) -> str:
    from hydra.errors import HydraException

    # Hydra's MissingConfigException is an OSError too, but about no file of the user's.
    if isinstance(error, OSError) and not isinstance(error, HydraException):
        from ..storage.run_files import bad_folder

        return bad_folder(str(error.filename or "")[:80], error)
    from ..hydra_config.explain import explain

    return explain(error, arguments)


def _fail(line: str, code: int) -> int:
    if os.environ.get("GMMBENCH_TRACEBACK") == "1":
        traceback.print_exc()
    print(f"gmmbench: {line}", file=sys.stderr)
    return code
