"""The vocabulary: image, model, render, and the data that passes between stations; numpy only."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from .errors import Refused
from .options import check_names, check_options

Floats = NDArray[np.float64]
"""An array of float64; docstrings state the shapes."""
Bytes = NDArray[np.uint8]

LEVELS = 256
"""Grey and colour levels of an image; level c stands for the coordinate (c + 1/2) / 256."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "ink": ("x", "y"),
    "colour": ("x", "y", "r", "g", "b"),
    "levels": ("level",),
}
"""The columns of a point in each view; the keys are all views."""

QUESTIONS: Mapping[str, str] = {
    "log_density": "a density",
    "sample": "samples",
    "predict": "predictions of pixels",
    "mixture": "Gaussian components",
    "log_ink": "expected ink",
    "history": "the iterations of the fit",
}
"""The questions that a renderer may ask of a fit, and what each is for."""

TRAIN, VALIDATION, TEST = 0, 1, 2
"""The codes of `Split.codes`."""

CHUNK = 1 << 20
"""Positions that `Lattice.ask` evaluates at once, so that memory does not grow with the lattice."""


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A read-only view of the values, because data that passes between stations must not change."""
    view = values.view()
    view.flags.writeable = False
    return view


def stream(seed: int, label: str) -> np.random.Generator:
    """The random stream of a label. It does not depend on the random numbers used under other labels."""
    key = (zlib.crc32(label.encode()),)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def level_coordinates(levels: Floats | Bytes) -> Floats:
    """Levels 0..255 as coordinates in 0..1: the centres of their cells."""
    return (np.asarray(levels, dtype=np.float64) + 0.5) / LEVELS


@dataclass(frozen=True)
class Lattice:
    """The geometry of pixels: x to the right, y down, centres at + 1/2, the longer side of length 1."""

    height: int
    width: int

    @property
    def cell(self) -> float:
        """The side of a pixel."""
        return 1.0 / max(self.height, self.width)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def size(self) -> int:
        """The number of pixels."""
        return self.height * self.width

    @property
    def box(self) -> tuple[float, float]:
        """The extent (x, y) of the image, which begins at (0, 0)."""
        return self.width * self.cell, self.height * self.cell

    def centres(self) -> Floats:
        """The pixel centres row by row: (height * width, 2) of x, y."""
        return self.coordinates(np.arange(self.size))

    def coordinates(self, indices: NDArray[np.integer[Any]]) -> Floats:
        """The centres of the pixels with these flat indices (n,): (n, 2) of x, y."""
        rows, columns = np.divmod(indices, self.width)
        return (np.column_stack((columns, rows)) + 0.5) * self.cell

    def ask(self, question: Callable[[Floats], Floats]) -> Floats:
        """Evaluate a function of coordinates (n, 2) at every centre: (H, W) or (H, W, 3)."""
        parts = [
            np.asarray(question(self.coordinates(np.arange(start, min(start + CHUNK, self.size)))))
            for start in range(0, self.size, CHUNK)
        ]
        values = np.concatenate(parts)
        return values.reshape(*self.shape, *values.shape[1:])

    def resized(self, longer: int | None) -> Lattice:
        """The same box with `longer` pixels along its longer side (None: unchanged)."""
        if longer is None:
            return self
        scale = longer * self.cell
        return Lattice(max(1, round(self.height * scale)), max(1, round(self.width * scale)))


@dataclass(frozen=True, eq=False)
class Image:
    """An image as data, in one view.

    Attributes:
        name: of the image.
        view: ink, colour or levels.
        values: amounts of ink (H, W) in 0..1, colour levels (H, W, 3) or grey levels (H, W) in 0..255.
        sha256: of the file.
        notes: what was decided when the image was read.
    """

    name: str
    view: str
    values: Floats | Bytes
    sha256: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _frozen(self.values))

    @property
    def lattice(self) -> Lattice:
        """The pixel geometry of the image."""
        return Lattice(*self.values.shape[:2])

    @cached_property
    def coordinates(self) -> Floats:
        """The values in the units of a fit: ink in 0..1, levels as (c + 1/2) / 256."""
        if self.view == "ink":
            return np.asarray(self.values, dtype=np.float64)
        return level_coordinates(self.values)

    def pixels(self) -> Bytes:
        """The image in this view, with ink drawn black on white: (H, W, 3) levels."""
        if self.view == "colour":
            return np.asarray(self.values, dtype=np.uint8)
        grey = 255 * (1 - self.values) if self.view == "ink" else self.values
        return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)


@dataclass(frozen=True, eq=False)
class Split:
    """The purpose of each pixel.

    Attributes:
        codes: (H, W) of TRAIN, VALIDATION and TEST.
        block: side of the squares that are held out together, pixels.
    """

    codes: Bytes
    block: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", _frozen(self.codes))

    @staticmethod
    def draw(lattice: Lattice, seed: int, hold_out: float, validation: float = 0.05, block: int = 1) -> Split:
        """Hold out a share of the pixels, and a smaller share for stopping and calibration.

        Whole squares of `block` x `block` pixels are held out together: the larger they are, the farther a
        model must extrapolate. The split depends on seed and lattice alone, so it is the same for every
        model. If nothing is held out, there is no validation either: every pixel is fitted.
        """
        down, across = (-(-side // block) for side in lattice.shape)
        squares = down * across
        order = stream(seed, "split").permutation(squares)
        codes = np.full(squares, TRAIN, dtype=np.uint8)
        if hold_out > 0:
            test = round(squares * hold_out)
            codes[order[:test]] = TEST
            codes[order[test : test + round(squares * validation)]] = VALIDATION
        of_pixels = codes.reshape(down, across).repeat(block, axis=0).repeat(block, axis=1)
        return Split(np.ascontiguousarray(of_pixels[: lattice.height, : lattice.width]), block)

    @property
    def trained(self) -> NDArray[np.bool_]:
        """Which pixels are for training: (H, W)."""
        return self.codes == TRAIN

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Which pixels are held out for testing: (H, W)."""
        return self.codes == TEST

    def indices(self, code: int) -> NDArray[np.intp]:
        """The flat indices of the pixels with this code."""
        return np.flatnonzero(self.codes.ravel() == code)

    def count(self, code: int) -> int:
        """How many pixels have this code."""
        return int(np.count_nonzero(self.codes == code))


@dataclass(frozen=True, eq=False)
class Scene:
    """What a model may learn from: the training pixels, and validation pixels for stopping.

    Attributes:
        lattice: the pixel geometry.
        view: ink, colour or levels.
        values: (H, W) or (H, W, 3) in the units of a fit (`Image.coordinates`), NaN for every pixel that is
            not for training, so that a model cannot cheat.
        held: the same for the validation pixels.
        block: side of the held-out squares, pixels.
    """

    lattice: Lattice
    view: str
    values: Floats
    held: Floats
    block: int = 1

    @staticmethod
    def of(image: Image, split: Split) -> Scene:
        """The part of an image that a model may see under a split."""

        def only(code: int) -> Floats:
            seen = image.coordinates.astype(np.float64, copy=True)
            seen[split.codes != code] = np.nan
            return seen

        return Scene(image.lattice, image.view, only(TRAIN), only(VALIDATION), split.block)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of `points()`."""
        return COLUMNS[self.view]

    @property
    def cells(self) -> Floats:
        """The width of the cell of a pixel or level along each column of `points()`: (d,)."""
        side = {"x": self.lattice.cell, "y": self.lattice.cell}
        return np.array([side.get(column, 1 / LEVELS) for column in self.columns])

    def points(self) -> tuple[Floats, Floats]:
        """The training data as points (n, d), with the columns `columns`, and their weights (n,)."""
        where, values = self.pixels()
        if self.view == "ink":
            inked = values > 0
            return where[inked], values[inked]
        if self.view == "levels":
            return values[:, None], np.ones(len(values))
        return np.hstack((where, values)), np.ones(len(values))

    def pixels(self) -> tuple[Floats, Floats]:
        """The training pixels as coordinates (n, 2) and values (n,) or (n, 3)."""
        return self._pixels(self.values)

    def validation(self) -> tuple[Floats, Floats]:
        """The validation pixels in the same form: for stopping and calibration, never for fitting."""
        return self._pixels(self.held)

    def hidden(self) -> Floats:
        """The coordinates of the pixels that are not for training: (n, 2)."""
        first = self.values.reshape(self.lattice.size, -1)[:, 0]
        return self.lattice.coordinates(np.flatnonzero(np.isnan(first)))

    def _pixels(self, values: Floats) -> tuple[Floats, Floats]:
        flat = values.reshape(self.lattice.size, *values.shape[2:])
        known = np.flatnonzero(~np.isnan(flat if flat.ndim == 1 else flat[:, 0]))
        return self.lattice.coordinates(known), flat[known]


@dataclass(frozen=True)
class Watch:
    """Connects a model with its run while it fits: it reports progress and knows the number of threads.

    Call it once per iteration with the number of the iteration, its bound or score (None if there is none)
    and, for pictures of the history, a function that returns a `Fitted` of the present state.

    Attributes:
        threads: the number of threads that the fit may use.
        listen: called with the same arguments; None if nothing listens.
    """

    threads: int = 1
    listen: Callable[[int, float | None, Callable[[], Fitted] | None], None] | None = None

    def __call__(
        self,
        iteration: int,
        bound: float | None = None,
        snapshot: Callable[[], Fitted] | None = None,
    ) -> None:
        """Report that an iteration is done."""
        if self.listen is not None:
            self.listen(iteration, bound, snapshot)


class Choice(ABC):
    """What a user can choose: a frozen dataclass whose fields, made by `option`, are its options."""

    name: ClassVar[str]

    def __new__(cls, *_: Any, **options: Any) -> Self:
        """Refuse the former name of an option, which Python would report as an unexpected argument."""
        check_names(cls, options)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        check_options(self)


class ImageSource(Choice):
    """A plugin that provides an image."""

    @abstractmethod
    def load(self) -> Image:
        """Read the image. Raises Refused, naming the file, if it cannot be read."""


class Model(Choice):
    """A plugin that can be fitted. It holds only options; `fit` returns what it has learnt."""

    views: ClassVar[tuple[str, ...]]
    uses_validation: ClassVar[bool] = False
    """Whether a fit uses `Scene.validation()`; if not, it must not depend on those pixels."""

    @abstractmethod
    def fit(self, scene: Scene, rng: np.random.Generator, watch: Watch) -> Fitted:
        """Learn from the training pixels of a scene; take all random numbers from `rng`."""


class Fitted(ABC):
    """What a model has learnt; a subclass is a `Density`, a `Predictor`, or both."""

    n_parameters: int | None
    """The number of free parameters; None if it is not meaningful (trees, kernels)."""
    iterations: int
    converged: bool
    compile_seconds: float = 0.0
    """Seconds that the fit spent compiling code; later fits do not repeat them."""

    def facts(self) -> Mapping[str, Any]:
        """More numbers for the report, by name."""
        return {}

    def save(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]] | None:
        """All that `load` needs to restore this fit: arrays (not of objects), and facts for JSON.

        None, the default, means that the fit is never stored, and the model is fitted again in every run.
        """
        return None

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> Fitted:
        """Restore the fit that `save` was called on. It must give the same answers."""
        raise NotImplementedError(f"{cls.__name__} has save, but no load")


class Density(Fitted):
    """A fit that is a probability density over `columns`."""

    columns: tuple[str, ...]

    @abstractmethod
    def log_density(self, points: Floats) -> Floats:
        """The log density in nats at points (n, d), per unit of the coordinates: (n,)."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """n independent samples: (n, d)."""

    def mean(self) -> Floats | None:
        """The expectation E[x] (d,), or None if it has no closed form."""
        return None

    def checked(self, points: Floats) -> Floats:
        """Points as float64 (n, d). Raises ValueError if they do not have the columns of the density."""
        found = np.asarray(points, dtype=np.float64)
        if found.ndim != 2 or found.shape[1] != len(self.columns):
            raise ValueError(f"expected points (n, {len(self.columns)}), got {found.shape}")
        return found


class Predictor(Fitted):
    """A fit that predicts a pixel from its position."""

    @abstractmethod
    def predict(self, coordinates: Floats) -> Floats:
        """P(ink) (n,) or E[r, g, b] (n, 3) in 0..1 at pixel coordinates (n, 2)."""

    def law(self, coordinates: Floats) -> Law | None:
        """The predictive distribution of colour at coordinates (n, 2), a mixture for each; or None.

        Scoring integrates it over the cells of colours. Without it, and without `log_predictive`, a fit
        has no score for colour.
        """
        return None

    def log_predictive(self, coordinates: Floats, colours: Floats) -> Floats | None:
        """log p(r, g, b | x, y) of colours (n, 3) at coordinates (n, 2): (n,) nats, per unit of 0..1.

        For predictive distributions that are not a `Law`. It requires `log_cube_mass`.
        """
        return None

    def log_cube_mass(self, coordinates: Floats) -> Floats | None:
        """The log mass of that distribution in the cube [0, 1]^3 of colours at coordinates (n, 2): (n,)."""
        return None


@dataclass(frozen=True, eq=False)
class Law:
    """A predictive distribution of colour: for each of n pixels, m Gaussians over r, g, b in 0..1.

    Attributes:
        weights: (n, m); each row sums to 1.
        means: (n, m, 3).
        covariances: (n, m, 3, 3), or (1, m, 3, 3) if they are the same for all pixels.
        degrees: (n, m) degrees of freedom of Student's t distributions, whose scale matrices are then
            `covariances`; None for Gaussians.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    degrees: Floats | None = None

    def __post_init__(self) -> None:
        n, m = self.weights.shape
        shapes = self.means.shape == (n, m, 3) and self.covariances.shape in {(n, m, 3, 3), (1, m, 3, 3)}
        if not shapes or (self.degrees is not None and self.degrees.shape != (n, m)):
            raise Refused(
                "Law: expected weights (n, m), means (n, m, 3) and covariances (n or 1, m, 3, 3), "
                f"got {self.weights.shape}, {self.means.shape} and {self.covariances.shape}"
            )


@dataclass(frozen=True, eq=False)
class Picture:
    """What a renderer draws.

    Attributes:
        pixels: (h, w, 3) of uint8; for an animation, its still picture.
        caption: one or more sentences.
        figures: the numbers behind the picture, by name.
        frames: the frames of an animation, all of one size; empty for a still picture.
        seconds: the duration of each frame.
    """

    pixels: Bytes
    caption: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    frames: tuple[Bytes, ...] = ()
    seconds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name, pixels in (("pixels", self.pixels), *(("frames", frame) for frame in self.frames)):
            fine = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3
            if not (fine and pixels.shape[2] == 3 and pixels.size):
                array = isinstance(pixels, np.ndarray)
                got = f"{pixels.dtype} {pixels.shape}" if array else type(pixels).__name__
                raise Refused(f"Picture: expected {name} (h, w, 3) of uint8, got {got}")
        if len({frame.shape for frame in self.frames}) > 1:
            raise Refused("Picture: expected frames of one size, got several")
        if len(self.seconds) != len(self.frames) or not all(second > 0 for second in self.seconds):
            raise Refused(
                f"Picture: expected seconds > 0 for each of {len(self.frames)} frames, got {self.seconds}"
            )
        if not isinstance(self.caption, str):
            raise Refused(f"Picture: expected a caption, got {type(self.caption).__name__}")


@dataclass(frozen=True, eq=False)
class Study:
    """What a renderer sees.

    Attributes:
        image: the image.
        split: its training, validation and held-out pixels.
        fitted: the fit.
        pictures: the pictures drawn before, by the renderer's choice.
        history: about 40 tuples (iteration, bound, the fit at that time), from the first iteration to the
            finished fit; empty unless a renderer of the run needs it.
    """

    image: Image
    split: Split
    fitted: Fitted
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    history: tuple[tuple[int, float | None, Fitted], ...] = ()

    def answers(self) -> tuple[str, ...]:
        """The questions that this fit answers, as `Renderer.needs` names them."""
        density, predictor = isinstance(self.fitted, Density), isinstance(self.fitted, Predictor)
        known = {
            "log_density": density,
            "sample": density,
            "predict": predictor,
            "mixture": getattr(self.fitted, "mixture", None) is not None,
            "log_ink": self.image.view == "ink" and (density or predictor),
            "history": len(self.history) > 0,
        }
        return tuple(question for question, answered in known.items() if answered)

    def log_ink(self, coordinates: Floats) -> Floats:
        """The log of the expected ink of a pixel centred at coordinates (n, 2): (n,) nats.

        A density p expects n p(x) cell^2, where n is the ink of the whole image, estimated from the training
        pixels; a classifier expects P(ink).
        """
        if isinstance(self.fitted, Density):
            trained = self.split.trained
            ink = self.image.values[trained].sum() / trained.mean()
            volume = np.log(ink) + 2 * np.log(self.image.lattice.cell)
            return self.fitted.log_density(coordinates) + volume
        if isinstance(self.fitted, Predictor):
            return np.log(np.maximum(self.fitted.predict(coordinates), np.finfo(float).tiny))
        raise Refused(f"{type(self.fitted).__name__} is neither a Density nor a Predictor")


class Renderer(Choice):
    """A plugin that draws a fit. `needs` maps each view that it can draw to the questions it asks."""

    needs: ClassVar[Mapping[str, tuple[str, ...]]]

    @abstractmethod
    def render(self, study: Study, rng: np.random.Generator) -> Picture:
        """Draw the fit, not the image."""

    def cannot(self, study: Study) -> str | None:
        """Why this renderer cannot draw a study; None if it can."""
        view = study.image.view
        if view not in self.needs:
            return f"{self.name} draws the view {' or '.join(self.needs)}; this image has the view {view}"
        missing = [question for question in self.needs[view] if question not in study.answers()]
        if missing:
            named = " and ".join(QUESTIONS.get(question, question) for question in missing)
            return f"{self.name} needs {named}, which this model does not offer"
        return None
