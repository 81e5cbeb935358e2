"""Jobs of the benchmark for other libraries, where they are installed: iterations from the saved start.

They compute in float32, their default; points are centred first, which loses them fewer digits.
"""

from __future__ import annotations

import importlib.util
import time
from typing import Any

import numpy as np
from inputs import peak, saved, scaled


def missing(name: str) -> dict[str, Any] | None:
    """What to answer where a library is not installed."""
    return None if importlib.util.find_spec(name) else {"missing": f"{name} is not installed"}


def prepared(job: dict[str, Any]) -> tuple[np.ndarray, ...]:
    """Centred points, weights, means and covariances, in float32."""
    points = scaled(job)
    weights, means, covariances = saved(job["init"])
    middle = points.mean(axis=0)
    return tuple(a.astype(np.float32) for a in (points - middle, weights, means - middle, covariances))


def gmmx(job: dict[str, Any]) -> dict[str, Any]:
    """A fit of gmmx (JAX), a second time as the first one compiles; it tells the last likelihood only."""
    if absent := missing("gmmx"):
        return absent
    import jax
    import jax.numpy as jnp
    from gmmx import EMFitter, GaussianMixtureModelJax

    points, weights, means, covariances = (jnp.asarray(a) for a in prepared(job))
    model = GaussianMixtureModelJax.from_squeezed(means=means, covariances=covariances, weights=weights)
    fitter = EMFitter(max_iter=job["iterations"], tol=0.0, reg_covar=1.0)
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        found = jax.block_until_ready(fitter.fit(x=points, gmm=model))
        seconds.append(time.perf_counter() - begun)
    done = int(found.n_iter)
    trace = [float("nan")] * (done - 1) + [float(found.log_likelihood)]
    compiled = seconds[0] - seconds[1]
    return {"each": [seconds[1] / done], "trace": trace, "compile": compiled, "peak": peak()}


def pomegranate(job: dict[str, Any]) -> dict[str, Any]:
    """Iterations of pomegranate (PyTorch). It adds nothing to covariances, so likelihoods part after one."""
    if absent := missing("pomegranate"):
        return absent
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    torch.set_num_threads(job["threads"])
    points, weights, means, covariances = prepared(job)
    parts = [Normal(m, c, covariance_type="full") for m, c in zip(means, covariances, strict=True)]
    model = GeneralMixtureModel(parts, priors=weights / weights.sum())
    data = torch.tensor(points)
    each, trace = [], []
    for _ in range(job["iterations"]):
        begun = time.perf_counter()
        bound = model.summarize(data)
        model.from_summaries()
        each.append(time.perf_counter() - begun)
        trace.append(float(bound) / len(points))
    return {"each": each, "trace": trace, "peak": peak()}
