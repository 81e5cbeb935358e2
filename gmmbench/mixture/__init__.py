"""The numerical engine: mixtures over points. It imports no image, configuration or plugin."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .covariances import COVARIANCES, CovarianceType, register_covariance
from .fit_checks import ENGINES, INITS, TooManyComponents

if TYPE_CHECKING:
    from .distributions.gaussian import Mixture
    from .distributions.student import StudentMixture
    from .fit_checks import TooManyComponents
    from .fit_conditional import ExpertsFit, fit_experts
    from .fit_em import fit
    from .fit_result import BayesianFit, Fit
    from .fit_variational import fit_bayesian
    from .integrals.cell_masses import CellMasses, cell_masses, estimated_cell_masses, level_masses
    from .integrals.colour_masses import colour_masses
    from .integrals.law_masses import law_masses
    from .integrals.log_masses import LogMasses
    from .sklearn_api import BayesianGaussianMixture, GaussianMixture

__all__ = [
    "COVARIANCES",
    "ENGINES",
    "INITS",
    "BayesianFit",
    "BayesianGaussianMixture",
    "CellMasses",
    "CovarianceType",
    "ExpertsFit",
    "Fit",
    "GaussianMixture",
    "LogMasses",
    "Mixture",
    "StudentMixture",
    "TooManyComponents",
    "cell_masses",
    "colour_masses",
    "estimated_cell_masses",
    "fit",
    "fit_bayesian",
    "fit_experts",
    "law_masses",
    "level_masses",
    "register_covariance",
]

_MODULES = {
    "BayesianFit": "fit_result",
    "BayesianGaussianMixture": "sklearn_api",
    "CellMasses": "integrals.cell_masses",
    "estimated_cell_masses": "integrals.cell_masses",
    "ExpertsFit": "fit_conditional",
    "Fit": "fit_result",
    "GaussianMixture": "sklearn_api",
    "LogMasses": "integrals.log_masses",
    "Mixture": "distributions.gaussian",
    "StudentMixture": "distributions.student",
    "cell_masses": "integrals.cell_masses",
    "colour_masses": "integrals.colour_masses",
    "fit": "fit_em",
    "fit_bayesian": "fit_variational",
    "fit_experts": "fit_conditional",
    "law_masses": "integrals.law_masses",
    "level_masses": "integrals.cell_masses",
}


def __getattr__(name: str) -> Any:
    # These load scipy, and some of them scikit-learn and numba: a plugin that only lists its options must not
    # wait for them.
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
