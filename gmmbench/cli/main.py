"""The command line: runs and sweeps through Hydra, subcommands, `--help` and `--version`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence

from .. import registry
from ..errors import Refused, unknown
from . import commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code: 0 done, 1 refused or failed, 2 bad config, 130 Ctrl-C.

    An error is one line on stderr; GMMBENCH_TRACEBACK=1 adds the traceback.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM interrupts as Ctrl-C does
    try:
        return _command(arguments)
    except KeyboardInterrupt:
        return _fail("interrupted; no file was left half-written", 130)
    except BrokenPipeError:
        # The reader has closed the pipe (`--help | head`); Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Refused as error:
        return _fail(str(error), 1)
    except Exception as error:
        return _fail(_explain(error, arguments), 2)


def _command(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    flags = set(arguments) - set(words)
    known = commands.names()
    if words and words[0] in known:
        rest = list(arguments)
        rest.remove(words[0])
        return commands.run(words[0], rest)
    if flags & {"--help", "-h"}:
        from .help import page

        print(page(words))
        return 0
    if "--version" in flags:
        print("gmmbench", registry.load().plugins[0].version)
        return 0
    if words and "=" not in words[0] and not flags and not words[0].startswith("~"):
        raise Refused(unknown("command", words[0], known) + "; a run is key=value, such as image=dog")
    from ..jobs.start import start

    return start(arguments)


def _explain(error: Exception, arguments: list[str]) -> str:
    from hydra.errors import HydraException

    # Hydra's MissingConfigException is an OSError, too, but not about a file of the user.
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
