"""Checks of densities: pointwise answers, total mass 1, samples that follow it, consistent conditionals."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp

from ..api import LEVELS, Density, Fitted, Floats, Image, Lattice, Law, Predictor
from ..scoring.lattice_masses import ink_masses, level_masses
from ..scoring.normalisation_check import SAMPLES, check_density, check_levels
from .verdict import expect

APART = 1e-9
"""Nats by which an answer may depend on the other points of a call (relative to its size)."""

BOXES = 24
"""Boxes in which a density of many columns is compared with its samples."""

INSIDE = 40_000
"""Points sampled in each box."""


class Wider(Density):
    """A density over x, y, moved and scaled to a lattice that is three times as wide and high as the image.

    The cells of the lattice are those of the image, so that a density that is constant on them stays so.
    """

    def __init__(self, inner: Density, lattice: Lattice) -> None:
        self.inner, self.shift, self.scale = inner, np.array(lattice.box), 3.0
        self.columns = inner.columns

    def log_density(self, points: Floats) -> Floats:
        """The log density at moved points, (n,) nats."""
        return self.inner.log_density(points * self.scale - self.shift) + 2 * np.log(self.scale)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Moved samples."""
        return (self.inner.sample(n, rng) + self.shift) / self.scale


def pointwise(fitted: Fitted, picture: Image) -> None:
    """Expect answers that do not depend on the rest of the batch, as those of a softmax over it do."""
    where = picture.lattice.centres()
    if isinstance(fitted, Density):
        draws = fitted.sample(400, np.random.default_rng(0))
        whole, part = fitted.log_density(draws), fitted.log_density(draws[::7])
        apart = np.abs(whole[::7] - part) / (1 + np.abs(part))
        expect(
            apart.max() <= APART,
            f"log_density of a point changes by {apart.max():.2g} with the other points of the call",
        )
    if isinstance(fitted, Predictor):
        apart = np.abs(fitted.predict(where)[::7] - fitted.predict(where[::7]))
        expect(
            apart.max() <= 1e-4,
            f"predict of a pixel changes by {apart.max():.2g} with the other pixels of the call",
        )


def integrates(fitted: Density, lattice: Lattice, rng: np.random.Generator) -> None:
    """Expect the mass of a wide box to be at most 1 and equal to the share of the samples in it."""
    d = len(fitted.columns)
    if d == 1:
        check = check_levels(fitted, level_masses(fitted, LEVELS, np.ones(LEVELS)), rng)
        _masses_agree(check.mass_in_box, check.share_in_box)
    elif d == 2:
        moved, wide = Wider(fitted, lattice), Lattice(3 * lattice.height, 3 * lattice.width)
        masses = ink_masses(moved, wide, np.ones(wide.shape))
        draws = moved.sample(SAMPLES, rng)
        share = ((draws >= 0) & (draws < wide.box)).all(axis=1).mean()
        expect(
            masses.settled or abs(masses.total - share) < 1e-3,
            "its mass still changes at the finest quadrature",
        )
        _masses_agree(masses.total, float(share))
    else:
        for mass, error, share, share_error in _boxes(fitted, rng):
            _masses_agree(mass, share, 5 * float(np.hypot(error, share_error)))


def follows(fitted: Density, lattice: Lattice, rng: np.random.Generator) -> None:
    """Expect samples that follow the density: a chi-squared test over tiles of the image."""
    if len(fitted.columns) == 1:
        check = check_levels(fitted, level_masses(fitted, LEVELS, np.ones(LEVELS)), rng)
    elif len(fitted.columns) == 2:
        check = check_density(fitted, ink_masses(fitted, lattice, np.ones(lattice.shape)), lattice, rng)
    else:
        return _boxes_follow(fitted, rng)
    wrong = [reason for reason in check.reasons if "samples do not follow" in reason]
    expect(not wrong, "; ".join(wrong))
    return None


def splits(fitted: Predictor, picture: Image, rng: np.random.Generator) -> None:
    """Expect log p(x, y, c) - log p(c | x, y) not to depend on c, and `predict` near the mean of `law`."""
    where = picture.lattice.centres()[rng.choice(picture.lattice.size, 12, replace=False)]
    law = fitted.law(where)
    if law is None:
        return
    expect(np.allclose(law.weights.sum(axis=1), 1, atol=1e-6), "the weights of its law do not sum to 1")
    share = law.weights[..., None]
    mean = (share * law.means).sum(axis=1)
    inner = np.diagonal(law.covariances, axis1=2, axis2=3)
    deviation = np.sqrt((share * (inner + (law.means - mean[:, None]) ** 2)).sum(axis=1))
    off = np.abs(mean - fitted.predict(where))
    worst = float(
        off.max() * LEVELS
    )  # the best prediction may differ a little from the mean of a skewed distribution
    expect((off <= 2 / LEVELS + deviation).all(), f"predict is {worst:.1f} levels from the mean of its law")
    if not isinstance(fitted, Density):
        return
    chosen = [rng.choice(law.weights.shape[1], p=row / row.sum()) for row in law.weights]
    centres = law.means[np.arange(len(where)), chosen]
    left = []
    for _ in range(6):
        colours = centres + rng.normal(0, 2 / LEVELS, centres.shape)
        joint = fitted.log_density(np.hstack((where, colours)))
        left.append(joint - law_density(law, colours))
    spread = float(np.ptp(left, axis=0).max())
    expect(
        spread < 0.01,
        f"marginal times conditional is not the joint density: they differ by {spread:.3g} nats",
    )


def law_density(law: Law, colours: Floats) -> Floats:
    """log p of colours (n, 3) under a law, nats: (n,)."""
    apart = colours[:, None, :] - law.means
    covariances = np.broadcast_to(law.covariances, (*law.weights.shape, 3, 3))
    distance = np.einsum("nmi,nmi->nm", apart, np.linalg.solve(covariances, apart[..., None])[..., 0])
    size = np.linalg.slogdet(covariances)[1]
    if law.degrees is None:
        log_p = -0.5 * (distance + size + 3 * np.log(2 * np.pi))
    else:
        df = law.degrees
        log_p = gammaln((df + 3) / 2) - gammaln(df / 2) - 1.5 * np.log(df * np.pi) - 0.5 * size
        log_p = log_p - 0.5 * (df + 3) * np.log1p(distance / df)
    with np.errstate(divide="ignore"):
        return np.asarray(logsumexp(np.log(law.weights) + log_p, axis=1))


def _masses_agree(mass: float, share: float, error: float | None = None) -> None:
    """Raise Broken unless a mass equals a share of SAMPLES samples, within their error."""
    inner = min(max(share, 1 / SAMPLES), 1 - 1 / SAMPLES)
    if error is None:
        error = 5 * float(np.sqrt(inner * (1 - inner) / SAMPLES)) + 1e-3
    expect(
        abs(mass - share) <= error,
        f"its mass in a box is {mass:.4f}, but {share:.4f} of its samples lie there: it does not "
        "integrate to 1",
    )


def _boxes(fitted: Density, rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
    """For boxes around samples: the mass by Monte Carlo and its error, the share of samples and its error."""
    draws = fitted.sample(SAMPLES, rng)
    low, high = np.quantile(draws, [0.02, 0.98], axis=0)
    found = []
    for centre in draws[:BOXES]:
        half = 0.25 * (high - low)
        inside = (np.abs(draws - centre) < half).all(axis=1).mean()
        points = centre + half * rng.uniform(-1, 1, (INSIDE, draws.shape[1]))
        density = np.exp(fitted.log_density(points)) * np.prod(2 * half)
        share_error = float(np.sqrt(inside * (1 - inside) / SAMPLES))
        found.append(
            (float(density.mean()), float(density.std() / np.sqrt(INSIDE)), float(inside), share_error)
        )
    return found


def _boxes_follow(fitted: Density, rng: np.random.Generator) -> None:
    """Compare relative masses of boxes; the scale of the density is checked by `integrates`."""
    rows = np.array(_boxes(fitted, rng))
    ratio = rows[:, 0].sum() / rows[:, 2].sum()
    apart = np.abs(rows[:, 0] / ratio - rows[:, 2])
    allowed = 5 * np.hypot(rows[:, 1] / ratio, rows[:, 3]) + 1e-3
    worst = int(np.argmax(apart - allowed))
    expect(
        apart[worst] <= allowed[worst],
        f"its samples do not follow its density: {rows[worst, 2]:.4f} of them lie in a box of mass "
        f"{rows[worst, 0]:.4f}",
    )
