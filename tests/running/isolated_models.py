"""Models for the tests of verification, in a module that an isolated process can load."""

import inspect
import os
import pwd
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gmmbench import Density, Image, Model


@dataclass(frozen=True, eq=False)
class Dart(Density):
    """A round Gaussian; `told` goes into the facts."""

    mean_x: float
    mean_y: float
    told: dict
    columns = ("x", "y")
    n_parameters = 2
    iterations = 1
    converged = True
    width = 0.2

    def log_density(self, points):
        apart = self.checked(points) - (self.mean_x, self.mean_y)
        return -0.5 * (apart**2).sum(axis=1) / self.width**2 - np.log(2 * np.pi * self.width**2)

    def sample(self, n, rng):
        return (self.mean_x, self.mean_y) + self.width * rng.standard_normal((n, 2))

    def facts(self):
        return self.told

    def save(self):
        return {}, {"mean_x": self.mean_x, "mean_y": self.mean_y, "told": self.told}

    @classmethod
    def load(cls, arrays, facts):
        return cls(**facts)


@dataclass(frozen=True)
class Centre(Model):
    """The centre of the ink that it saw."""

    name = "centre"
    views = ("ink",)

    def fit(self, scene, rng, watch):
        points, weights = scene.points()
        x, y = np.average(points, axis=0, weights=weights)
        return Dart(float(x), float(y), self.told(scene))

    def told(self, scene):
        return {}


@dataclass(frozen=True)
class Surroundings(Centre):
    """It looks around, prints, and tells what it saw."""

    file: str = ""

    def closed(self):
        home = pwd.getpwuid(os.getuid()).pw_dir
        places = {"file": self.file, "home": home, "/proc/parent/cmdline": f"/proc/{os.getppid()}/cmdline"}
        for name, path in places.items():
            try:
                list(Path(path).iterdir()) if Path(path).is_dir() else Path(path).read_bytes()
            except PermissionError:
                yield name

    def told(self, scene):
        print("looking around")
        sys.stderr.write("and on the other stream\n")
        return {
            "arguments": sys.argv,
            "files": sorted(path.name for path in Path().iterdir()),
            "variables": sorted(os.environ),
            "read": sys.stdin.read() if sys.stdin is not None else "",
            "closed": sorted(self.closed()),
            "hidden": int(np.isnan(scene.values).sum()),
        }


def image_on_the_stack():
    """The whole image, if a caller holds it."""
    frame = inspect.currentframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if isinstance(value, Image):
                return value
        frame = frame.f_back
    return None


@dataclass(frozen=True)
class Peeking(Centre):
    """It learns from the whole image where it finds one."""

    def fit(self, scene, rng, watch):
        image = image_on_the_stack()
        seen = scene.values if image is None else image.values
        y, x = np.nonzero(np.nan_to_num(seen))
        shift = 0.0 if image is None else 0.01
        return Dart(float(x.mean() * scene.lattice.cell + shift), float(y.mean() * scene.lattice.cell), {})


@dataclass(frozen=True)
class Needy(Centre):
    """It fails without the image."""

    def fit(self, scene, rng, watch):
        return Dart(float(image_on_the_stack().values.mean()), 0.5, {})


@dataclass(frozen=True)
class Restless(Centre):
    """No two of its fits are the same."""

    def fit(self, scene, rng, watch):
        return Dart(0.4 + 0.2 * float(np.random.default_rng().random()), 0.4, {})


@dataclass(frozen=True, eq=False)
class ForgottenDart(Dart):
    """It has no save."""

    def save(self):
        return None


@dataclass(frozen=True)
class Forgotten(Centre):
    """Its fit cannot be saved."""

    def fit(self, scene, rng, watch):
        return ForgottenDart(0.4, 0.4, {})


@dataclass(frozen=True)
class Dying(Centre):
    """Its process ends when it is alone."""

    def fit(self, scene, rng, watch):
        if image_on_the_stack() is None:
            sys.stderr.write("no strength left\n")
            sys.stderr.flush()
            os._exit(3)
        return Dart(0.4, 0.4, {})


@dataclass(frozen=True)
class Spawning(Centre):
    """It draws from streams that the given one spawns."""

    def fit(self, scene, rng, watch):
        children = rng.spawn(2)
        return Dart(float(rng.random()), float(children[1].random()), {})


@dataclass(frozen=True)
class Endless(Centre):
    """It leaves a file in its folder and never ends."""

    def fit(self, scene, rng, watch):
        Path("fitting").touch()
        while True:
            time.sleep(0.1)
