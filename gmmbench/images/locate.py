"""Locating: from the path that a user types to a regular file, on disk or inside a package."""

from __future__ import annotations

import difflib
import stat
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from .unreadable import Unreadable

PACKAGE = "pkg://"
"""`pkg://package/inner/path.png#name`: a file inside an installed package; the name is optional."""

FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp")


def locate(path: str) -> tuple[Path, str]:
    """The regular file of a path, and the name of its image (the stem of the file, or what follows #).

    A leading ~ is the home folder. A package is found without importing it.

    Raises:
        Unreadable: nothing is there, or it is not a regular file, or an empty one. A pipe is refused before
            it is opened, because opening it would wait for a writer.
    """
    if not path.strip():
        raise Unreadable("nothing", "image.path=photo.jpg", "the name of an image file")
    if path.startswith(PACKAGE):
        file, name = _shipped(path)
    else:
        file, name = _on_disk(path), ""
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise Unreadable(*_missing(file)) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        why = getattr(error, "strerror", None) or str(error)
        raise Unreadable(f"an error ({why})", "another file") from error
    if stat.S_ISDIR(found.st_mode):
        raise Unreadable("a folder", _inside(file))
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("a pipe, socket or device", "saving it as a regular file first")
    if found.st_size == 0:
        raise Unreadable("an empty file (0 bytes)", "a fresh copy of it")
    return file, name or file.stem


def _on_disk(path: str) -> Path:
    file = Path(path)
    try:
        if file.exists():
            return file
        # A name may be typed with composed accents and stored with combining ones, or the other way round.
        for form in FORMS:
            twin = Path(unicodedata.normalize(form, path)).expanduser()
            if twin.exists():
                return twin
        return file.expanduser()
    except (OSError, RuntimeError, ValueError):  # no home folder of such a user: `locate` reports it missing
        return file


def _shipped(path: str) -> tuple[Path, str]:
    inner, _, name = path.removeprefix(PACKAGE).partition("#")
    package, _, rest = inner.partition("/")
    try:
        # Only a top-level name, because find_spec imports the parent of a subpackage.
        spec = find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise Unreadable(
            f"no installed package {package!r}", f"pip install {package or 'it'}, or another file"
        )
    return Path(next(iter(spec.submodule_search_locations))) / rest, name


def _missing(file: Path) -> tuple[str, str]:
    folder = file.parent
    try:
        names = [entry.name for entry in folder.iterdir() if entry.name != file.name]
    except OSError:
        return f"no such folder {str(folder)!r}", "a path that exists"
    # They are compared in one case and one Unicode form, so that IMG.JPG is close to img.jpg.
    plain = {_plain(name): name for name in sorted(names)}
    near = difflib.get_close_matches(_plain(file.name), list(plain), n=1, cutoff=0.5)
    advice = f"image.path={str(folder / plain[near[0]])!r}" if near else _inside(folder)
    return "no such file", advice


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _inside(folder: Path) -> str:
    """Advice for a user who named the right folder: the first image in it."""
    try:
        images = sorted(entry for entry in folder.iterdir() if entry.suffix.lower() in SUFFIXES)
    except OSError:
        images = []
    return f"image.path={str(images[0])!r}" if images else "image.path=photo.jpg"
