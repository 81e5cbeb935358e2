"""The numerical engine: Gaussian mixtures over points; it knows no image, configuration or plugin."""

from .bayes import fit_bayesian
from .fitting import Fit, fit
from .mixture import Mixture

__all__ = ["Fit", "Mixture", "fit", "fit_bayesian"]
