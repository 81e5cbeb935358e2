"""The jobs of the benchmark: a fresh process runs one by name and prints its result as a line of JSON.

    python benchmarks/jobs.py NAME '{"key": "value"}'

Each job runs in its own process, so that its peak memory is its own. `run` is called by the parent.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from inputs import ink, largest, peak, picture, saved, scaled
from peers import gmmx, pomegranate

CHECKED = 10_000
"""The number of points at which the truncated share is measured against the dense formula."""

WARM = 5
"""The number of calls after the first one, of which the median is reported."""


def run(
    name: str, python: str = sys.executable, env: dict[str, str] | None = None, **job: Any
) -> dict[str, Any]:
    """Run a job in a fresh process. If it fails, the result is {"error": reason}."""
    command = [python, str(Path(__file__).resolve()), name, json.dumps(job)]
    settings = {**os.environ, **(env or {})}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=settings)
    said = done.stdout.strip().splitlines()
    if done.returncode == 0 and said:
        result: dict[str, Any] = json.loads(said[-1])
    elif done.returncode < 0:
        result = {"error": f"ended by signal {-done.returncode}" + " (memory?)" * (done.returncode == -9)}
    else:
        result = {"error": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    told = {key: value for key, value in job.items() if key != "init" or "/" not in str(value)}
    print(f"{name} {told}: {str(result)[:140]}", file=sys.stderr, flush=True)
    return result


def make_init(job: dict[str, Any]) -> dict[str, Any]:
    """A fitted start: 30 iterations of ours from a stratified one, saved in units of the floor."""
    from gmmbench.mixture import fit

    points = scaled(job)
    options = dict(
        components=job["components"], init="stratified", iterations=30, tolerance=0, covariance_floor=1.0
    )
    m = fit(points, rng=np.random.default_rng(0), **options).mixture
    np.savez(job["init"], weights=m.weights, means=m.means, covariances=m.covariances)
    return {"n": len(points)}


def ours(job: dict[str, Any]) -> dict[str, Any]:
    """Time each iteration of the fast engine, from a saved start or one made by name.

    `marks`: iterations in which the neglected share is measured, after everything is timed.
    """
    from gmmbench.mixture import Mixture, fit
    from gmmbench.mixture.em.iterate import step
    from gmmbench.mixture.em.problem import Options, Problem
    from gmmbench.mixture.kernels.compiler import compile_seconds

    points, k = scaled(job), job["components"]
    named = job["init"] if job["init"].isidentifier() else None
    init = named or Mixture(*saved(job["init"]))
    extra = dict(precision=job["precision"], truncation=job["truncation"], threads=job["threads"])
    few = points[:: max(1, len(points) // (8 * k))]
    rng = np.random.default_rng(0)
    fit(
        few, components=k, init="stratified", iterations=1, covariance_floor=1.0, rng=rng, **extra
    )  # compiles
    compiled = compile_seconds()
    options = Options(tolerance=0.0, iterations=job["iterations"], **extra)
    begun = time.perf_counter()
    problem = Problem(points, np.ones(len(points)), np.ones(points.shape[1]), options)
    sorted_at = time.perf_counter()
    state = problem.begin(k, init, np.random.default_rng(0))
    ticks, trace, kept = [time.perf_counter()], [], {}
    begin_seconds, sort_seconds, before = ticks[0] - sorted_at, sorted_at - begun, None
    for iteration in range(1, job["iterations"] + 1):
        if iteration in job.get("marks", ()):
            kept[iteration] = before, state
        before = state
        bound, state, _ = step(problem, state)
        ticks.append(time.perf_counter())
        trace.append(bound)
    result = {"each": np.diff(ticks).tolist(), "begin": begin_seconds, "sort": sort_seconds, "trace": trace}
    result |= {"peak": peak(), "compile": compiled, "late": compile_seconds() - compiled, "n": len(points)}
    result["shares"] = {i: neglected(problem, *states, job["truncation"]) for i, states in kept.items()}
    return result


def neglected(problem: Any, before: Any, state: Any, truncation: float) -> list[float]:
    """Mean and largest truncated share of an iteration that follows one at `before`, in float64."""
    from scipy.linalg import solve_triangular
    from scipy.special import logsumexp

    from gmmbench.mixture.em.e_step import Expectation, KernelComponents

    ask = Expectation(problem.points, problem.weights, precision="double", truncation=truncation)
    if before is not None:
        ask.moments(KernelComponents.of(before.weights, before.means, before.covariances))
    found = ask.log_density(KernelComponents.of(state.weights, state.means, state.covariances))
    some = np.random.default_rng(1).permutation(len(found))[:CHECKED]
    joint = np.empty((len(state.weights), len(some)))
    for k, factor in enumerate(np.linalg.cholesky(state.covariances)):
        white = solve_triangular(factor, (problem.points[some] - state.means[k]).T, lower=True)
        joint[k] = np.log(state.weights[k]) - 0.5 * (white**2).sum(axis=0) - np.log(np.diag(factor)).sum()
    dense = logsumexp(joint, axis=0) - 0.5 * problem.points.shape[1] * np.log(2 * np.pi)
    share = -np.expm1(found[some] - dense)
    return [float(share.mean()), float(share.max())]


def theirs(job: dict[str, Any]) -> dict[str, Any]:
    """Time E- and M-steps of scikit-learn from the saved start.

    After a single iteration its new mixture is scored too (by our exact density: its own E-step would
    take minutes more), so that the M-step is compared as well.
    """
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    points = scaled(job).astype(job["precision"])
    weights, means, covariances = saved(job["init"])
    model = GaussianMixture(len(weights), reg_covar=1.0)
    model.weights_, model.means_ = weights.astype(points.dtype), means.astype(points.dtype)
    factors = np.linalg.inv(np.linalg.cholesky(covariances))
    model.precisions_cholesky_ = np.swapaxes(factors, 1, 2).astype(points.dtype)
    each, trace = [], []
    with threadpool_limits(job["threads"]):
        for _ in range(job["iterations"]):
            begun = time.perf_counter()
            bound, responsibilities = model._e_step(points)
            model._m_step(points, responsibilities)
            each.append(time.perf_counter() - begun)
            trace.append(float(bound))
            del responsibilities
    most = peak()
    if job["iterations"] == 1:
        trace.append(likelihood(model.weights_, model.means_, model.covariances_, points))
    return {"each": each, "trace": trace, "peak": most}


def likelihood(weights: Any, means: Any, covariances: Any, points: np.ndarray) -> float:
    """Mean log-likelihood of a fitted mixture, nats per point, computed in the same way for all libraries."""
    from gmmbench.mixture import Mixture

    return float(Mixture(weights, means, covariances).log_density(points).mean())


def whole(job: dict[str, Any]) -> dict[str, Any]:
    """A whole fit of ours with its start, to a gain below 1e-3 nats: of a picture, or of ink."""
    from gmmbench.mixture import fit

    if job.get("ink"):
        points, covariance_floor = ink(job.get("rows")), np.full(2, 1 / 12)
    else:
        points, covariance_floor = picture(job["path"], job["step"])
    options = dict(components=job["components"], init=job["begin"], tolerance=1e-3)
    options |= dict(
        iterations=job["iterations"], covariance_floor=covariance_floor, rng=np.random.default_rng(0)
    )
    begun = time.perf_counter()
    found = fit(points, **options)
    seconds = time.perf_counter() - begun - found.compile_seconds
    result = {"n": len(points), "seconds": seconds, "compile": found.compile_seconds, "peak": peak()}
    result |= {"iterations": found.iterations, "converged": found.converged, "bound": found.bound}
    if job.get("ink"):
        m = found.mixture
        result["likelihood"] = likelihood(m.weights, m.means, m.covariances, points)
    return result


def whole_theirs(job: dict[str, Any]) -> dict[str, Any]:
    """A whole fit of the ink by scikit-learn with its own start, by the same rule and floor."""
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    points = ink(job.get("rows"))
    model = GaussianMixture(job["components"], tol=1e-3, max_iter=100, random_state=0, reg_covar=1 / 12)
    with threadpool_limits(job["threads"]):
        begun = time.perf_counter()
        model.fit(points)
        seconds = time.perf_counter() - begun
    result = {"n": len(points), "seconds": seconds, "peak": peak(), "iterations": model.n_iter_}
    result |= {"converged": bool(model.converged_), "bound": float(model.lower_bound_)}
    result["likelihood"] = likelihood(model.weights_, model.means_, model.covariances_, points)
    return result


def conditional(job: dict[str, Any]) -> dict[str, Any]:
    """E[colour given x, y] at every pixel: the first call, and warm ones; and how exact, in levels."""
    from gmmbench.mixture import Mixture
    from gmmbench.mixture.kernels.compiler import compile_seconds

    mixture, places = Mixture(*saved(job["init"])), np.ascontiguousarray(scaled(job)[:, :2])
    each = []
    for _ in range(1 + WARM):
        begun = time.perf_counter()
        found = mixture.conditional_mean([0, 1], places)
        each.append(time.perf_counter() - begun)
    most, compiled = peak(), compile_seconds()
    some = np.random.default_rng(1).permutation(len(places))[: 1_000_000 // mixture.n_components]
    apart = np.abs(found[some] - mixture.conditional_mean([0, 1], places[some])).max() / np.sqrt(12)
    return {"n": len(places), "each": each, "compile": compiled, "apart": float(apart), "peak": most}


def end_to_end(job: dict[str, Any]) -> dict[str, Any]:
    """The command line from start to end, several times: wall seconds of each, the largest peak."""
    each = []
    for _ in range(job["times"]):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "gmmbench", *job["words"], f"hydra.run.dir={folder}/run"]
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            each.append(time.perf_counter() - begun)
    return {"each": each, "peak": largest(resource.RUSAGE_CHILDREN)}


def first(job: dict[str, Any]) -> dict[str, Any]:
    """A default fit in a new process: its seconds, and those of compiling kernels or loading them."""
    from gmmbench.mixture import fit

    points, covariance_floor = (
        picture(None, 4) if job["dimension"] == 5 else (ink(20_000), np.full(2, 1 / 12))
    )
    begun = time.perf_counter()
    found = fit(
        points, components=job["components"], covariance_floor=covariance_floor, rng=np.random.default_rng(0)
    )
    return {"seconds": time.perf_counter() - begun, "compile": found.compile_seconds, "n": len(points)}


def main() -> None:
    """Do the job that the command line names."""
    every = (make_init, ours, theirs, whole, whole_theirs, conditional, end_to_end, first, gmmx, pomegranate)
    name, arguments = sys.argv[1:]
    print("\n" + json.dumps({f.__name__: f for f in every}[name](json.loads(arguments))))


if __name__ == "__main__":
    main()
