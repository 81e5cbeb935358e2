"""What a sweep costs at first, repeated, and from the store.  Run: python benchmarks/sweeps.py [--side 100].

36 jobs (3 models x 4 images x 3 seeds), 3 renderers each; every number is wall clock of the whole command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = ("model=gmm,histogram,lightgbm", "image=dog,butterfly,horse,tiger", "seed=0,1,2")
RENDERS = "render=[grid,sample,contour]"
JOBS = 36


def timed(words: list[str], top: Path) -> tuple[float, float, str]:
    """Seconds of wall clock, those of CPU, and what was said."""
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "gmmbench", *words],
        cwd=top,
        env={**os.environ, "GMMBENCH_STORE": str(top / "store")},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, cpu, done.stdout


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--side", type=int, default=None, help="image.max_side; default: the images as they are"
    )
    side = parser.parse_args().side
    size = [] if side is None else [f"image.max_side={side}"]
    sweep = ["-m", *WORDS, RENDERS, *size]
    one = ["model=histogram", "image=dog", "render=grid", *size]
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        steps = (
            ("one run of the smallest kind, done already", [*one, "hydra.run.dir=one"], 1, 1),
            ("36 jobs, first time", [*sweep, "hydra.sweep.dir=a"], JOBS, 0),
            ("the same command again", [*sweep, "hydra.sweep.dir=a"], JOBS, 0),
            ("the same into a new folder", [*sweep, "hydra.sweep.dir=b"], JOBS, 0),
            ("one more renderer", ["-m", *WORDS, "render=[grid,sample,contour,points]", *size,
                                   "hydra.sweep.dir=c"], JOBS, 0),
        )  # fmt: skip
        print(f"{'':44} {'wall s':>8} {'CPU s':>8} {'a job':>8}  fits taken, runs done already")
        for name, words, jobs, twice in steps:
            for _ in range(1 + twice):
                wall, cpu, said = timed(words, top)
            kept = f"{said.count('fit from the store')}, {said.count('done already')}"
            print(f"{name:44} {wall:8.1f} {cpu:8.1f} {wall / jobs:8.3f}  {kept}", flush=True)


if __name__ == "__main__":
    main()
