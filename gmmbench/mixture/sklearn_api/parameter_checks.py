"""Checks of an estimator's parameters, which do not depend on the data. Messages are scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_array

from ..array_types import Floats
from ..covariances import COVARIANCES, CovarianceType


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _integer(least: int) -> tuple[str, Callable[[Any], bool]]:
    def fine(value: Any) -> bool:
        return isinstance(value, Integral) and not _is_boolean(value) and int(value) >= least

    return f"an int in the range [{least}, inf)", fine


def _number(above: bool = False, optional: bool = False) -> tuple[str, Callable[[Any], bool]]:
    def fine(value: Any) -> bool:
        if value is None:
            return optional
        number = isinstance(value, Real) and not _is_boolean(value) and np.isfinite(float(value))
        return bool(number and (value > 0 if above else value >= 0))

    text = "a float in the range (0.0, inf)" if above else "a float in the range [0.0, inf)"
    return text + (" or None" if optional else ""), fine


def _one_of(*choices: str) -> tuple[str, Callable[[Any], bool]]:
    return f"a str among {set(choices)}", lambda value: isinstance(value, str) and value in choices


RULES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "n_components": _integer(1),
    "covariance_type": _one_of(*(name for name, kind in COVARIANCES.items() if kind.in_scikit_learn)),
    "tol": _number(),
    "reg_covar": _number(),
    "max_iter": _integer(0),
    "n_init": _integer(1),
    "init_params": _one_of("kmeans", "random", "random_from_data", "k-means++"),
    "warm_start": ("a bool", _is_boolean),
    "verbose": ("an int in the range [0, inf) or a bool", lambda v: _is_boolean(v) or _integer(0)[1](v)),
    "verbose_interval": _integer(1),
    "weight_concentration_prior_type": _one_of("dirichlet_process", "dirichlet_distribution"),
    "weight_concentration_prior": _number(above=True, optional=True),
    "mean_precision_prior": _number(above=True, optional=True),
    "degrees_of_freedom_prior": _number(above=True, optional=True),
}
"""The allowed values of each parameter, as a text and as a test."""


def check_parameters(estimator: Any) -> None:
    """Raise ValueError, naming the parameter, unless every parameter of an estimator is allowed."""
    for name, value in estimator.get_params(deep=False).items():
        if name not in RULES:
            continue
        text, fine = RULES[name]
        if not fine(value):
            raise ValueError(
                f"The {name!r} parameter of {type(estimator).__name__} must be {text}. Got {value!r} instead."
            )


def checked_weights_init(weights: Any, components: int) -> Floats:
    """The initial weights: (K,)."""
    found = _array(weights, (components,), "weights")
    if (found < 0).any() or (found > 1).any():
        raise ValueError(  # scikit-learn's message also interchanges the two, and its tests check it
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{found.min():.5f}, min value {found.max():.5f}"
        )
    single = np.asarray(weights).dtype == np.float32
    if abs(1 - found.sum()) > (1e-6 if single else 1e-8):
        raise ValueError(
            f"The parameter 'weights' should be normalized, but got sum(weights) = {found.sum():.5f}"
        )
    return found


def checked_means(means: Any, shape: tuple[int, ...]) -> Floats:
    """The initial means (K, d), or a prior mean (d,)."""
    return _array(means, shape, "means")


def checked_matrices(matrices: Any, kind: CovarianceType, shape: tuple[int, ...], name: str) -> Floats:
    """Precisions, or a prior covariance, in scikit-learn's shape for a type: symmetric, positive definite."""
    found = _array(matrices, shape, f"{kind.name} {name}")
    if kind.form.diagonal:
        if (found <= 0).any():
            raise ValueError(f"'{kind.name} precision' should be positive")
        return found
    for matrix in np.reshape(found, (-1, *found.shape[-2:])):
        if not (np.isclose(matrix, matrix.T).all() and (np.linalg.eigvalsh(matrix) > 0).all()):
            raise ValueError(f"'{kind.name} precision' should be symmetric, positive-definite")
    return (found + np.swapaxes(found, -1, -2)) / 2


def checked_degrees(degrees: Any, dimension: int) -> float:
    """The prior degrees of freedom; None: the dimension."""
    if degrees is None:
        return float(dimension)
    if degrees <= dimension - 1:
        raise ValueError(
            "The parameter 'degrees_of_freedom_prior' should be greater than "
            f"{dimension - 1}, but got {degrees:.3f}."
        )
    return float(degrees)


def _array(values: Any, shape: tuple[int, ...], name: str) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim:
        found = check_array(found, ensure_2d=False, allow_nd=True)
    if found.shape != shape:
        raise ValueError(f"The parameter '{name}' should have the shape of {shape}, but got {found.shape}")
    return np.asarray(found, dtype=np.float64)
