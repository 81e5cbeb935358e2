"""A plugin whose model fails as it is told to: written into a folder that goes on the path."""

FAULTY = """
import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from gmmbench import Model, hookimpl, option, registry


@dataclass(frozen=True)
class Faulty(Model):
    name = "faulty"
    views = ("ink",)
    how: str = option("fine", "what happens", choices=("fine", "raise", "kill", "memory", "sleep", "hang"))

    def fit(self, scene, rng, watch):
        if self.how == "raise":
            raise ValueError("as it was told")
        if self.how == "kill":
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "memory":
            np.empty(10**15)
        if self.how == "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        if self.how in ("sleep", "hang"):
            time.sleep(100)
        return registry.load().lookup("model", "uniform")().fit(scene, rng, watch)


@hookimpl
def gmmbench_models():
    return [Faulty]
"""


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
