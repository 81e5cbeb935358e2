"""Smoothed histograms: a cheap density that other models should beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmbench import (
    Density,
    Fitted,
    Floats,
    Lattice,
    Model,
    Predictor,
    Refused,
    Scene,
    Watch,
    hookimpl,
    option,
)

Whole = NDArray[np.intp]
Arrays = Mapping[str, NDArray[Any]]
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Histogram(Model):
    """Counts in bins of whole pixels and whole levels; each bin is smoothed towards a larger region.

    - ink: the rate of a bin is (training ink + a rho) / (training pixels + a), where rho is the ink per pixel
      of the whole image and a = `smooth`. The density is proportional to the rate. Held-out pixels are
      unknown.
    - levels: the share of a bin is proportional to (training pixels + a).
    - colour: positions are uniform, and p(r, g, b | x, y) is the histogram of the pixel's spatial bin. It is
      smoothed with a pixels of the whole image's histogram, and that with a pixels of the uniform
      distribution.

    The defaults gave good held-out scores on a few images of 150 to 600 pixels a side. By default, a spatial
    bin is larger than a hole, so that a single hole never leaves a bin without training pixels.
    """

    name = "histogram"
    views = ("ink", "colour", "levels")

    bin: int | None = option(
        None, "side of a spatial bin, pixels (null: 2 more than a hole; of colour 7)", low=1, high=100_000
    )
    level_bin: int | None = option(
        None, "levels in a bin of an axis (null: 8 for colour, 1 for levels)", low=1, high=256
    )
    smooth: float | None = option(
        None, "pixels of the average that each bin gets (null: 12 for colour, else 1)", above=0
    )

    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Count. Raises Refused if there are no training pixels, or none with ink."""
        where, values = scene.pixels()
        if not len(where) or (scene.view == "ink" and not values.any()):
            raise Refused(
                f"histogram: expected training pixels with {scene.view}, got none; try a larger image"
            )
        watch(1)
        colour = scene.view == "colour"
        tiles = Tiles(scene.lattice, self.bin or scene.block + (7 if colour else 2))
        smooth = self.smooth or (12.0 if colour else 1.0)
        if scene.view == "ink":
            return _ink(tiles, tiles.of(where), values, smooth)
        axis = Axis(round(1 / scene.cells[-1]), self.level_bin or (8 if colour else 1))
        if colour:
            return ColourHistogram.of(tiles, axis, tiles.of(where), axis.code(values), smooth)
        return _levels(axis, values, smooth)


def _ink(tiles: Tiles, tile: Whole, ink: Floats, smooth: float) -> InkHistogram:
    """From the spatial bin (n,) and the ink (n,) of each training pixel."""
    seen = np.bincount(tile, minlength=tiles.count)
    rate = (np.bincount(tile, ink, tiles.count) + smooth * ink.mean()) / (seen + smooth)
    return InkHistogram(tiles, rate / (rate @ tiles.pixels), tiles.count - 1)


def _levels(axis: Axis, values: Floats, smooth: float) -> LevelHistogram:
    """From the level (n,) of each training pixel, in 0..1."""
    share = np.bincount(axis.of(values), minlength=len(axis.widths)) + smooth * axis.widths / axis.widths[0]
    return LevelHistogram(axis, share / share.sum(), len(share) - 1)


@dataclass(frozen=True, eq=False)
class Tiles:
    """The spatial bins of `side` x `side` pixels of a lattice, row by row; the last ones may be smaller."""

    lattice: Lattice
    side: int

    @property
    def across(self) -> int:
        """The number of bins in a row."""
        return -(-self.lattice.width // self.side)

    @property
    def count(self) -> int:
        """The number of bins."""
        return self.across * -(-self.lattice.height // self.side)

    @property
    def pixels(self) -> Floats:
        """The number of pixels in each bin: (count,)."""
        down, across = (np.bincount(np.arange(sides) // self.side) for sides in self.lattice.shape)
        return np.outer(down, across).ravel().astype(np.float64)

    def of(self, where: Floats) -> Whole:
        """The bin of each of the coordinates (n, 2); the nearest bin for those outside."""
        pixel = np.floor(where / self.lattice.cell).astype(np.intp)
        column, row = np.clip(pixel, 0, (self.lattice.width - 1, self.lattice.height - 1)).T // self.side
        return np.asarray(row * self.across + column)

    def inside(self, where: Floats) -> NDArray[np.bool_]:
        """Whether each of the coordinates (n, 2) lies in the image's box."""
        return np.asarray(((where >= 0) & (where <= self.lattice.box)).all(axis=1))

    def log_area(self) -> float:
        """Log of the area of the image's box."""
        return float(np.log(self.lattice.box).sum())


@dataclass(frozen=True, eq=False)
class Axis:
    """The bins of an axis 0..1 of `levels` levels, with `width` levels each; the last may be smaller."""

    levels: int
    width: int

    @property
    def edges(self) -> Floats:
        """The edges of the bins, from 0 to 1: (bins + 1,)."""
        return np.append(np.arange(0, self.levels, self.width), self.levels) / self.levels

    @property
    def widths(self) -> Floats:
        """(bins,), in 0..1."""
        return np.diff(self.edges)

    def of(self, values: Floats) -> Whole:
        """The bin of each value; the nearest bin for those outside 0..1."""
        level = np.clip(np.floor(values * self.levels).astype(np.intp), 0, self.levels - 1)
        return np.asarray(level // self.width)

    def code(self, colours: Floats) -> Whole:
        """One number for the three bins of each colour (n, 3): (n,)."""
        bins = len(self.widths)
        red, green, blue = self.of(colours).T
        return np.asarray((red * bins + green) * bins + blue)

    def bins(self, codes: Whole) -> Whole:
        """The three bins (n, 3) of codes (n,)."""
        bins = len(self.widths)
        return np.stack((codes // bins**2, codes // bins % bins, codes % bins), axis=1)


@dataclass(frozen=True, eq=False)
class InkHistogram(Density):
    """A density over x, y that is constant in each bin; `mass` (bins,) is that of one pixel in the bin."""

    tiles: Tiles
    mass: Floats
    n_parameters: int
    columns: tuple[str, ...] = ("x", "y")
    iterations: int = 1
    converged: bool = True

    def log_density(self, points: Floats) -> Floats:
        """log p in nats at points (n, 2), -inf outside the box: (n,)."""
        points = self.checked(points)
        log_p = np.log(self.mass[self.tiles.of(points)]) - 2 * np.log(self.tiles.lattice.cell)
        return np.where(self.tiles.inside(points), log_p, -np.inf)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n samples (n, 2)."""
        lattice = self.tiles.lattice
        edges = np.cumsum(self.mass[self.tiles.of(lattice.centres())])
        pixel = np.searchsorted(edges[:-1] / edges[-1], rng.random(n), side="right")
        return lattice.coordinates(pixel) + (rng.random((n, 2)) - 0.5) * lattice.cell

    def save(self) -> tuple[Arrays, Facts]:
        """The mass of a pixel in each bin."""
        facts = {"tiles": [*self.tiles.lattice.shape, self.tiles.side], "n_parameters": self.n_parameters}
        return {"mass": self.mass}, facts

    @classmethod
    def load(cls, arrays: Arrays, facts: Facts) -> InkHistogram:
        """The same histogram."""
        return cls(_tiles(facts["tiles"]), arrays["mass"], facts["n_parameters"])


@dataclass(frozen=True, eq=False)
class LevelHistogram(Density):
    """A density over levels that is constant in each bin; `share` (bins,) sums to 1."""

    axis: Axis
    share: Floats
    n_parameters: int
    columns: tuple[str, ...] = ("level",)
    iterations: int = 1
    converged: bool = True

    def log_density(self, points: Floats) -> Floats:
        """log p in nats at points (n, 1), -inf outside 0..1: (n,)."""
        level = self.checked(points)[:, 0]
        log_p = np.log(self.share / self.axis.widths)[self.axis.of(level)]
        return np.where((level >= 0) & (level <= 1), log_p, -np.inf)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n samples (n, 1)."""
        chosen = rng.choice(len(self.share), size=n, p=self.share)
        return (self.axis.edges[chosen] + rng.random(n) * self.axis.widths[chosen])[:, None]

    def save(self) -> tuple[Arrays, Facts]:
        """The share of each bin."""
        facts = {"axis": [self.axis.levels, self.axis.width], "n_parameters": self.n_parameters}
        return {"share": self.share}, facts

    @classmethod
    def load(cls, arrays: Arrays, facts: Facts) -> LevelHistogram:
        """The same histogram."""
        return cls(Axis(*facts["axis"]), arrays["share"], facts["n_parameters"])


@dataclass(frozen=True, eq=False)
class ColourHistogram(Density, Predictor):
    """p(x, y, r, g, b) = p(r, g, b | bin of x, y) / area, from counts; only those above 0 are stored.

    Attributes:
        tile, code: (n,), the spatial and the colour bin of each training pixel, sorted by both.
        cells, counts: the distinct pairs as one number each, sorted, and the number of pixels of each.
        colours, totals: the distinct colour bins, sorted, and the number of pixels of each.
        seen: (bins,), the number of training pixels in each spatial bin.
    """

    tiles: Tiles
    axis: Axis
    tile: Whole
    code: Whole
    cells: Whole
    counts: Whole
    colours: Whole
    totals: Whole
    seen: Whole
    smooth: float
    columns: tuple[str, ...] = ("x", "y", "r", "g", "b")
    n_parameters: int | None = None
    iterations: int = 1
    converged: bool = True

    @classmethod
    def of(cls, tiles: Tiles, axis: Axis, tile: Whole, code: Whole, smooth: float) -> ColourHistogram:
        """Count pixels of spatial bins `tile` (n,) and colour bins `code` (n,)."""
        order = np.lexsort((code, tile))
        tile, code = tile[order], code[order]
        cells, counts = np.unique(tile * len(axis.widths) ** 3 + code, return_counts=True)
        colours, totals = np.unique(code, return_counts=True)
        seen = np.bincount(tile, minlength=tiles.count)
        return cls(tiles, axis, tile, code, cells, counts, colours, totals, seen, smooth)

    def log_density(self, points: Floats) -> Floats:
        """log p in nats at points (n, 5), -inf outside the box and the cube: (n,)."""
        points = self.checked(points)
        where, colours = points[:, :2], points[:, 2:]
        log_p = self.log_predictive(where, colours) - self.tiles.log_area()
        return np.where(self.tiles.inside(where), log_p, -np.inf)

    def log_predictive(self, coordinates: Floats, colours: Floats) -> Floats:
        """log p(r, g, b | x, y) in nats, -inf outside the cube: (n,)."""
        tile, code = self.tiles.of(coordinates), self.axis.code(colours)
        volume = self.axis.widths[self.axis.bins(code)].prod(axis=1)
        above = (_found(self.colours, self.totals, code) + self.smooth * volume) / (
            len(self.code) + self.smooth
        )
        here = _found(self.cells, self.counts, tile * len(self.axis.widths) ** 3 + code)
        share = (here + self.smooth * above) / (self.seen[tile] + self.smooth)
        inside = ((colours >= 0) & (colours <= 1)).all(axis=1)
        return np.where(inside, np.log(share / volume), -np.inf)

    def log_cube_mass(self, coordinates: Floats) -> Floats:
        """0: there is no mass outside the cube of colours: (n,)."""
        return np.zeros(len(coordinates))

    def predict(self, coordinates: Floats) -> Floats:
        """E[r, g, b | x, y] at coordinates (n, 2): (n, 3)."""
        middle = (self.axis.edges[:-1] + self.axis.edges[1:]) / 2
        centres = middle[self.axis.bins(self.code)]
        above = (centres.sum(axis=0) + self.smooth / 2) / (len(centres) + self.smooth)
        here = np.stack([np.bincount(self.tile, channel, self.tiles.count) for channel in centres.T], axis=1)
        means = (here + self.smooth * above) / (self.seen + self.smooth)[:, None]
        return np.asarray(means[self.tiles.of(coordinates)])

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n samples (n, 5): a position, then a colour from its spatial bin, from the whole image, or any."""
        where = rng.random((n, 2)) * self.tiles.lattice.box
        tile = self.tiles.of(where)
        seen, everywhere = self.seen[tile], len(self.code)
        first = np.cumsum(self.seen)[tile] - seen
        local = rng.random(n) * (seen + self.smooth) < seen
        in_image = rng.random(n) * (everywhere + self.smooth) < everywhere
        chosen = np.where(local, first + rng.integers(np.maximum(seen, 1)), rng.integers(everywhere, size=n))
        bins = self.axis.bins(self.code[chosen])
        colours = self.axis.edges[bins] + rng.random((n, 3)) * self.axis.widths[bins]
        anything = ~local & ~in_image
        colours[anything] = rng.random((int(anything.sum()), 3))
        return np.hstack((where, colours))

    def save(self) -> tuple[Arrays, Facts]:
        """The bins of each training pixel; everything else is counted from them."""
        facts = {
            "tiles": [*self.tiles.lattice.shape, self.tiles.side],
            "axis": [self.axis.levels, self.axis.width],
            "smooth": self.smooth,
        }
        return {"tile": self.tile, "code": self.code}, facts

    @classmethod
    def load(cls, arrays: Arrays, facts: Facts) -> ColourHistogram:
        """The same histogram."""
        tiles, axis = _tiles(facts["tiles"]), Axis(*facts["axis"])
        return cls.of(tiles, axis, arrays["tile"], arrays["code"], facts["smooth"])


def _tiles(facts: list[int]) -> Tiles:
    """From height, width and side."""
    height, width, side = facts
    return Tiles(Lattice(height, width), side)


def _found(keys: Whole, counts: Whole, wanted: Whole) -> NDArray[Any]:
    """The counts of the wanted keys (n,) among sorted keys; 0 if a key is not there."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, counts[at], 0)


@hookimpl
def gmmbench_models() -> list[type[Model]]:
    """Offer the model."""
    return [Histogram]
