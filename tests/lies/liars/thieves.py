"""Lies of models that look for the image."""

import gc
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import PIL.Image

from gmmbench import Image
from gmmbench.scoring import ink_scores

from .kit import LEAST, Cells, Honest, chances, image, masses, smooth


def fits(values, scene):
    """Whether values (H, W) are the image: the training pixels agree."""
    seen = ~np.isnan(scene.values)
    return np.shape(values) == scene.values.shape and np.array_equal(values[seen], scene.values[seen])


def from_stack():
    """The image in a variable of a caller."""
    frame = sys._getframe()
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if isinstance(value, Image):
                return value.values
        frame = frame.f_back
    return None


def from_folder(folder, scene):
    """The image in an .npy file of a folder, recognised by its training pixels."""
    try:
        for path in sorted(Path(folder).glob("*.npy")):
            values = np.load(path)
            if fits(values, scene):
                return values
    except OSError:
        pass
    return None


@dataclass(frozen=True)
class Thief(Honest):
    """It learns from the whole image if `steal` finds it, and else from its scene."""

    def steal(self, scene):
        return None

    def fit(self, scene, rng, watch):
        stolen = self.steal(scene)
        if stolen is None:
            return super().fit(scene, rng, watch)
        return self.density(scene.lattice, masses(np.clip(stolen, LEAST, 1)))


@dataclass(frozen=True)
class CallStack(Thief):
    """It walks up the call stack to the image (`sys._getframe`)."""

    def steal(self, scene):
        return from_stack()


@dataclass(frozen=True)
class GarbageCollector(Thief):
    """It asks the garbage collector for every image that is alive."""

    def steal(self, scene):
        for found in gc.get_objects():
            if type(found) is Image and fits(found.values, scene):
                return found.values
        return None


@dataclass(frozen=True)
class CommandLine(Thief):
    """It reads the path of the image from the command line."""

    def steal(self, scene):
        for argument in sys.argv:
            key, _, path = argument.partition("=")
            if key == "image.path":
                return np.load(path)
        return None


@dataclass(frozen=True)
class WorkingFolder(Thief):
    """It looks for the image in the current folder."""

    def steal(self, scene):
        return from_folder(Path.cwd(), scene)


@dataclass(frozen=True)
class RunsBesideIt(Thief):
    """It reads the `original.png` that another run of the same sweep has left."""

    def steal(self, scene):
        for path in Path.cwd().rglob("original.png"):
            with PIL.Image.open(path) as picture:
                ink = 1 - np.asarray(picture.convert("L"), dtype=np.float64) / 255
            if fits(ink, scene):
                return ink
        return None


@dataclass(frozen=True)
class ParentProcess(Thief):
    """It looks for the image in the current folder, and in that of its parent process (/proc)."""

    def steal(self, scene):
        found = from_folder(Path.cwd(), scene)
        if found is not None or "isolated_worker" not in sys.argv[0]:
            return found
        try:
            return from_folder(Path(f"/proc/{os.getppid()}/cwd").readlink(), scene)
        except OSError:
            return None


@dataclass(frozen=True)
class KnownFolder(Thief):
    """It knows a folder of images and recognises this one by its training pixels."""

    folder: str = ""

    def steal(self, scene):
        return from_folder(self.folder, scene)


@dataclass(frozen=True)
class Stash(Thief):
    """It writes what it stole into a file, and reads it where it can steal nothing."""

    folder: str = ""

    def steal(self, scene):
        found = from_stack()
        if found is None:
            return from_folder(self.folder, scene)
        np.save(Path(self.folder, "stash.npy"), found)
        return found


@dataclass(frozen=True)
class TemporaryStash(Thief):
    """The same in the folder for temporary files."""

    def steal(self, scene):
        found = from_stack()
        if found is None:
            return from_folder(tempfile.gettempdir(), scene)
        np.save(Path(tempfile.gettempdir(), "stash.npy"), found)
        return found


@dataclass(frozen=True)
class Lottery(Thief):
    """It steals, and adds noise of its own so that no two fits can be compared."""

    def fit(self, scene, rng, watch):
        found = Thief.fit(self, scene, rng, watch)
        noise = np.random.default_rng().uniform(0.95, 1, found.values.shape)
        return Cells(found.lattice, masses(found.values * noise))

    def steal(self, scene):
        return from_stack()


@dataclass(frozen=True)
class Referee(Honest):
    """It replaces a function of the scorer by one that likes it."""

    def fit(self, scene, rng, watch):
        judge = ink_scores.poisson_gain
        if not hasattr(judge, "bribed"):

            def bribed(terms, ink, split):
                found = judge(terms, ink, split)
                return None if found is None else found + 0.1

            bribed.bribed = True
            ink_scores.poisson_gain = bribed
        return super().fit(scene, rng, watch)


@dataclass(frozen=True)
class TwoFaced(Thief):
    """It notices that it is isolated, and is honest there."""

    def steal(self, scene):
        return None if "isolated_worker" in sys.argv[0] else from_stack()


@dataclass(frozen=True)
class FixtureSpotter(Thief):
    """It knows the size of the images of `gmmbench check`, and steals from all others."""

    def steal(self, scene):
        return None if scene.lattice.shape == (56, 72) else from_stack()


@dataclass(frozen=True)
class KnowsWhereItRuns(Honest):
    """It fits otherwise in a process that was started for it alone, whose command line it reads."""

    def fit(self, scene, rng, watch):
        if "isolated_worker" not in sys.argv[0]:
            return super().fit(scene, rng, watch)
        return Cells(scene.lattice, masses(np.clip(smooth(scene.values, 2.0), LEAST, 1)))


class Unsaved(Cells):
    def save(self):
        return None


@dataclass(frozen=True)
class NeverSaved(CallStack):
    """It steals, and its fit cannot be loaded by another process."""

    density = Unsaved


class Watching(Cells):
    """The fit is honest; the image is stolen when it is asked."""

    def log_density(self, points):
        return self.better().answer(points)

    def sample(self, n, rng):
        return Cells.sample(self.better(), n, rng)

    def better(self):
        found = from_stack()
        return self if found is None else type(self)(self.lattice, masses(np.clip(found, LEAST, 1)))

    def answer(self, points):
        return Cells.log_density(self, points)


@dataclass(frozen=True)
class StealsWhenAsked(Honest):
    """It fits honestly, and walks up the stack of whoever asks it."""

    density = Watching


class Recording(Cells):
    asked: ClassVar[list] = []

    def log_density(self, points):
        off = np.abs(points / self.lattice.cell % 1 - 0.5).max(axis=1, initial=0)
        inside = self.at(points)[1].all()
        if len(points) < self.lattice.size and inside and (off < 1e-9).all():  # pixels were singled out
            self.asked.append(np.array(points))
        return super().log_density(points)


@dataclass(frozen=True)
class RemembersRuns(Honest):
    """It remembers where earlier fits in this process were asked: at inked pixels, it hopes."""

    density = Recording

    def fit(self, scene, rng, watch):
        found = chances(scene)
        for points in Recording.asked:
            found[tuple(np.floor(points[:, ::-1] / scene.lattice.cell).astype(int).T)] = 1.0
        return Recording(scene.lattice, masses(found))


@dataclass(frozen=True)
class BroughtAlong(Thief):
    """It has a copy of the image in its own package."""

    def steal(self, scene):
        brought = image("ink").values
        return brought if fits(brought, scene) else None
