"""The mixture engine beside scikit-learn: the same points, the same start, one run.

    python benchmarks/engine.py                  small sizes and our own curves: some minutes
    python benchmarks/engine.py --full           also scikit-learn at K = 1000: 13 GB, some minutes more
    python benchmarks/engine.py --photo big.jpg --photo-components 4000   also a whole fit of a photo

Every row is measured in a process of its own, so that its peak of memory is its own. scikit-learn gets
one thread and two; the faster one counts, both are printed. Columns are scaled so that its one
`reg_covar` is our floor per axis.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ITERATIONS = 5
"""Iterations timed of ours; the median counts."""


def picture(path: str | None, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Every step-th pixel of a picture as points (n, 5) with the floor of its cells."""
    if path is None:
        from sklearn.datasets import load_sample_image

        image = load_sample_image("china.jpg")
    else:
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = None
        image = np.asarray(Image.open(path).convert("RGB"))
    image = image[::step, ::step]
    height, width, _ = image.shape
    side = max(height, width)
    y, x = np.mgrid[:height, :width]
    points = np.empty((height * width, 5))
    points[:, 0], points[:, 1] = (x.ravel() + 0.5) / side, (y.ravel() + 0.5) / side
    points[:, 2:] = (image.reshape(-1, 3) + 0.5) / 256
    return points, np.array([side**-2.0] * 2 + [256**-2.0] * 3) / 12


def peak() -> float:
    """Peak memory of this process, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def started(job: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, Any]:
    """Points and floor in units of the floor, and the start that was saved."""
    from gmmbench.mixture import Mixture

    points, floor = picture(job["path"], job["step"])
    if job.get("rows"):
        keep = np.sort(np.random.default_rng(0).choice(len(points), job["rows"], replace=False))
        points = points[keep]
    scale = np.sqrt(floor)
    with np.load(job["start"]) as saved:
        start = Mixture(saved["weights"], saved["means"], saved["covariances"])
    return points / scale, np.ones(5), start


def ours(job: dict[str, Any]) -> dict[str, Any]:
    """Time iterations of the fast engine from the saved start."""
    from gmmbench.mixture import fit

    points, floor, start = started(job)
    ticks = []
    options = dict(components=start.n_components, start=start, tolerance=0.0, floor=floor, rng=None)
    options |= dict(precision=job["precision"], neglect=job["neglect"], threads=job["threads"])
    fit(points[: 4 * start.n_components], iterations=1, **{**options, "watch": None})  # compiles
    found = fit(
        points,
        iterations=job["iterations"],
        watch=lambda *_: ticks.append(time.perf_counter()),
        **options,
    )
    return {"seconds": float(np.median(np.diff(ticks))), "trace": found.trace, "peak": peak()}


def theirs(job: dict[str, Any]) -> dict[str, Any]:
    """Time E- and M-steps of scikit-learn from the saved start."""
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    points, _, start = started(job)
    points = points.astype(job["precision"])
    model = GaussianMixture(start.n_components, reg_covar=1.0)
    model.weights_ = start.weights.astype(points.dtype)
    model.means_ = start.means.astype(points.dtype)
    factors = np.linalg.inv(np.linalg.cholesky(start.covariances))
    model.precisions_cholesky_ = np.swapaxes(factors, 1, 2).astype(points.dtype)
    seconds, trace = [], []
    with threadpool_limits(job["threads"]):
        for _ in range(job["iterations"]):
            begun = time.perf_counter()
            bound, responsibilities = model._e_step(points)
            model._m_step(points, responsibilities)
            seconds.append(time.perf_counter() - begun)
            trace.append(float(bound))
    return {"seconds": float(np.median(seconds)), "trace": trace, "peak": peak()}


def make_start(job: dict[str, Any]) -> dict[str, Any]:
    """A fitted start: 30 iterations of ours from a stratified one, saved in units of the floor."""
    from gmmbench.mixture import fit

    points, floor = picture(job["path"], job["step"])
    points = points / np.sqrt(floor)
    found = fit(
        points,
        components=job["components"],
        start="stratified",
        iterations=30,
        tolerance=0,
        floor=1.0,
        rng=np.random.default_rng(0),
    )
    m = found.mixture
    np.savez(job["start"], weights=m.weights, means=m.means, covariances=m.covariances)
    return {"n": len(points)}


def whole(job: dict[str, Any]) -> dict[str, Any]:
    """A whole fit with its start, by scikit-learn's rule at a tolerance of 1e-3."""
    from gmmbench.mixture import fit

    points, floor = picture(job["path"], job["step"])
    begun = time.perf_counter()
    found = fit(
        points,
        components=job["components"],
        start=job["begin"],
        tolerance=1e-3,
        iterations=200,
        floor=floor,
        rng=np.random.default_rng(0),
    )
    return {
        "n": len(points),
        "seconds": time.perf_counter() - begun - found.compile_seconds,
        "compile": found.compile_seconds,
        "iterations": found.iterations,
        "converged": found.converged,
        "bound": found.bound,
        "peak": peak(),
    }


def neglected(job: dict[str, Any]) -> dict[str, Any]:
    """The neglected share at 10,000 points, against the dense formula."""
    from gmmbench.mixture.expectation import Components, Expectation
    from gmmbench.mixture.units import Units

    points, floor, start = started(job)
    units = Units.of(points, np.ones(len(points)), floor, "full")
    inside = units.into(points)
    means = np.linalg.solve(units.factor, (start.means - units.origin).T).T
    ask = Expectation(inside, np.ones(len(inside)), precision="double", neglect=job["neglect"])
    components = Components.of(start.weights, means, units.spread_into(start.covariances))
    found = ask.log_density(components) - units.log_volume
    some = np.random.default_rng(1).choice(len(points), 10_000, replace=False)
    share = -np.expm1(found[some] - start.log_density(points[some]))
    return {"mean": float(share.mean()), "worst": float(share.max())}


JOBS = {f.__name__: f for f in (ours, theirs, make_start, whole, neglected)}


def run(name: str, **job: Any) -> dict[str, Any]:
    """Do a job in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--job", name, json.dumps(job)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    print(name, {k: v for k, v in job.items() if k != "start"}, done.stdout.strip()[:120], file=sys.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def machine() -> str:
    """Processor, cores, versions."""
    import numba
    import sklearn

    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in flags.splitlines() if "model name" in line), "?")
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX"
    return (
        f"{model} ({wide}), {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, numba {numba.__version__}, scikit-learn {sklearn.__version__}; "
        f"load average before the run {os.getloadavg()[0]:.1f}"
    )


def compare(folder: str, step: int, k: int, full: bool) -> list[str]:
    """Rows of a table: ours and scikit-learn's from one fitted start."""
    start = str(Path(folder) / f"{step}-{k}.npz")
    base = {"path": None, "step": step, "start": start}
    n = run("make_start", components=k, **base)["n"]
    runs = [("ours", "float32, neglect 1e-5", t, "ours", "single", 1e-5) for t in (1, 2)]
    runs += [("ours", "float64, neglect 1e-5", 2, "ours", "double", 1e-5)]
    if k <= 200:
        runs += [("ours", "float64, exact", 2, "ours", "double", 0.0)]
        runs += [("scikit-learn", p, t, "theirs", p, 0.0) for p in ("float64", "float32") for t in (1, 2)]
    elif full:
        runs += [("scikit-learn", "float64", 2, "theirs", "float64", 0.0)]
    rows = []
    for who, how, threads, job, precision, neglect in runs:
        many = 1 if job == "theirs" and k > 200 else ITERATIONS
        found = run(job, threads=threads, precision=precision, neglect=neglect, iterations=many, **base)
        rows.append((who, how, threads, found))
    exact = next((f for w, h, _, f in rows if w != "ours" and h == "float64"), rows[2][3])
    slow = min((f["seconds"] for w, h, _, f in rows if w != "ours" and h == "float64"), default=None)
    lines = []
    for who, how, threads, found in rows:
        steps = min(len(found["trace"]), len(exact["trace"]))
        apart = np.abs(np.subtract(found["trace"][:steps], exact["trace"][:steps])).max()
        ratio = f"{slow / found['seconds']:.0f}x" if slow else "-"
        lines.append(
            f"| {n:,} x 5, K = {k} | {who} | {how} | {threads} | {found['seconds']:.4g} | {ratio} "
            f"| {apart:.1e} ({steps}) | {found['peak']:.2f} |"
        )
    share = run("neglected", neglect=1e-5, **base)
    lines.append(
        f"\nNeglected share at 10,000 points: mean {share['mean']:.1e}, worst {share['worst']:.1e}.\n"
    )
    return lines


def curves(folder: str) -> list[str]:
    """Seconds an iteration as n grows at K = 200, and as K grows at all points."""
    lines = ["| n | K | seconds an iteration |", "|---|---|---|"]
    common = {"path": None, "step": 1, "threads": 2, "precision": "single", "neglect": 1e-5, "iterations": 5}
    for k in (50, 200, 800, 3200):
        start = str(Path(folder) / f"curve-{k}.npz")
        run("make_start", components=k, path=None, step=1, start=start)
        sizes = (17_080, 68_320, None) if k == 200 else (None,)
        for rows in sizes:
            found = run("ours", rows=rows, start=start, **common)
            lines.append(f"| {rows or 273_280:,} | {k} | {found['seconds']:.4f} |")
    return lines


def main() -> None:
    """Run what was asked and write RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # it has one
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help="scikit-learn at K = 1000 too")
    parser.add_argument("--photo", help="also fit this picture whole")
    parser.add_argument("--photo-components", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    chosen = parser.parse_args()
    if chosen.job:
        print(json.dumps(JOBS[chosen.job[0]](json.loads(chosen.job[1]))))
        return
    head = (
        "| work | who | how | threads | s an iteration | scikit-learn float64 takes "
        "| log-likelihood apart (iterations) | peak GB |"
    )
    lines = ["# The mixture engine beside scikit-learn", "", f"Measured on {machine()}.", ""]
    lines += ["## An EM iteration, from the same fitted start", "", head, "|" + "---|" * 8]
    with tempfile.TemporaryDirectory() as folder:
        lines += compare(folder, 2, 200, chosen.full)
        lines += [head, "|" + "---|" * 8, *compare(folder, 1, 1000, chosen.full)]
        lines += ["## Growth", "", *curves(folder), ""]
    lines += ["## Whole fits with their start, to a gain below 1e-3 nats", ""]
    lines += [
        "| n | K | start | s | compiling or loading, s | iterations | nats a point | peak GB |",
        "|" + "---|" * 8,
    ]
    fits = [(None, 1000, begin) for begin in ("kmeans", "stratified", "random")]
    if chosen.photo:
        fits.append((chosen.photo, chosen.photo_components, "stratified"))
    for path, k, begin in fits:
        found = run("whole", path=path, step=1, components=k, begin=begin)
        lines.append(
            f"| {found['n']:,} | {k} | {begin} | {found['seconds']:.1f} | {found['compile']:.1f} "
            f"| {found['iterations']} | {found['bound']:.4f} | {found['peak']:.2f} |"
        )
    chosen.out.write_text("\n".join(lines) + "\n")
    print(chosen.out.read_text())


if __name__ == "__main__":
    main()
