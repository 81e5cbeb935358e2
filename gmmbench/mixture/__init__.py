"""The numerical engine: Gaussian mixtures over points; it knows no image, configuration or plugin."""

from .fitting import Fit, fit
from .mixture import Mixture

__all__ = ["Fit", "Mixture", "fit"]
