"""Every renderer after a fit of china with K = 1000: seconds of its first call and of a later one.

    python benchmarks/renders.py

It fits the photo once in each view and writes its section of RESULTS.md. Each renderer draws in a process of
its own, which is given the mixture: its first call pays for importing matplotlib or Pillow and for loading
kernels. Seconds of CPU stand beside those of the clock: other work on the machine lengthens the latter alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tables import machine, row, table

import gmmbench
from gmmbench.api import COLUMNS, Split, Study, stream
from gmmbench.mixture import Mixture

RESULTS = Path(__file__).parent / "RESULTS.md"
TITLE = "## Renderers after a fit"

IMAGE = ("image=china", "model.components=1000")
LEVELS = ("image=china", "model.components=3")
DRAWN = {
    "colour": (
        "grid", "grid show=mode", "grid show=variance", "grid show=entropy", "sample", "points", "components",
        "residual", "channels", "collage", "sampling",
    ),
    "ink": (
        "grid", "grid mapping=quantile show_map=true", "contour", "slices frames=0", "slices", "sample",
        "points", "components", "residual", "collage", "sampling",
    ),
    "levels": ("density1d", "sampling"),
}  # fmt: skip
"""What is drawn, by view: a renderer, and its options where they are not the usual."""

AGAIN = 3
"""Later calls, of which the median counts."""


def main() -> None:
    """Fit, draw, and write the section."""
    rows: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for view, drawn in DRAWN.items():
            file = Path(folder) / f"{view}.npz"
            history = fitted(view, file)
            rows += [] if view == "levels" else [history]
            rows += [timed(view, words, file) for words in drawn]
    section = [
        TITLE,
        "",
        f"{machine()}.",
        "",
        "china, 640 x 427, K = 1000 (as grey levels K = 3), fitted once, by `benchmarks/renders.py`: the",
        "first call of a renderer in a process of its own, with what it imports and loads, and the median of",
        "later ones. Fit, scores and files are not in it. The load average at the end was",
        f"{os.getloadavg()[0]:.1f} on 2 cores: other work lengthens seconds of the clock, not of the CPU",
        "(of all threads). Asked: a still in under 2 s.",
        "",
        *table("view | renderer | picture, pixels | frames | first call, s | CPU | later, s | CPU", rows),
    ]
    text = RESULTS.read_text(encoding="utf-8").partition(TITLE)[0].rstrip()
    RESULTS.write_text(f"{text}\n\n" + "\n".join(section).rstrip() + "\n", encoding="utf-8")


def fitted(view: str, file: Path) -> str:
    """Fit china in a view and keep the mixture; the row of `evolution`, which draws the fit's history."""
    marks = {}

    def listen(stage: str, count: int, bound: float | None) -> None:
        marks[stage] = time.perf_counter()

    words = ("render=evolution",) if view != "levels" else ("render=density1d",)
    run = gmmbench.compose(*(LEVELS if view == "levels" else IMAGE), f"image.view={view}", *words)
    outcome = gmmbench.execute(run, listen)
    mixture: Mixture = outcome.study.fitted.mixture  # type: ignore[attr-defined]  # a Gaussian mixture has one
    np.savez(file, weights=mixture.weights, means=mixture.means, covariances=mixture.covariances)
    ((option, picture),) = outcome.pictures.items()
    return row(
        view,
        f"`{option}`",
        size(picture),
        len(picture.frames),
        f"{marks[option] - marks['score']:.2f}",
        "",
        "",
        "",
    )


def timed(view: str, words: str, file: Path) -> str:
    """The row of one renderer, drawn in a process of its own."""
    run = [sys.executable, __file__, "--child", view, words, str(file)]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    print(view, words, told, file=sys.stderr, flush=True)
    return row(view, f"`{words}`", told["size"], told["frames"] or "", *(f"{t:.2f}" for t in told["seconds"]))


def child(view: str, words: str, file: str) -> None:
    """Draw in this process, the first time and again, and print how long it took."""
    name, *options = words.split()
    said = [f"render.{name}.{option}" for option in options]
    run = gmmbench.compose("image=china", f"image.view={view}", f"render={name}", *said)
    with np.load(file) as held:
        mixture = Mixture(held["weights"], held["means"], held["covariances"])
    image = run.image.load()
    fit = gmmbench.mixture_fitted(mixture, COLUMNS[view], n_parameters=1, iterations=1, converged=True)
    study = Study(image, Split.draw(image.lattice, 0, 0.2), fit)
    (renderer,) = run.renders.values()
    assert renderer.cannot(study) is None, renderer.cannot(study)

    def seconds() -> Iterator[tuple[float, float]]:
        for _ in range(1 + AGAIN):
            started = time.perf_counter(), time.process_time()
            drawn.append(renderer.render(study, stream(0, "render")))
            yield time.perf_counter() - started[0], time.process_time() - started[1]

    drawn: list[gmmbench.Picture] = []
    first, *later = seconds()
    told = {
        "size": size(drawn[0]),
        "frames": len(drawn[0].frames),
        "seconds": [*first, *np.median(later, axis=0).tolist()],
    }
    print(json.dumps(told))


def size(picture: gmmbench.Picture) -> str:
    """Width x height."""
    return f"{picture.pixels.shape[1]} x {picture.pixels.shape[0]}"


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(*sys.argv[2:])
    else:
        main()
