"""The numerical engine: mixtures over points; it knows no image, configuration or plugin."""

from typing import Any

from .bayes import fit_bayesian
from .colour import colour_masses, law_masses
from .fitting import Fit, TooManyComponents, fit
from .masses import cell_masses, level_masses
from .mixture import Mixture
from .student import StudentMixture

__all__ = [
    "BayesianGaussianMixture",
    "Fit",
    "GaussianMixture",
    "Mixture",
    "StudentMixture",
    "TooManyComponents",
    "cell_masses",
    "colour_masses",
    "fit",
    "fit_bayesian",
    "law_masses",
    "level_masses",
]


def __getattr__(name: str) -> Any:
    if name in ("GaussianMixture", "BayesianGaussianMixture"):
        from . import estimators  # loads scikit-learn and numba

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
