"""Densities of a fitted estimator at very many rows, by the engine's kernels."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats
from ..em.e_step import Expectation, KernelComponents
from ..em.incomplete import IncompleteExpectation
from ..em.whitening import Units

LARGE = 2_000_000
"""Row-component pairs above which densities are the kernels'."""

TRUNCATION = 1e-9
"""Largest share of a density that is left out there."""

NEAR = 1e6
"""Rows are for the kernels within so many standard deviations of the fit."""


def log_density(x: Floats, components: KernelComponents) -> Floats:
    """Log density at complete rows (n, d), of which very far ones are done in numpy: (n,)."""
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
