"""The command line, which is killed at a moment: killing.py WORDS...

The environment variable KILLING says when and what: LOG STAGE NUMBER DELAY VICTIM.

DELAY seconds after the NUMBERth call of a STAGE (fit, save, compare) began, in whatever process of the sweep,
VICTIM ends as by `kill -9`: the "group" of all processes, the "parent" that the command line started, or the
"worker" that made the call. LOG gets a line with the process at each beginning and end of a stage, so that
one can see what was hit.

The server that forks the processes of a sweep imports this module as it starts (`install`): so they are
watched, too.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from gmmbench.running import execute
from gmmbench.storage.atomic import TemporaryFolder


class Log:
    """Lines that all processes append to one file."""

    def __init__(self, path):
        self.path = Path(path)
        self.handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)

    def write(self, line):
        os.write(self.handle, f"{line} {os.getpid()}\n".encode())

    def lines(self):
        return [line.split() for line in self.path.read_text().splitlines()]

    def calls(self, stage):
        return sum(line[:2] == ["begin", stage] for line in self.lines())


def kill(log, victim):
    log.write(f"kill {time.time()}")
    if victim == "group":
        os.killpg(0, signal.SIGKILL)
    parent = next(int(line[1]) for line in log.lines() if line[0] == "parent")
    os.kill(parent if victim == "parent" else os.getpid(), signal.SIGKILL)


def watched(stage, function, log, wanted, number, delay, victim):
    """The function, which logs its calls, and from one of them on has its time counted."""

    def call(*given, **named):
        log.write(f"begin {stage}")
        if stage == wanted and log.calls(stage) == number:
            threading.Timer(delay, kill, (log, victim)).start()
        result = function(*given, **named)
        log.write(f"end {stage}")
        return result

    return call


def install(folder):
    """Let each server of processes that starts with this folder on its path watch those it forks."""
    folder.mkdir()
    where = repr(str(Path(__file__).parent))
    lines = (
        "import sys",
        "if 'forkserver' in str(sys.orig_argv):",
        f"    sys.path.append({where})",
        "    import killing",
    )
    code = "\n".join(lines)
    (folder / "sitecustomize.py").write_text(code)
    return folder


def watch(path, wanted, number, delay, victim):
    log = Log(path)
    known = [("fit", execute, "_learn"), ("save", TemporaryFolder, "publish")]
    if __name__ == "__main__":
        from gmmbench.jobs import start

        log.write("parent")
        known.append(("compare", start, "compare_sweep"))
    for stage, owner, name in known:
        call = watched(stage, getattr(owner, name), log, wanted, int(number), float(delay), victim)
        setattr(owner, name, call)


if "KILLING" in os.environ:
    watch(*os.environ["KILLING"].split())
if __name__ == "__main__":
    from gmmbench.cli import main as cli

    # as the real one exits, so that what is left open at its end is noticed
    sys.exit(cli.main(sys.argv[1:]))
