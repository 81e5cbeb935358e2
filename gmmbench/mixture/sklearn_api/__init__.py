"""scikit-learn's mixture estimators on our engine: rows, weights and missing cells in, attributes out."""

from .bayesian_mixture import BayesianGaussianMixture
from .gaussian_mixture import GaussianMixture

__all__ = ["BayesianGaussianMixture", "GaussianMixture"]
