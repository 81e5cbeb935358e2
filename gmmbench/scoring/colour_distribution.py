"""The mass that a fit gives to the cell of a pixel's own colour, given where the pixel is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from ..api import LEVELS, Floats, Law, Predictor
from ..errors import Refused
from ..mixture_fit import ColourMixture

if TYPE_CHECKING:
    from ..mixture import LogMasses

SIDE = 1 / LEVELS
"""The side of a level's cell, which is centred on the level."""

DRAWS = 16
"""Draws in a cell of the bound for laws of unknown shape (Burda, Grosse and Salakhutdinov 2016)."""

SURE = 4.0
"""Standard errors by which a mean over draws must exceed a mass to be wrong."""

TINY = 1e-300
"""Stands for shares of 0 or less before a logarithm."""

CONSTANT = 1e-9
"""A law that varies by less than this inside every cell, nats, is integrated exactly by any draw."""

PAIRS = 1 << 20
"""Pixel-component pairs of a law that are held at once."""

MOST_ERROR = 1e-4
"""Nats by which masses may be off: as a mean over the pixels of a score that is certified."""

CHECKED = 32
"""Pixels at which the normalisation of a law of another shape is checked."""

PROPOSALS = 4096
"""Draws at each of them."""

AROUND = 48
"""Colours of the image round which it is proposed, besides the predicted one: laws are where colours are."""

NEAR = 96
"""Colours of the pixels nearest to the one that is checked, likewise: laws are local."""

ANYWHERE = 0.2
"""Share of the proposals that are uniform in the cube."""

WIDTHS = (2.0, 8.0, 32.0)
"""Standard deviations in levels of the proposal's Gaussians."""


@dataclass(frozen=True, eq=False)
class ColourMasses:
    """What a predictor gives to each pixel's own colour.

    Attributes:
        log_cell: (n,) log of the mass in the cell round the colour. log_cube: of that in [0, 1]^3.
        how: "exact", or "bound" for the importance-weighted one, which is never ranked beside it.
        reasons: why the law cannot be ranked; empty if it can.
        error: mean error of log_cell - log_cube, nats; None of a bound.
    """

    log_cell: Floats
    log_cube: Floats
    how: str
    reasons: tuple[str, ...] = ()
    error: float | None = None


def colour_masses(
    fitted: Predictor, coordinates: Floats, colours: Floats, rng: np.random.Generator
) -> ColourMasses | None:
    """Integrate p(r, g, b | x, y) over the cells of colours (n, 3) in 0..1 at coordinates (n, 2).

    None where the fit predicts a colour and has no law of it.
    """
    if isinstance(fitted, ColourMixture):
        try:
            found = fitted.colour_masses(coordinates, colours, SIDE)
        except ValueError as error:
            raise Refused(f"the mixture of {type(fitted).__name__}: {error}") from error
        return _integrated(found.cell, found.cube, found.error)
    if fitted.law(coordinates[:1]) is not None:
        return _of_laws(fitted, coordinates, colours)
    if fitted.log_cube_mass(coordinates[:1]) is not None:
        return _of_densities(fitted, coordinates, colours, rng)
    return None


def _integrated(cell: Floats, cube: Floats, error: Floats, reasons: tuple[str, ...] = ()) -> ColourMasses:
    """Masses that core has integrated: they are certified if their mean error is at most MOST_ERROR."""
    mean = float(error.mean())
    if not mean <= MOST_ERROR:
        unsure = int((~(error <= MOST_ERROR)).sum())
        reasons += (
            f"its predictive distribution is not certified: it is too narrow to be integrated to "
            f"{MOST_ERROR:g} nats at {unsure} of {len(error)} pixels",
        )
    return ColourMasses(cell, cube, "exact", reasons + not_masses(cell, cube), mean)


def not_masses(log_cell: Floats, log_cube: Floats) -> tuple[str, ...]:
    """Why these are not log masses, log_cell <= log_cube <= 0 at every pixel; empty if they are."""
    with np.errstate(invalid="ignore"):
        wrong = ~((log_cell <= log_cube + MOST_ERROR) & (log_cube <= MOST_ERROR))
    if not wrong.any():
        return ()
    at = int(np.argmax(wrong))
    return (
        f"its predictive distribution has no masses at {int(wrong.sum())} of {len(wrong)} pixels: expected "
        f"log cell <= log cube <= 0, got {log_cell[at]:.6g} and {log_cube[at]:.6g}",
    )


def _of_laws(fitted: Predictor, coordinates: Floats, colours: Floats) -> ColourMasses:
    first = fitted.law(coordinates[:1])
    assert first is not None
    rows = max(1, PAIRS // first.weights.shape[1])
    parts = []
    wrong = False
    for start in range(0, len(coordinates), rows):
        law = fitted.law(coordinates[start : start + rows])
        assert law is not None
        wrong |= bool((np.abs(law.weights.sum(axis=1) - 1) > 1e-6).any())
        parts.append(_of_law(law, colours[start : start + rows], f"{type(fitted).__name__}.law", start))
    reasons = ("its law's weights do not sum to 1",) if wrong else ()
    cell, cube, error = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _integrated(cell, cube, error, reasons)


def _of_law(law: Law, colours: Floats, name: str, start: int) -> LogMasses:
    from ..mixture import law_masses

    try:
        return law_masses(law.weights, law.means, law.covariances, colours, law.degrees, SIDE)
    except ValueError as error:
        since = f" (counted from pixel {start})" if start else ""
        raise Refused(f"{name}: {error}{since}") from error


def _of_densities(
    fitted: Predictor, coordinates: Floats, colours: Floats, rng: np.random.Generator
) -> ColourMasses:
    """log mean p(y + noise) over DRAWS draws in the cell: in expectation a lower bound, unless p is flat."""
    ask = _asked(fitted)
    noise = rng.uniform(-SIDE / 2, SIDE / 2, (DRAWS, 3))  # the same for every pixel and every model
    draws = np.stack([ask(coordinates, colours + shift) for shift in noise])
    finite = np.where(np.isfinite(draws), draws, 0.0)
    flat = bool((np.isfinite(draws).all(axis=0) == np.isfinite(draws).any(axis=0)).all())
    flat &= float(np.ptp(finite, axis=0).max()) < CONSTANT
    cube = fitted.log_cube_mass(coordinates)
    assert cube is not None
    cube = np.asarray(cube)
    log_cell = logsumexp(draws, axis=0) - np.log(DRAWS) + 3 * np.log(SIDE)
    reason = _unnormalised(fitted, ask, coordinates, colours, cube, rng)
    reason += not_masses(log_cell + _log_least(draws), cube)
    return ColourMasses(np.minimum(log_cell, cube), cube, "exact" if flat else "bound", reason)


def _log_least(draws: Floats) -> Floats:
    """log of the share of a mean over draws (DRAWS, n) of log densities that is beyond doubt: (n,), <= 0.

    What four standard errors leave of it. A mean of a few draws in a narrow peak exceeds the mass of the
    whole peak by chance; a mass that exceeds the cube's by more is none.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        heights = np.exp(draws - draws.max(axis=0))
        mean, error = heights.mean(axis=0), heights.std(axis=0, ddof=1) / np.sqrt(DRAWS)
        return np.where(mean > 0, np.log(np.maximum(1 - SURE * error / mean, TINY)), 0.0)


def _unnormalised(
    fitted: Predictor,
    ask: Callable[[Floats, Floats], Floats],
    coordinates: Floats,
    colours: Floats,
    log_cube: Floats,
    rng: np.random.Generator,
) -> tuple[str, ...]:
    """Hold the claimed mass of the cube against importance sampling at some pixels."""
    chosen = rng.choice(len(coordinates), size=min(CHECKED, len(coordinates)), replace=False)
    around = colours[rng.choice(len(colours), size=min(AROUND, len(colours)), replace=False)]
    ratios = np.empty((len(chosen), PROPOSALS))
    widths = np.array(WIDTHS) * SIDE
    for row, at in enumerate(chosen):
        far = ((coordinates - coordinates[at]) ** 2).sum(axis=1)
        near_by = colours[np.argpartition(far, min(NEAR, len(far) - 1))[:NEAR]]
        centres = np.vstack((fitted.predict(coordinates[at : at + 1]), near_by, around))
        width = widths[rng.integers(len(widths), size=PROPOSALS)][:, None]
        near = centres[rng.integers(len(centres), size=PROPOSALS)] + width * rng.standard_normal(
            (PROPOSALS, 3)
        )
        draws = np.where(rng.random((PROPOSALS, 1)) < ANYWHERE, rng.random((PROPOSALS, 3)), near)
        inside = ((draws >= 0) & (draws <= 1)).all(axis=1)
        apart = ((draws[:, None] - centres) ** 2).sum(axis=2)
        bells = [np.exp(-0.5 * apart / w**2).mean(axis=1) / (w * np.sqrt(2 * np.pi)) ** 3 for w in widths]
        proposal = ANYWHERE * inside + (1 - ANYWHERE) * np.mean(bells, axis=0)
        density = np.exp(ask(np.repeat(coordinates[at : at + 1], PROPOSALS, axis=0), draws))
        ratios[row] = np.where(inside, density / proposal, 0.0) / np.exp(log_cube[at])
    with np.errstate(invalid="ignore"):
        means = ratios.mean(axis=1)
        mean, error = means.mean(), np.sqrt(ratios.var(axis=1).mean() / PROPOSALS / len(chosen))
    if not error <= 0.1:
        return (f"its law is too narrow to be checked (the mass of the cube is {mean:.3g} +- {error:.2g})",)
    if abs(mean - 1) > 4 * error + 0.01:
        return (f"its law has {mean:.4g} times the mass in the cube of colours that it claims",)
    return ()


def _asked(fitted: Predictor) -> Callable[[Floats, Floats], Floats]:
    def ask(coordinates: Floats, colours: Floats) -> Floats:
        found = fitted.log_predictive(coordinates, colours)
        assert found is not None
        return np.asarray(found)

    return ask
