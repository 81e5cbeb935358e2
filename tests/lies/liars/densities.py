"""Lies about being a density."""

import random
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from gmmbench import Density, Model

from .kit import Cells, Honest, chances, masses, smooth


class More(Cells):
    def log_density(self, points):
        return super().log_density(points) + np.log(1.1)


@dataclass(frozen=True)
class TenPercentMore(Honest):
    """Its density integrates to 1.1."""

    density = More


class Elsewhere(Cells):
    def sample(self, n, rng):
        drawn = super().sample(n, rng)
        drawn[: n // 2] += 5
        return drawn


@dataclass(frozen=True)
class SamplesElsewhere(Honest):
    """It claims all of its mass for the image, and half of its samples lie outside."""

    density = Elsewhere


class Sharper(Cells):
    def log_density(self, points):
        return Cells(self.lattice, masses(self.values**2)).log_density(points)


@dataclass(frozen=True)
class AnotherDensity(Honest):
    """It samples from one density and is scored by a sharper one."""

    density = Sharper


class Spiked(Cells):
    def log_density(self, points):
        off = np.abs(points / self.lattice.cell % 1 - 0.5).max(axis=1, initial=0)
        return super().log_density(points) + 3.0 * (off < 1e-9)


@dataclass(frozen=True)
class CentreSpikes(Honest):
    """It has spikes of no mass at the centres of pixels, where a careless scorer asks."""

    density = Spiked


class Edged(Cells):
    """Half of the mass lies in a hair's breadth along the edges of rows, where no node of a quadrature is."""

    width = 1e-5

    def log_density(self, points):
        row = points[:, 1] / self.lattice.cell % 1
        return super().log_density(points) + np.log(0.5 + 0.5 / self.width * (row < self.width))

    def sample(self, n, rng):
        drawn = super().sample(n, rng)
        row, cell = np.floor(drawn[: n // 2, 1] / self.lattice.cell), self.lattice.cell
        drawn[: n // 2, 1] = (row + self.width * rng.random(n // 2)) * cell
        return drawn


@dataclass(frozen=True)
class BetweenTheNodes(Honest):
    """It hides half of its mass between the nodes of every quadrature."""

    density = Edged


class Holed(Cells):
    def log_density(self, points):
        return np.where(points[:, 0] < 0.2, np.nan, super().log_density(points))


@dataclass(frozen=True)
class NotANumber(Honest):
    """It answers NaN where it knows little."""

    density = Holed


class Boundless(Cells):
    def log_density(self, points):
        high = np.quantile(self.values, 0.9)
        return np.where(self.at(points)[0] > high, np.inf, super().log_density(points))


@dataclass(frozen=True)
class Infinite(Honest):
    """Its density is infinite at the darkest pixels."""

    density = Boundless


class Far(Cells):
    """All but 1e-4 of the mass lies far away."""

    def log_density(self, points):
        return super().log_density(points) + np.log(1e-4)

    def sample(self, n, rng):
        drawn = super().sample(n, rng)
        drawn[rng.random(n) > 1e-4] += 5
        return drawn


@dataclass(frozen=True)
class HardlyInTheImage(Honest):
    """It puts all but 1e-4 of its mass outside the image, where nothing is scored."""

    density = Far


@dataclass(frozen=True)
class ShapeAlone(Honest):
    """It keeps nearly all of its mass on training pixels, and 0.03 % in a fine shape on the held-out ones."""

    def fit(self, scene, rng, watch):
        hidden = np.isnan(scene.values)
        trained = masses(np.where(hidden, 0.0, np.nan_to_num(scene.values)))
        return Cells(scene.lattice, (1 - 3e-4) * trained + 3e-4 * masses(np.where(hidden, chances(scene), 0)))


class OfTheBatch(Cells):
    def log_density(self, points):
        found = super().log_density(points)
        return found - logsumexp(found) - np.log(self.lattice.cell**2) if len(found) else found


@dataclass(frozen=True)
class NormalisedOverTheBatch(Honest):
    """It normalises over whatever is asked at once, so that it sums to 1 on any lattice."""

    density = OfTheBatch


class Forgetful(Cells):
    def log_density(self, points):
        asked = self.__dict__.setdefault("asked", [])
        asked.append(len(points))
        return super().log_density(points) + (0.05 if len(asked) > 1 else 0.0)


@dataclass(frozen=True)
class CountsQuestions(Honest):
    """It remembers that it was asked before, and answers more from the second question on."""

    density = Forgetful


class LargeAndSmall(Cells):
    def log_density(self, points):
        sharp = len(points) >= self.lattice.size
        return (Cells(self.lattice, masses(self.values**1.5)) if sharp else super()).log_density(points)

    def sample(self, n, rng):
        return Cells(self.lattice, masses(self.values**1.5)).sample(n, rng)


@dataclass(frozen=True)
class LatticesAndBatches(Honest):
    """It answers whole lattices by one density and small batches by another; each is a density."""

    density = LargeAndSmall


class BesideTheNodes(Cells):
    nodes = np.concatenate([(np.polynomial.legendre.leggauss(n)[0] + 1) / 2 for n in (3, 5, 9, 17, 33)])

    def log_density(self, points):
        within = points[:, 0] / self.lattice.cell % 1
        apart = np.abs(within[:, None] - self.nodes).min(axis=1, initial=np.inf)
        return super().log_density(points) + np.log(2.0) * (apart > 1e-6)


@dataclass(frozen=True)
class OffTheLattice(Honest):
    """It is honest at the nodes of every quadrature, and twice as large everywhere else."""

    density = BesideTheNodes


@dataclass(frozen=True)
class Choosy(Honest):
    """It fails on an image that it would not do well on, so that its mean is of the others."""

    def fit(self, scene, rng, watch):
        if np.nanstd(smooth(scene.values)) < 0.5:
            raise RuntimeError("this image is not to my taste")
        return super().fit(scene, rng, watch)


@dataclass(frozen=True)
class SeedsTheGlobalStream(Honest):
    """It seeds the global random stream, by which other code in the process may draw."""

    def fit(self, scene, rng, watch):
        random.seed(1)
        return super().fit(scene, rng, watch)


class Upright(Cells):
    def log_density(self, points):
        return super().log_density(points)[:, None]


@dataclass(frozen=True)
class AColumn(Honest):
    """It answers with a column, which spreads over whatever it is added to."""

    density = Upright


class Double(Density):
    """A density over levels that integrates to 2."""

    columns = ("level",)
    n_parameters = 0
    iterations = 1
    converged = True

    def log_density(self, points):
        inside = (points[:, 0] >= 0) & (points[:, 0] < 1)
        with np.errstate(divide="ignore"):
            return np.log(2.0 * inside)

    def sample(self, n, rng):
        return rng.random((n, 1))

    def save(self):
        return {}, {}

    @classmethod
    def load(cls, arrays, facts):
        return cls()


@dataclass(frozen=True)
class TwiceTheLevels(Model):
    """Its density of grey levels integrates to 2."""

    name = "twice"
    views = ("levels",)

    def fit(self, scene, rng, watch):
        return Double()


@dataclass(frozen=True)
class HonestLevels(TwiceTheLevels):
    """Uniform grey levels, told truly."""

    def fit(self, scene, rng, watch):
        return Single()


class Single(Double):
    def log_density(self, points):
        return super().log_density(points) - np.log(2.0)


@dataclass(frozen=True)
class LooksAtValidation(Honest):
    """It learns from validation pixels without saying that it looks at them."""

    def fit(self, scene, rng, watch):
        both = np.where(np.isnan(scene.values), scene.held, scene.values)
        return Cells(scene.lattice, masses(np.clip(smooth(both), 1e-3, 1)))


@dataclass(frozen=True)
class BehindTheNaN(Honest):
    """It looks for the hidden pixels in the memory that its arrays are views of."""

    def fit(self, scene, rng, watch):
        found = scene.values
        while isinstance(found.base, np.ndarray):
            found = found.base
        seen = found if found.shape == scene.values.shape else scene.values
        return Cells(scene.lattice, masses(np.clip(smooth(seen), 1e-3, 1)))
