"""Lies about the predictive distribution of colours."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from gmmbench import Law

from .kit import Colours, HonestColours

GREY = np.full((3, 3), 1 / 3)


def replaced(law, **parts):
    old = {name: getattr(law, name) for name in ("weights", "means", "covariances", "degrees")}
    return Law(**{**old, **parts})


class Needle(Colours):
    def law(self, coordinates):
        spread = ((10 / 256) ** 2 * GREY + (0.02 / 256) ** 2 * (np.eye(3) - GREY))[None, None]
        return replaced(super().law(coordinates), covariances=np.repeat(spread, len(coordinates), axis=0))


@dataclass(frozen=True)
class NarrowerThanACell(HonestColours):
    """Its covariances are 10 levels wide along grey and 0.02 across, too narrow for a plain quadrature."""

    regressor = Needle


class Indefinite(Colours):
    def law(self, coordinates):
        law = super().law(coordinates)
        return replaced(law, covariances=law.covariances - 2 * self.spread**2 * GREY)


@dataclass(frozen=True)
class NegativeVariance(HonestColours):
    """Its covariances have a negative eigenvalue."""

    regressor = Indefinite


class Lopsided(Colours):
    def law(self, coordinates):
        law = super().law(coordinates)
        covariances = np.array(law.covariances)
        covariances[..., 0, 1] = 0.9 * self.spread**2
        return replaced(law, covariances=covariances)


@dataclass(frozen=True)
class Asymmetric(HonestColours):
    """Its covariances are not symmetric, so that a determinant and a factorisation see two matrices."""

    regressor = Lopsided


class Void(Colours):
    def law(self, coordinates):
        law = super().law(coordinates)
        return replaced(law, means=np.where(coordinates[:, None, :1] < 0.2, np.nan, law.means))


@dataclass(frozen=True)
class NaNColours(HonestColours):
    """Its means are NaN where it knows little."""

    regressor = Void


class Heavy(Colours):
    def law(self, coordinates):
        law = super().law(coordinates)
        return replaced(law, weights=1.3 * law.weights)


@dataclass(frozen=True)
class HeavyWeights(HonestColours):
    """The weights of its predictive distribution sum to 1.3."""

    regressor = Heavy


class TakenAway(Colours):
    """Half of a wide Gaussian is taken away from one and a half narrow ones; all of it integrates to 1."""

    def law(self, coordinates):
        law = super().law(coordinates)
        n = len(coordinates)
        wide = np.concatenate((law.covariances, 9 * law.covariances), axis=1)
        return Law(np.tile([1.5, -0.5], (n, 1)), np.repeat(law.means, 2, axis=1), wide)


@dataclass(frozen=True)
class NegativeWeights(HonestColours):
    """Its mixture has a negative weight, so that it sums to 1 and is too large where it matters."""

    regressor = TakenAway


class Freedom(Colours):
    def law(self, coordinates):
        return replaced(super().law(coordinates), degrees=np.full((len(coordinates), 1), -1.0))


@dataclass(frozen=True)
class NegativeDegrees(HonestColours):
    """Its predictive distribution is Student's t with -1 degrees of freedom."""

    regressor = Freedom


class Spoken(Colours):
    """The same Gaussian, cut to the cube, through `log_predictive` in place of `law`, and a factor."""

    factor = 1.0
    cube = 1.0

    def law(self, coordinates):
        return None

    def log_predictive(self, coordinates, colours):
        means = self.predict(coordinates)
        found = norm.logpdf(colours, means, self.spread).sum(axis=1)
        return found + np.log(self.factor)

    def log_cube_mass(self, coordinates):
        means = self.predict(coordinates)
        inside = norm.cdf(1, means, self.spread) - norm.cdf(0, means, self.spread)
        return np.log(inside).sum(axis=1) + np.log(self.cube)


@dataclass(frozen=True)
class HonestSpoken(HonestColours):
    """The honest colours through `log_predictive`."""

    regressor = Spoken


class ThirdMore(Spoken):
    factor = 1.3


@dataclass(frozen=True)
class ThirtyPercentMore(HonestColours):
    """Its `log_predictive` integrates to 1.3."""

    regressor = ThirdMore


class ABitMore(Spoken):
    factor = 1.02


@dataclass(frozen=True)
class TwoPercentMore(HonestColours):
    """Its `log_predictive` integrates to 1.02, a little more than rankings can tell apart."""

    regressor = ABitMore


class SmallCube(Spoken):
    cube = 0.5


@dataclass(frozen=True)
class SmallerCube(HonestColours):
    """It says that half as much of its mass lies in the cube, by which the rest is divided."""

    regressor = SmallCube


class Echo(Spoken):
    def log_predictive(self, coordinates, colours):
        return np.full(len(colours), 3 * np.log(256.0))

    def log_cube_mass(self, coordinates):
        return np.zeros(len(coordinates))


@dataclass(frozen=True)
class CertainOfTheQuestion(HonestColours):
    """It gives every colour that it is asked about the probability 1, since only the true one is asked."""

    regressor = Echo


class Bests(Spoken):
    def log_predictive(self, coordinates, colours):
        found = super().log_predictive(coordinates, colours)
        return found if len(colours) >= self.lattice.size else found + 1.0


@dataclass(frozen=True)
class SmallQuestions(HonestColours):
    """Its `log_predictive` is larger in small batches."""

    regressor = Bests


class Tuned(Spoken):
    """Within a cell all of the mass lies in a hundredth of it, where a few samples can make it large."""

    def log_predictive(self, coordinates, colours):
        within = (colours[:, 0] * 256 + 0.5) % 1
        return super().log_predictive(coordinates, colours) + np.log(0.01 + 99 * (within < 0.01))


@dataclass(frozen=True)
class TunedBound(HonestColours):
    """It puts the mass of a cell into a hundredth of it, to be lucky where a bound is estimated."""

    regressor = Tuned
