"""The command line, which kills its own process group at a moment: killing.py LOG STAGE NUMBER DELAY WORDS...

After DELAY seconds in the NUMBERth call of a STAGE (fit, save, compare) everything ends as by `kill -9`. LOG
gets a line at each beginning and end of a stage, so that one can see what was hit.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from gmmbench.cli import main as cli
from gmmbench.jobs import start
from gmmbench.running import execute
from gmmbench.storage.atomic import Draft


def watched(stage, function, log, wanted, number, delay):
    """The function, which logs its calls, and from one of them on has its time counted."""
    calls = []

    def call(*given, **named):
        calls.append(1)
        log(f"begin {stage}")
        if stage == wanted and len(calls) == number:
            threading.Timer(delay, os.killpg, (0, signal.SIGKILL)).start()
        result = function(*given, **named)
        log(f"end {stage}")
        return result

    return call


def main():
    """Run the words."""
    path, wanted, number, delay, *words = sys.argv[1:]
    handle = os.open(Path(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def log(line):
        os.write(handle, f"{line}\n".encode())

    known = {"fit": (execute, "_learn"), "save": (Draft, "publish"), "compare": (start, "compare_sweep")}
    for stage, (owner, name) in known.items():
        call = watched(stage, getattr(owner, name), log, wanted, int(number), float(delay))
        setattr(owner, name, call)
    os._exit(cli.main(words))


if __name__ == "__main__":
    main()
