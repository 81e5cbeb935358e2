"""Fits in isolation: one process fits the scene and nothing else, another loads the fit and answers.

Neither process is told of an image: no path, no command line that names one, no pixel that is held out, an
empty temporary folder, and an environment of listed variables only. On Linux with Landlock neither can open
the files of the user or look into other processes (`confine`); elsewhere code that searches the disk could
still find an image.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from ..api import Density, Fitted, Floats, Law, Model, Predictor, Scene
from ..mixture_fit import MixtureDensity
from ..plain_data import SavedFit
from .confine import can_confine
from .messages import Arrays, receive, rng_to_facts, send
from .provenance import options_of

WORKER = "gmmbench.running.isolated_worker"

ENVIRONMENT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "GMMBENCH_CACHE")
"""The variables that an isolated process gets, where they are set."""

PREFIXES = ("LC_", "LD_", "DYLD_", "OMP_", "MKL_", "OPENBLAS_", "NUMBA_", "CUDA_", "VIRTUAL_ENV", "CONDA_")
"""Prefixes of further such variables, which decide which libraries are found and how they work."""


TAIL = 4096
"""Bytes of what a process printed that are searched for its last line."""


class IsolatedFailed(Exception):  # noqa: N818 - it says what failed
    """An isolated process could not do its task; the message is one line."""


class IsolatedProcess:
    """A process that answers messages (`isolated_worker`) until the `with` block ends."""

    def __enter__(self) -> IsolatedProcess:
        self._folder = tempfile.TemporaryDirectory()
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=self._folder.name,
            env=environment(self._folder.name),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; it may be called again."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # what was not written yet goes nowhere
                stream.close()
        self._process.wait()
        self._errors.close()
        self._folder.cleanup()

    def ask(
        self, facts: Mapping[str, Any], arrays: Arrays | None = None
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Send a message and return the facts and arrays of the answer. Raises IsolatedFailed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            send(self._process.stdin, facts, arrays)  # type: ignore[arg-type]  # a pipe of bytes
            answer = receive(self._process.stdout)  # type: ignore[arg-type]  # likewise
        except OSError:
            answer = None
        except ValueError as error:
            raise IsolatedFailed(f"it answered with an invalid message: {error}") from error
        if answer is None:
            raise IsolatedFailed(f"its process ended{self._last_line()}")
        if "error" in answer[0]:
            raise IsolatedFailed(answer[0]["error"])
        return answer

    def _last_line(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - TAIL))
        lines = self._errors.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1][:200]}" if said else ""


def environment(folder: str) -> dict[str, str]:
    """The environment of an isolated process: listed variables, and where Python finds modules.

    Args:
        folder: of the process, which is its home as well if it can open no other.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ENVIRONMENT or name.startswith(PREFIXES)
    }  # fmt: skip
    kept["PYTHONPATH"] = os.pathsep.join(search_path())
    if can_confine():  # the home folder is closed, so that the kernels in it must be found by another name
        kept.setdefault("GMMBENCH_CACHE", str(user_cache_path("gmmbench", appauthor=False).parent))
        kept.update(dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), folder))
    return kept


def search_path() -> list[str]:
    """Where this process finds modules, beside what belongs to the interpreter.

    The current folder is left out, unless gmmbench lies in it: `python -m` puts it there by itself.
    """
    own = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)}
    here, home = Path.cwd().resolve(), Path(__file__).resolve().parents[2]
    found = []
    for entry in filter(None, sys.path):
        path = Path(entry).resolve()
        if not own & {path, *path.parents} and (path != here or path == home):
            found.append(str(path))
    return found if home in map(Path, found) or own & {home, *home.parents} else [str(home), *found]


@dataclass(frozen=True, eq=False)
class IsolatedFit:
    """A fit that was made in isolation.

    Attributes:
        fitted: what answers for it: each question goes to the isolated process.
        loaded: whether another process than the one that fitted answers. Not if the fit has no `save`.
        confined: whether files, network and other processes were closed to both processes.
    """

    fitted: Fitted
    loaded: bool
    confined: bool


@contextlib.contextmanager
def isolated(model: Model, scene: Scene, rng: np.random.Generator, threads: int) -> Iterator[IsolatedFit]:
    """Fit a model to a scene in one process, load the fit in another, and let that one answer.

    Args:
        model: the model; its class must be found by its module's name, or in its module's file.
        scene: all that the process learns of the image.
        rng: the random stream of the fit.
        threads: the threads that the fit may use.

    Raises:
        IsolatedFailed: the model fails in isolation, or its answers cannot be passed on. Questions to the
            fit raise it, too.
    """
    names = names_of(type(model))
    with IsolatedProcess() as fitting, IsolatedProcess() as answering:
        told, arrays = fitting.ask(
            {
                "do": "fit",
                "model": names,
                "options": options_of(model),
                "lattice": scene.lattice.shape,
                "view": scene.view,
                "block": scene.block,
                "rng": rng_to_facts(rng),
                "threads": threads,
            },
            {"values": scene.values, "held": scene.held},
        )
        saved = told["saved"]
        if saved is None:
            yield IsolatedFit(answered_by(fitting, told), False, told["confined"])
            return
        fitting.close()
        if saved["names"][0] == MixtureDensity.__module__:  # code of ours, which looks at nothing
            fitted = SavedFit(saved["names"], arrays, saved["facts"]).load(type(model))
        else:
            fitted = answered_by(answering, answering.ask({"do": "load", "model": names, **saved}, arrays)[0])
        yield IsolatedFit(fitted, True, told["confined"])


def names_of(model: type[Model]) -> tuple[str, str, str | None]:
    """The module, the qualified name and the file of a class, by which another process finds it.

    Raises:
        IsolatedFailed: it cannot be found by them.
    """
    if "<locals>" in model.__qualname__ or model.__module__ == "__main__":
        raise IsolatedFailed(f"the class {model.__qualname__} cannot be imported by another process")
    file = getattr(sys.modules.get(model.__module__), "__file__", None)
    return model.__module__, model.__qualname__, file


def answered_by(process: IsolatedProcess, about: Mapping[str, Any]) -> Fitted:
    """The fit in an isolated process, as it tells about itself."""
    kinds = {
        (True, False): IsolatedDensity,
        (False, True): IsolatedPredictor,
        (True, True): IsolatedJoint,
    }
    return kinds[about["density"], about["predictor"]](process, about)


class _Questions:
    """What every fit in an isolated process answers with."""

    def __init__(self, process: IsolatedProcess, about: Mapping[str, Any]) -> None:
        self._process, self._told = process, about["facts"]
        self.n_parameters = about["n_parameters"]
        self.iterations, self.converged = about["iterations"], about["converged"]
        if about["columns"] is not None:
            self.columns = tuple(about["columns"])

    def facts(self) -> Mapping[str, Any]:
        """As the fit told them once."""
        return self._told

    def _ask(self, method: str, *arrays: Floats) -> Any:
        named = {str(place): np.asarray(array) for place, array in enumerate(arrays)}
        facts, found = self._process.ask({"do": "call", "method": method}, named)
        if facts["kind"] == "law":
            return Law(found["weights"], found["means"], found["covariances"], found.get("degrees"))
        return found["answer"] if facts["kind"] == "array" else None


class IsolatedDensity(_Questions, Density):
    """A density in an isolated process."""

    def log_density(self, points: Floats) -> Floats:
        """As the fit answers."""
        return self._ask("log_density", points)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """As the fit samples; the random stream advances as if the fit had sampled here."""
        facts, arrays = self._process.ask(
            {"do": "call", "method": "sample", "n": n, "rng": rng_to_facts(rng)}
        )
        rng.bit_generator.state = facts["rng"]["state"]
        return arrays["answer"]

    def mean(self) -> Floats | None:
        """As the fit answers."""
        return self._ask("mean")


class IsolatedPredictor(_Questions, Predictor):
    """A predictor in an isolated process."""

    def predict(self, coordinates: Floats) -> Floats:
        """As the fit answers."""
        return self._ask("predict", coordinates)

    def law(self, coordinates: Floats) -> Law | None:
        """As the fit answers."""
        return self._ask("law", coordinates)

    def log_predictive(self, coordinates: Floats, colours: Floats) -> Floats | None:
        """As the fit answers."""
        return self._ask("log_predictive", coordinates, colours)

    def log_cube_mass(self, coordinates: Floats) -> Floats | None:
        """As the fit answers."""
        return self._ask("log_cube_mass", coordinates)


class IsolatedJoint(IsolatedDensity, IsolatedPredictor):
    """A density and predictor in an isolated process."""
