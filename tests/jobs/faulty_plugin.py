"""A plugin whose model fails as it is told to: written into a folder that goes on the path."""

FAULTY = '''
import os
import re
import resource
import signal
import sys
import time
from dataclasses import dataclass

import numpy as np

from gmmbench import Model, hookimpl, option, registry

HOWS = (
    "fine", "raise", "kill", "memory", "sleep", "hang", "stuck", "exit0", "exit7", "sysexit", "allocate",
    "say", "gone",
)


def allocate():
    """Take memory without end; 200 MiB are left."""
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + (200 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    taken = []
    while True:
        taken.append(np.ones(1 << 22))


def oom():
    """Take some memory and be killed by the kernel for it, as far as one can tell."""
    taken = [np.ones(1 << 22) for _ in range(4)]
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Faulty(Model):
    name = "faulty"
    views = ("ink",)
    how: str = option("fine", "what happens", choices=HOWS)

    def fit(self, scene, rng, watch):
        if self.how == "raise":
            raise ValueError("as it was told")
        if self.how == "kill":
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "gone":
            oom()
        if self.how == "memory":
            np.empty(10**15)
        if self.how == "allocate":
            allocate()
        if self.how == "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        if self.how in ("sleep", "hang"):
            time.sleep(100)
        if self.how == "stuck":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})
            re.match("(a|a)+$", "a" * 50 + "b")  # which lets no other thread run, for years
        if self.how.startswith("exit"):
            os._exit(int(self.how[4:]))
        if self.how == "sysexit":
            sys.exit(0)
        if self.how == "say":
            print("said by the model", flush=True)
        return registry.load().lookup("model", "uniform")().fit(scene, rng, watch)


@hookimpl
def gmmbench_models():
    return [Faulty]
'''


def write(folder):
    """Install it into a folder, as pip would."""
    package, info = folder / "gmmbench_faulty", folder / "gmmbench_faulty-1.0.dist-info"
    (package / "conf" / "model").mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text(FAULTY)
    (package / "conf" / "model" / "faulty.yaml").write_text("# It fails as told.\nname: faulty\nhow: fine\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gmmbench-faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gmmbench]\nfaulty = gmmbench_faulty\n")
    return folder
