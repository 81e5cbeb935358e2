"""A kernel density estimate of a drawing: every pixel of ink spreads a small Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from gmmbench import Model, Refused, Scene, Watch, hookimpl, option

from .bandwidth import PAST, candidates, leave_one_out
from .density import KernelDensity


@dataclass(frozen=True)
class KDE(Model):
    """A Gaussian kernel on every pixel of ink (Rosenblatt 1956; Parzen 1962).

    p(z) = sum_i w_i N(z; z_i, (h^2 + 1/12) I) / sum_i w_i, in pixels, where w_i is the amount of ink of
    pixel i. A pixel is a square, not a point. Its variance along each axis, 1/12, is added, so that the
    density does not collapse between the pixels even if the bandwidth h is 0.

    Example:
        >>> KDE(bandwidth=1.5).bandwidth
        1.5
    """

    name = "kde"
    views = ("ink",)

    bandwidth: float | None = option(
        None, "standard deviation of the kernel, pixels; null: chosen by leave-one-out likelihood", low=0
    )

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> KernelDensity:
        """Store the ink of the training pixels, and choose a bandwidth unless one is given.

        Raises:
            Refused: no training pixel has ink.
        """
        ink = np.nan_to_num(scene.values)  # held-out pixels are unknown and contribute no ink
        if not ink.any():
            raise Refused("model=kde: expected ink in the training pixels, got none; try image.invert=true")
        fitted = partial(KernelDensity, ink, scene.lattice.cell)
        if self.bandwidth is not None:
            return fitted(self.bandwidth)
        if np.count_nonzero(ink) == 1:  # no other pixel predicts it; its own square remains
            return fitted(0.0)
        tried: dict[float, float] = {}
        for iteration, bandwidth in enumerate(candidates(ink.shape), start=1):
            tried[bandwidth] = leave_one_out(ink, fitted(bandwidth).deviation)
            watch(iteration, tried[bandwidth], partial(fitted, bandwidth, iterations=iteration))
            if tried[bandwidth] < max(tried.values()) - PAST:
                break
        return fitted(max(tried, key=tried.__getitem__), iterations=len(tried))


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model; gmmbench finds this hook through the entry point in pyproject.toml."""
    return [KDE]
