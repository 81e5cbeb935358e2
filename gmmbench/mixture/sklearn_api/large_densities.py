"""Log densities of a fitted estimator at very many rows, computed by the engine's kernels."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats
from ..em.e_step import Expectation, KernelComponents
from ..em.incomplete import IncompleteExpectation
from ..em.whitening import Units

LARGE = 2_000_000
"""The kernels are used above this number of row-component pairs."""

TRUNCATION = 1e-9
"""The largest share of a density that the kernels may leave out."""

NEAR = 1e6
"""The kernels compute rows within this many standard deviations of the fit."""


def log_density(x: Floats, components: KernelComponents) -> Floats:
    """Log density at rows (n, d) without missing cells: (n,). Very far rows are computed in numpy."""
    lower = np.linalg.inv(components.factors)
    widest = np.sqrt((lower**2).sum(axis=2).max(axis=0))
    middle = components.means.mean(axis=0)
    reach = NEAR * (widest + np.abs(components.means - middle).max(axis=0))
    near = (np.abs(x - middle) <= reach).all(axis=1)
    out = np.empty(len(x))
    out[~near] = IncompleteExpectation(x[~near], np.ones(int((~near).sum()))).log_density(components)
    if near.any():
        rows = x[near]
        scale = rows.std(axis=0)
        units = Units(rows.mean(axis=0), np.diag(np.where(scale > 0, scale, 1.0)))
        means = np.linalg.solve(units.factor, (components.means - units.origin).T).T
        asked = KernelComponents(components.offset, means, components.factors @ units.factor)
        ask = Expectation(units.into(rows), np.ones(len(rows)), precision="double", truncation=TRUNCATION)
        out[near] = ask.log_density(asked)
    return out
