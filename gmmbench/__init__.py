"""gmmbench: fit generative models to images, draw what they have learnt, and compare them."""

from __future__ import annotations

from typing import Any

from .api import (
    Density,
    Fitted,
    Floats,
    Image,
    ImageSource,
    Lattice,
    Law,
    Model,
    Picture,
    Predictor,
    Renderer,
    Scene,
    Split,
    Study,
    Watch,
)
from .errors import Refused
from .hookspecs import hookimpl
from .mixture_fit import mixture_fitted, mixture_watch
from .options import option
from .results import Outcome, Run

__version__ = "0.1.0"

__all__ = [
    "Density",
    "Fitted",
    "Floats",
    "Image",
    "ImageSource",
    "Lattice",
    "Law",
    "Model",
    "Outcome",
    "Picture",
    "Predictor",
    "Refused",
    "Renderer",
    "Report",
    "Run",
    "Scene",
    "Split",
    "Store",
    "Study",
    "Watch",
    "compose",
    "execute",
    "hookimpl",
    "mixture_fitted",
    "mixture_watch",
    "option",
    "save",
]

_LATER = {
    "Report": "reporting.report",
    "Store": "storage.store",
    "compose": "hydra_config.compose",
    "execute": "running.execute",
    "save": "storage.run_files",
}


def __getattr__(name: str) -> Any:
    # Imported when it is first used, so that `import gmmbench` stays light for plugins.
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
