"""The numerical engine: Gaussian mixtures over points; it knows no image, configuration or plugin."""

from typing import Any

from .bayes import fit_bayesian
from .fitting import Fit, TooManyComponents, fit
from .mixture import Mixture
from .student import StudentMixture

__all__ = [
    "BayesianGaussianMixture",
    "Fit",
    "GaussianMixture",
    "Mixture",
    "StudentMixture",
    "TooManyComponents",
    "fit",
    "fit_bayesian",
]


def __getattr__(name: str) -> Any:
    if name in ("GaussianMixture", "BayesianGaussianMixture"):
        from . import estimators  # loads scikit-learn and numba

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
