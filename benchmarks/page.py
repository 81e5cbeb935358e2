"""How large the comparison of 500 runs is, how long it takes to make, and how long Chromium needs to open it.

    python benchmarks/page.py --runs 500

A few real runs are copied under other names, seeds and options: numbers and pictures are real, the choices
made up. Chromium opens the page three times; its seconds are from the call to the first frame after the load
event. Needs Chromium, and the extra [test] for what drives it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import gmmbench
from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import files
from gmmbench.storage.run_files import save_comparison

MODELS = ("gmm", "histogram", "uniform", "gmm model.components=20", "gmm model.covariance=diag")
SEEDS = 5
KNOBS = 4


def main() -> None:
    """Print the figures."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    ask.add_argument("--runs", type=int, default=500)
    ask.add_argument("--side", type=int, default=160)
    told = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        made_up(top / "runs", told.runs, real_runs(top / "real", told.side))
        start = time.perf_counter()
        found = compare([top / "runs"])
        compared = time.perf_counter()
        save_comparison(files(found, top / "runs"), top / "runs")
        saved = time.perf_counter()
        page = top / "runs/comparison.html"
        size = page.stat().st_size / 2**20
        print(f"{len(found.runs)} runs, {len(found.tables)} tables: {size:.1f} MiB")
        print(f"compared in {compared - start:.1f} s, written in {saved - compared:.1f} s")
        seconds = opened(page)
        print(f"opened in {', '.join(f'{x:.2f}' for x in seconds)} s")


def real_runs(top: Path, side: int) -> list[Path]:
    """A run of each of MODELS on the dog, with two renderers; their folders."""
    folders = [top / str(place) for place in range(len(MODELS))]
    for folder, words in zip(folders, MODELS, strict=True):
        image = ("image=dog", f"image.max_side={side}", "render=[grid,sample]")
        gmmbench.save(gmmbench.execute(gmmbench.compose(*image, *f"model={words}".split())), folder)
    return folders


def made_up(top: Path, runs: int, real: Sequence[Path]) -> None:
    """As many runs as asked: of images of other names, the real ones at KNOBS settings and SEEDS seeds."""
    for n in range(runs):
        rest, seed = divmod(n, SEEDS)
        rest, option = divmod(rest, KNOBS)
        image, place = divmod(rest, len(real))
        target = top / f"{n:04d}"
        shutil.copytree(real[place], target, copy_function=os.link)
        report = json.loads((target / "report.json").read_text())
        (target / "report.json").unlink()  # a link to that of the real run
        report["seed"] = report["config"]["seed"] = seed
        report["image"]["name"] = f"dog {image}"
        report["image"]["sha256"] = f"{image:064x}"
        report["model"]["parameters"]["setting"] = option
        report["fit"]["n_parameters"] = (report["fit"]["n_parameters"] or 0) + option
        report["cost"]["wall_seconds"] *= 1 + option + seed / 10
        (target / "report.json").write_text(json.dumps(report))


def opened(page: Path, times: int = 3) -> list[float]:
    """Seconds until the page has loaded and been drawn, each time in a fresh tab."""
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(times):
            tab = browser.new_page()
            start = time.perf_counter()
            tab.goto(page.as_uri(), wait_until="load")
            tab.evaluate(
                "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            seconds.append(time.perf_counter() - start)
            tab.close()
        browser.close()
    return seconds


if __name__ == "__main__":
    main()
