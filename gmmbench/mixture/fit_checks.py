"""Checks of the arguments of a fit; `fit` and `fit_bayesian` share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .array_types import Floats
from .covariances import CovarianceType, covariance_type

if TYPE_CHECKING:
    from .distributions.gaussian import Mixture

INITS = ("kmeans", "k-means++", "stratified", "random", "random_from_data")
"""How the first components are chosen: see `initialize.begin`."""

ENGINES = ("fast", "sklearn")
"""Our own kernels, and scikit-learn as a reference."""


class TooManyComponents(ValueError):  # noqa: N818 - the name states what was asked for
    """There are fewer distinct points than components."""


@dataclass(frozen=True, eq=False)
class FitArguments:
    """The arguments that every fit takes, checked.

    Attributes:
        points: (n, d), NaN where a cell is missing.
        weights: (n,), each >= 0, some > 0.
        covariance_floor: (d,), each > 0.
        covariance: the type of the covariances.
    """

    points: Floats
    weights: Floats
    covariance_floor: Floats
    covariance: CovarianceType


def check_arguments(
    points: ArrayLike,
    weights: ArrayLike | None,
    covariance_floor: ArrayLike,
    covariance: str,
    init: str | Mixture,
    engine: str,
    *,
    components: int,
    truncation: float,
    at_least: dict[str, tuple[int, int]],
    missing: bool,
    nan_is_missing: bool,
) -> FitArguments:
    """Check what `fit` and `fit_bayesian` have in common.

    Args:
        at_least: further numbers by name: the value, and the least that is allowed.
        missing: whether cells of a lattice are missing.
        (the others): as for `fit`.

    Raises:
        ValueError: saying what was expected and what was given.
    """
    x, w, axes = check_points(points, weights, covariance_floor, incomplete=nan_is_missing)
    check_choice("engine", engine, ENGINES)
    kind = covariance_type(covariance)
    if isinstance(init, str):
        check_choice("init", init, INITS)
    elif init.dimension != x.shape[1] or init.n_components != components:
        raise ValueError(
            f"expected an init of {components} components in {x.shape[1]} dimensions, "
            f"got {init.n_components} in {init.dimension}"
        )
    if not 0 <= truncation < 1:
        raise ValueError(f"expected 0 <= truncation < 1, got {truncation}")
    for name, (value, least) in {"components": (components, 1), **at_least}.items():
        if not value >= least:
            raise ValueError(f"expected {name} >= {least}, got {value}")
    if nan_is_missing and (missing or engine == "sklearn"):
        raise ValueError("expected engine='fast' and no missing cells of a lattice with nan_is_missing=True")
    if missing and engine == "sklearn":
        raise ValueError("expected engine='fast' for missing cells, got 'sklearn'")
    return FitArguments(x, w, axes, kind)


def check_points(
    points: ArrayLike, weights: ArrayLike | None, covariance_floor: ArrayLike, *, incomplete: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Points (n, d), weights (n,) and covariance floor (d,) as float64. Raises ValueError if invalid.

    If `incomplete`, cells of the points may be missing (NaN); points without any value get a weight of 0.
    """
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or not len(x):
        raise ValueError(f"expected points (n, d) with n >= 1, got shape {x.shape}")
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (len(x),):
        raise ValueError(f"expected weights ({len(x)},), got {w.shape}")
    fine = np.isfinite(x) | (np.isnan(x) if incomplete else False)
    if not (fine.all() and np.isfinite(w).all() and (w >= 0).all()):
        hint = ", got NaN; try nan_is_missing=True" if np.isnan(x).any() and not incomplete else ""
        raise ValueError(f"expected finite points and finite weights >= 0{hint}")
    if np.isnan(x).any():
        w = np.where(np.isnan(x).all(axis=1), 0.0, w)
        if np.isnan(x[w > 0]).all(axis=0).any():
            raise ValueError("expected a value in every column of the points, got one without any")
    if not w.any():
        raise ValueError("expected weights of which some are > 0, got none")
    axes = np.broadcast_to(np.asarray(covariance_floor, dtype=np.float64), (x.shape[1],))
    if not (np.isfinite(axes).all() and (axes > 0).all()):
        raise ValueError(f"expected a covariance floor > 0 on every axis, got {axes}")
    return x, w, axes


def check_distinct(points: Floats, components: int) -> None:
    """Raise TooManyComponents unless there are at least as many distinct points as components."""
    few = points[:: max(1, len(points) // (4 * components))]  # usually enough
    if len(np.unique(few, axis=0)) >= components:
        return
    distinct = len(np.unique(points, axis=0))
    if distinct < components:
        raise TooManyComponents(
            f"expected at most {distinct} components, because there are {distinct} distinct points to fit; "
            f"got {components}"
        )


def check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError, listing the choices, unless the value is one of them."""
    if value not in choices:
        raise ValueError(f"expected {what} to be one of {', '.join(choices)}, got {value!r}")
