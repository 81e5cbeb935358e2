"""The mixture engine beside scikit-learn: the same points, the same start, one run.

    python benchmarks/engine.py                  without the parts that take scikit-learn minutes
    python benchmarks/engine.py --full           everything: 13 GB of memory, half an hour
    python benchmarks/engine.py --full --photo big.jpg --photo-components 4000   also fits a photo
    python benchmarks/engine.py --full --quick   tiny sizes, as a test; results go to a temporary folder

It writes RESULTS.md and scaling.png. Every row is measured in its own process (`jobs.py`), so that it has
its own peak memory. A row of a failed job shows the reason. Columns are scaled so that scikit-learn's single
`reg_covar` equals our floor on each axis.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from figure import draw, slope
from jobs import CHECKED, WARM, run
from tables import Rows, apart, failed, machine, row, table

HERE = Path(__file__).parent
RENDERS = "## Renderers after a fit"
FAST = {"precision": "single", "truncation": 1e-5}
MARKS = {1: (1, 1), 5: (4, 6), 50: (48, 52)}
"""Iterations reported, each as the median of a few neighbours (from, to)."""


@dataclass(frozen=True)
class Plan:
    """The sizes and options of the measurements."""

    folder: str
    full: bool
    quick: bool
    photo: str | None
    photo_components: int
    peers_python: str

    def at(self, usual: Any, tiny: Any) -> Any:
        """The usual size, or the tiny one with --quick."""
        return tiny if self.quick else usual

    def fitted(self, step: int, k: int) -> str:
        """A file with a fitted init, which is made once."""
        file = Path(self.folder) / f"{step}-{k}.npz"
        if not file.exists():
            run("make_init", components=k, step=step, init=str(file))
        return str(file)


def compare(plan: Plan, step: int, k: int, asked: str, peers: bool) -> Rows:
    """Iterations of our engine, scikit-learn and its peers from the same fitted init."""
    init, heavy = plan.fitted(step, k), not peers
    runs = [("ours", "float32, truncation 1e-5", t, "ours", "single", 1e-5) for t in (1, 2)]
    runs += [("ours", "float64, truncation 1e-5", 2, "ours", "double", 1e-5)]
    if not heavy:
        runs += [("ours", "float64, exact", 2, "ours", "double", 0.0)]
    if plan.full or not heavy:
        precisions = ("float64",) if heavy else ("float64", "float32")
        runs += [("scikit-learn", p, t, "theirs", p, 0.0) for p in precisions for t in (1, 2)]
    if peers:
        runs += [("gmmx", "float32", "all", "gmmx", "float32", 0.0)]
        runs += [("pomegranate", "float32", 2, "pomegranate", "float32", 0.0)]
    done = []
    for who, how, threads, job, precision, truncation in runs:
        many = 6 if job == "ours" else 1 if heavy else 5
        python = plan.peers_python if who in ("gmmx", "pomegranate") else sys.executable
        details = dict(
            components=k, threads=threads, precision=precision, truncation=truncation, iterations=many
        )
        found = run(job, python, step=step, init=init, **details)
        # An iteration of ours after the first, which has none before it to take its lists from, is typical.
        seconds = float(np.median(found["each"][1 if job == "ours" else 0 :])) if "each" in found else np.nan
        done.append((who, how, threads, seconds, found))
    reference = [d for d in done if d[:2] == ("scikit-learn", "float64") and d[3] > 0]
    slow = min((d[3] for d in reference), default=np.nan)
    exact = next((d[4]["trace"] for d in (*reference, *done) if "trace" in d[4]), [])
    lines = []
    for who, how, threads, seconds, found in done:
        wanted = asked if (who, how, threads) == ("ours", "float32, truncation 1e-5", 2) else ""
        if why := failed(found):
            lines.append(row(who, how, threads, why, "", "", "", wanted))
            continue
        ratio = "not run" if np.isnan(slow) else f"{slow / seconds:.{0 if slow > 9.5 * seconds else 2}f}x"
        far = apart(found["trace"], exact)
        lines.append(row(who, how, threads, f"{seconds:.4g}", ratio, far, f"{found['peak']:.2f}", wanted))
    n = next((d[4]["n"] for d in done if "n" in d[4]), 0)
    head = "who | how | threads | s an iteration | scikit-learn float64 takes"
    head += " | log-likelihood apart, nats a point (iterations) | peak GB | asked"
    return [f"### {n:,} x 5, K = {k}", "", *table(head, lines)]


def iterations(plan: Plan) -> Rows:
    """Tables of an EM iteration from a fitted init, for all libraries."""
    lines = ["## An EM iteration, from the same fitted start", ""]
    lines += ["The median of 5 iterations; of ours after a first one (next section). The ratio is against"]
    lines += ["the faster of scikit-learn's rows in float64. At the larger size scikit-learn does one"]
    lines += ["iteration, and the mixture that it ends with is scored by our density as its second"]
    lines += ["likelihood. gmmx tells its last likelihood only; pomegranate adds no floor to covariances,"]
    lines += ["so that its likelihood goes another way after the first iteration.", ""]
    lines += compare(plan, plan.at(2, 8), plan.at(200, 20), "200x", True)
    lines += compare(plan, plan.at(1, 6), plan.at(1000, 40), "1000x, apart 1e-4, under 1 GB", False)
    return lines


def course(plan: Plan) -> Rows:
    """Our iterations 1, 5 and 50 from the default start and from a fitted one."""
    lines = []
    for step, k in plan.at([(2, 200), (1, 1000)], [(8, 20)]):
        for name in ("kmeans", "fitted"):
            init = plan.fitted(step, k) if name == "fitted" else name
            details = dict(components=k, init=init, threads=2, iterations=52, marks=list(MARKS))
            found = run("ours", step=step, **details, **FAST)
            if why := failed(found):
                lines.append(row(f"K = {k}", name, why, "", "", "", ""))
                continue
            for mark, (first, last) in MARKS.items():
                mean, worst = found["shares"][str(mark)]
                seconds = np.median(found["each"][first - 1 : last])
                made = f"{found['begin'] + found['sort']:.2f}" if mark == 1 else ""
                size = f"{found['n']:,} x 5, K = {k}"
                lines.append(row(size, name, mark, f"{seconds:.4f}", made, f"{mean:.1e}", f"{worst:.1e}"))
    text = ["## Our iterations from the default start (kmeans) and from a fitted one", ""]
    text += [
        "2 threads, float32, truncation 1e-5. Iteration 1 is single, 5 the median of 4 to 6, 50 that of 48"
    ]
    text += ["to 52. scikit-learn's iteration costs the same wherever it is. The neglected share of a"]
    text += [f"density is measured in float64 at {CHECKED:,} points against the dense formula, on the lists"]
    text += ["of that iteration; below 1e-13 it is rounding, of either sign.", ""]
    head = "work | start | iteration | s | sorting and start before it, s | neglected share, mean | worst"
    return text + table(head, lines)


def outcome(found: dict[str, Any]) -> list[str]:
    """Cells of a whole fit: seconds, compiling, iterations, whether converged, peak."""
    stopped = "gain" if found["converged"] else "limit"
    compiled = f"{found['compile']:.1f}" if "compile" in found else "0"
    return [f"{found['seconds']:.2f}", compiled, f"{found['iterations']} ({stopped})", f"{found['peak']:.2f}"]


WHOLE = "s | compiling or loading, s more | iterations (stopped by) | peak GB"


def ink(plan: Plan) -> Rows:
    """Whole fits of ink, ours and scikit-learn's."""
    same = dict(ink=True, components=plan.at(500, 20), rows=plan.at(None, 4000))
    done = []
    for begin in ("kmeans", "stratified", "random"):
        done.append(("ours", begin, 2, run("whole", begin=begin, iterations=100, **same)))
    if plan.full:
        done.append(("scikit-learn", "kmeans", 2, run("whole_theirs", threads=2, **same)))
    theirs = done[-1][3] if plan.full else {}
    lines = []
    for who, begin, threads, found in done:
        wanted = "200x, likelihood no worse" if (who, begin) == ("ours", "kmeans") else ""
        if why := failed(found):
            lines.append(row(who, begin, threads, why, *[""] * 5, wanted))
            continue
        ratio = f"{theirs['seconds'] / found['seconds']:.3g}x" if "seconds" in theirs else "not run"
        cells = (*outcome(found), ratio, f"{found['likelihood']:.4f}", wanted)
        lines.append(row(who, begin, threads, *cells))
    n = next((d[3]["n"] for d in done if "n" in d[3]), 0)
    text = [f"## Ink: butterfly, {n:,} x 2, K = {same['components']}, whole fits with their start", ""]
    text += ["To a gain below 1e-3 nats, at most 100 iterations, the same floor (1/12 of a pixel squared);"]
    text += ["log-likelihood of the final mixture in nats a point, a pixel being 1 x 1. scikit-learn has 2"]
    text += ["threads; with 1 thread it was not run.", ""]
    head = f"who | start | threads | {WHOLE} | scikit-learn takes | log-likelihood | asked"
    return text + table(head, lines)


def whole(plan: Plan) -> Rows:
    """Whole fits of pictures, ours."""
    step, k = plan.at((1, 1000), (6, 40))
    fits = [(None, step, k, begin, 200, "under 20 s") for begin in ("kmeans", "stratified", "random")]
    if plan.photo or plan.quick:
        asked = "under 600 s and 4 GB (16 Mpx, K = 4000)"
        fits.append((plan.photo, plan.at(1, 4), plan.photo_components, "stratified", 100, asked))
    lines = []
    for path, every, components, begin, most, asked in fits:
        details = dict(path=path, step=every, components=components, begin=begin, iterations=most)
        found = run("whole", **details)
        name = "photo" if path else "china"
        if why := failed(found):
            lines.append(row(name, components, begin, why, "", "", "", "", asked))
            continue
        cells = (*outcome(found), f"{found['bound']:.4f}", asked)
        lines.append(row(f"{name}, {found['n']:,} x 5", components, begin, *cells))
    text = ["## Whole fits of pictures with their start, to a gain below 1e-3 nats", ""]
    text += ["At most 200 iterations of china; of the photo at most 100, the default.", ""]
    return text + table(f"points | K | start | {WHOLE} | nats a point | asked", lines)


def answers(plan: Plan) -> Rows:
    """E[colour given x, y] at every pixel, and the command line from start to end."""
    step, k = plan.at((1, 1000), (2, 40))
    found, lines = run("conditional", step=step, init=plan.fitted(step, k)), []
    if why := failed(found):
        lines.append(row("E[colour given x, y]", why, "", "", "", "under 0.2 s"))
    else:
        each = found["each"]
        what = f"E[colour given x, y], {found['n']:,} pixels, K = {k}"
        what += f"; at most {found['apart']:.0e} levels off"
        once = f"{each[0]:.2f} (compiling or loading {found['compile']:.2f})"
        again = f"{np.median(each[1:]):.3f} (median of {WARM})"
        lines.append(row(what, once, again, f"{found['peak']:.2f}", "under 0.2 s warm"))
    words = ["image=china", "model=gmm", f"model.components={k}", "render=grid"]
    found = run("end_to_end", words=words + plan.at([], ["image.max_side=80"]), times=2)
    what = f"`python -m gmmbench {' '.join(words)}`"
    if why := failed(found):
        lines.append(row(what, why, "", "", "under 30 s"))
    else:
        seconds = [f"{s:.1f}" for s in found["each"]]
        lines.append(row(what, *seconds, f"{found['peak']:.2f}", "under 30 s warm"))
    return ["## Answers", "", *table("what | first time, s | second time, s | peak GB | asked", lines)]


def growth(plan: Plan, out: Path) -> Rows:
    """Seconds an iteration as n grows at one K, and as K grows at all points; and their picture."""
    step, k = plan.at((1, 200), (6, 20))
    lines: Rows = []
    curves: dict[str, list[tuple[int, float]]] = {"n": [], "K": []}
    everything = 0

    def measure(curve: str, rows: int | None, components: int) -> None:
        nonlocal everything
        details = dict(components=components, threads=2, iterations=7, **FAST)
        found = run("ours", step=step, rows=rows, init=plan.fitted(step, components), **details)
        if why := failed(found):
            lines.append(row(curve, rows or "all", components, why))
            return
        seconds = float(np.median(found["each"][1:]))
        everything = max(everything, found["n"])
        curves[curve].append((found["n"] if curve == "n" else components, seconds))
        lines.append(row(curve, f"{found['n']:,}", components, f"{seconds:.4f}"))

    for rows in plan.at([8_540, 17_080, 34_160, 68_320, 136_640, None], [1000, 3000, None]):
        measure("n", rows, k)
    for components in plan.at([50, 100, 200, 400, 800, 1600, 3200], [10, 20, 40]):
        measure("K", None, components)
    text = ["## Growth", "", *table("grows | n | K | s an iteration", lines)]
    if min(map(len, curves.values())) > 1:
        text += [f"Seconds grow as n to the power {slope(curves['n']):.2f} (asked: linear, 1) and as K"]
        text += [f"to the power {slope(curves['K']):.2f} (asked: clearly below 1).", ""]
        draw(curves["n"], curves["K"], k, everything, out / "scaling.png")
        text += ["![Seconds an iteration against n and against K](scaling.png)", ""]
    return text


def first_run(plan: Plan) -> Rows:
    """A default fit with an empty cache of kernels, and again with that cache filled."""
    lines = []
    for dimension in (2, 5):
        with tempfile.TemporaryDirectory() as cache:
            for state in ("empty", "filled"):
                job = dict(dimension=dimension, components=plan.at(100, 10))
                found = run("first", env={"GMMBENCH_CACHE": cache}, **job)
                wanted = "under 15 s more" if state == "empty" else ""
                if why := failed(found):
                    lines.append(row(dimension, state, why, "", wanted))
                    continue
                cells = (f"{found['compile']:.2f}", f"{found['seconds']:.2f}", wanted)
                lines.append(row(f"{found['n']:,} x {dimension}", state, *cells))
    head = "points | cache of kernels | compiling or loading, s | the whole call of fit, s | asked"
    return ["## The first run ever", "", *table(head, lines)]


def main() -> None:
    """Run what was asked; RESULTS.md is written anew after each section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--full", action="store_true", help="scikit-learn at K = 1000 and on ink too")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; results go to a temporary folder")
    parser.add_argument("--photo", help="also fit this picture whole")
    parser.add_argument("--photo-components", type=int)
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter with gmmx, pomegranate")
    parser.add_argument("--out", type=Path, help="folder of RESULTS.md and scaling.png")
    parser.add_argument("--iterations-only", action="store_true", help="the first section alone")
    chosen = parser.parse_args()
    out = chosen.out or (Path(tempfile.mkdtemp(prefix="engine-quick-")) if chosen.quick else HERE)
    k = chosen.photo_components or (60 if chosen.quick else 4000)
    about, before, begun = machine(), os.getloadavg()[0], time.perf_counter()
    done: Rows = []
    earlier = (out / "RESULTS.md").read_text() if (out / "RESULTS.md").exists() else ""
    kept = "".join(earlier.partition(RENDERS)[1:])  # written by renders.py
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(folder, chosen.full, chosen.quick, chosen.photo, k, chosen.peers_python)
        sections: list[Callable[[Plan], Rows]] = [iterations, course, ink, whole, answers]
        rest = () if chosen.iterations_only else (*sections[1:], lambda p: growth(p, out), first_run)
        for section in (sections[0], *rest):
            try:
                done += section(plan)
            except Exception as error:
                done += [f"A section failed: {error!r}", ""]
            text = ["# The mixture engine beside scikit-learn", "", f"Measured on {about}.", ""]
            text += [f"Load average {before:.2f} before the run, {os.getloadavg()[0]:.2f} at its end, after"]
            text += [f"{(time.perf_counter() - begun) / 60:.0f} minutes; the run itself keeps up to 2 busy."]
            text += [
                "Every row comes from a process of its own; compiling kernels is never inside its seconds,"
            ]
            text += ["unless the column says so. All figures are written by `benchmarks/engine.py`.", ""]
            (out / "RESULTS.md").write_text("\n".join([*text, *done, kept]).rstrip() + "\n")
    print((out / "RESULTS.md").read_text())
    print(json.dumps({"written to": str(out)}), file=sys.stderr)


if __name__ == "__main__":
    main()
