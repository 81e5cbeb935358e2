"""The numerical engine: mixtures over points; it knows no image, configuration or plugin."""

from typing import Any

from .distributions.gaussian import Mixture
from .distributions.student import StudentMixture
from .fit import fit
from .fit_bayesian import fit_bayesian
from .fit_checks import TooManyComponents
from .fit_result import BayesianFit, Fit
from .integrals.cell_masses import cell_masses, level_masses
from .integrals.colour_masses import colour_masses, law_masses

__all__ = [
    "BayesianFit",
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
        from . import sklearn_api  # loads scikit-learn and numba

        return getattr(sklearn_api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
