"""The mass that a fit gives to the cell of a pixel's own colour, given where the pixel is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from ..api import LEVELS, Fitted, Floats, Image, Law, Predictor, Split
from ..errors import Refused
from ..mixture_fit import ColourMixture
from .asking import LARGEST, FreshCopies, Whole, unsteady
from .decoys import AskMasses, Training, answered
from .total_mass import TotalMass, not_one, total_mass

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


@dataclass(frozen=True, eq=False)
class ColourMasses:
    """What a predictor gives to each pixel's own colour.

    Attributes:
        log_cell: (n,) log of the mass in the cell round the colour. log_cube: of that in [0, 1]^3.
        how: "exact", or "bound" for the importance-weighted one, which is never ranked beside it.
        reasons: why the law cannot be ranked; empty if it can.
        error: mean error of log_cell - log_cube, nats; None of a bound.
        total: the mass of all cells over that of the cube, estimated where the fit was asked for masses.
    """

    log_cell: Floats
    log_cube: Floats
    how: str
    reasons: tuple[str, ...] = ()
    error: float | None = None
    total: TotalMass | None = None


def colour_masses(
    copies: FreshCopies, image: Image, split: Split, rng: np.random.Generator
) -> ColourMasses | None:
    """Integrate p(r, g, b | x, y) over the cell of each pixel's colour.

    None where the fit predicts a colour and has no law of it.
    """
    fitted = copies.fresh()
    assert isinstance(fitted, Predictor)
    where, colours = image.lattice.centres(), image.coordinates.reshape(image.lattice.size, 3)
    if isinstance(fitted, ColourMixture):
        try:
            found = fitted.colour_masses(where, colours, SIDE)
        except ValueError as error:
            raise Refused(f"the mixture of {type(fitted).__name__}: {error}") from error
        return _integrated(found.cell, found.cube, found.error)
    if fitted.law(where[:1]) is not None:
        return _of_laws(copies, where, colours, rng)
    if fitted.log_cube_mass(where[:1]) is not None:
        return _of_densities(copies, Training.of(where, colours, split.trained.ravel()), colours, rng)
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


def _of_laws(
    copies: FreshCopies, coordinates: Floats, colours: Floats, rng: np.random.Generator
) -> ColourMasses:
    """A law names no colour, so that all pixels are asked about in their order; some once more in another.

    What must not move are the masses that its law gives: how many components it lists is its own affair.
    """
    fitted, other = copies.fresh(), copies.fresh()
    assert isinstance(fitted, Predictor) and isinstance(other, Predictor)
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
    reasons: tuple[str, ...] = ("its law's weights do not sum to 1",) if wrong else ()
    cell, cube, error = (np.concatenate(column) for column in zip(*parts, strict=True))

    def again(part: Whole) -> Floats:
        law = other.law(coordinates[part])
        assert law is not None
        found = _of_law(law, colours[part], f"{type(other).__name__}.law", 0)
        return np.stack((found.cell, found.cube), axis=1)

    reasons += unsteady("law", again, np.stack((cell, cube), axis=1), rng)
    return _integrated(cell, cube, error, reasons)


def _of_law(law: Law, colours: Floats, name: str, start: int) -> LogMasses:
    from ..mixture import law_masses

    try:
        return law_masses(law.weights, law.means, law.covariances, colours, law.degrees, SIDE)
    except ValueError as error:
        since = f" (counted from pixel {start})" if start else ""
        raise Refused(f"{name}: {error}{since}") from error


def _of_densities(
    copies: FreshCopies, training: Training, colours: Floats, rng: np.random.Generator
) -> ColourMasses:
    """log mean p(y + noise) over DRAWS draws in the cell: in expectation a lower bound, unless p is flat.

    The colours of the pixels are asked about in shuffled batches among decoys.
    """
    fitted, other = copies.fresh(), copies.fresh()
    noise = rng.uniform(-SIDE / 2, SIDE / 2, (DRAWS, 3))  # the same for every pixel and every model
    cube = np.asarray(_of_pixels(fitted, training.coordinates), dtype=np.float64)
    found = answered(
        training, colours, _drawn(fitted, training, noise), _drawn(other, training, noise),
        "log_predictive", rng, LARGEST // DRAWS,
    )  # fmt: skip
    draws = found.truths
    finite = np.where(np.isfinite(draws), draws, 0.0)
    flat = bool((np.isfinite(draws).all(axis=1) == np.isfinite(draws).any(axis=1)).all())
    flat &= float(np.ptp(finite, axis=1).max()) < CONSTANT
    log_cell = logsumexp(draws, axis=1) - np.log(DRAWS)
    third = copies.fresh()

    def anywhere(pixels: Whole, cells: Floats) -> Floats:
        """Of one draw in each cell."""
        asked = cells + rng.uniform(-SIDE / 2, SIDE / 2, cells.shape)
        return _drawn(third, training, np.zeros((1, 3)))(pixels, asked)[:, 0] - cube[pixels]

    total = total_mass(training, anywhere, rng)
    reasons = (*found.reasons, *not_one(total), *not_masses(log_cell + _log_least(draws), cube))
    return ColourMasses(np.minimum(log_cell, cube), cube, "exact" if flat else "bound", reasons, None, total)


def _log_least(draws: Floats) -> Floats:
    """log of the share of a mean over draws (n, DRAWS) of log densities that is beyond doubt: (n,), <= 0.

    What four standard errors leave of it. A mean of a few draws in a narrow peak exceeds the mass of the
    whole peak by chance; a mass that exceeds the cube's by more is none.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        heights = np.exp(draws - draws.max(axis=1, keepdims=True))
        mean, error = heights.mean(axis=1), heights.std(axis=1, ddof=1) / np.sqrt(DRAWS)
        return np.where(mean > 0, np.log(np.maximum(1 - SURE * error / mean, TINY)), 0.0)


def _of_pixels(fitted: Fitted, coordinates: Floats) -> Floats:
    assert isinstance(fitted, Predictor)
    found = fitted.log_cube_mass(coordinates)
    assert found is not None
    return found


def _drawn(fitted: Fitted, training: Training, noise: Floats) -> AskMasses:
    """The log of the mass of a cell, as each of some draws in it (k, 3) tells: (m, k)."""
    assert isinstance(fitted, Predictor)

    def ask(pixels: Whole, colours: Floats) -> Floats:
        where = np.repeat(training.coordinates[pixels], len(noise), axis=0)
        found = fitted.log_predictive(where, (colours[:, None] + noise).reshape(-1, 3))
        assert found is not None
        return np.asarray(found, dtype=np.float64).reshape(len(pixels), len(noise)) + 3 * np.log(SIDE)

    return ask
