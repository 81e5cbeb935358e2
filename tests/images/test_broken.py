"""Broken files either load or are refused in one line: no other error, no warning, nothing printed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from image_files import load, written
from PIL import Image as Pillow

from gmmbench import Refused

SPOILT_COPIES = 150
"""Of each kind; with 12 kinds that is some 1800 files in a few seconds."""


def photo(mode: str) -> Pillow.Image:
    values = np.random.default_rng(1).integers(0, 256, (12, 17, 3), dtype=np.uint8)
    return Pillow.fromarray(values).resize((34, 24), Pillow.Resampling.BICUBIC).convert(mode)


def encoded(kind: str, mode: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    photo(mode).save(buffer, kind, **how)
    return buffer.getvalue()


def animation() -> bytes:
    buffer = io.BytesIO()
    photo("P").save(buffer, "GIF", save_all=True, append_images=[photo("P").rotate(9), photo("P").rotate(20)])
    return buffer.getvalue()


def with_exif() -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"
    return encoded("JPEG", "RGB", exif=exif)


KINDS = {
    "png": encoded("PNG", "RGB"),
    "png palette": encoded("PNG", "P"),
    "png alpha": encoded("PNG", "RGBA"),
    "jpeg": with_exif(),
    "jpeg progressive": encoded("JPEG", "L", progressive=True),
    "gif": animation(),
    "tiff": encoded("TIFF", "RGB"),
    "tiff lzw": encoded("TIFF", "L", compression="tiff_lzw"),
    "bmp": encoded("BMP", "RGB"),
    "webp": encoded("WEBP", "RGBA"),
    "ico": encoded("ICO", "RGBA"),
    "tga": encoded("TGA", "RGB", compression="tga_rle"),
}


def load_or_refused(path: Path) -> bool:
    try:
        # Headers may announce anything: the cap keeps a test from decoding 50 megapixels of nothing.
        image = load(path, max_pixels=1_000_000, threshold="soft")
    except Refused as refused:
        line = str(refused)
        assert "\n" not in line
        assert line.startswith(f"image.path={str(path)!r}: expected ")
        assert ", got " in line
        assert "; try " in line
        return False
    assert np.isfinite(image.values).all()
    assert not any("\n" in note for note in image.notes)
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_file_loads(tmp_path: Path, kind: str) -> None:
    assert load_or_refused(written(tmp_path / "whole", KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_loads_or_is_refused(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = KINDS[kind]
    for end in np.unique(np.linspace(1, len(data) - 1, SPOILT_COPIES).astype(int)):
        load_or_refused(written(tmp_path / "cut", data[:end]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_scrambled_file_loads_or_is_refused(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(7)
    for trial in range(SPOILT_COPIES):
        spoilt = np.frombuffer(KINDS[kind], dtype=np.uint8).copy()
        # Half of the trials spoil the header alone, where most of the decisions are made.
        reach = min(len(spoilt), 80) if trial % 2 else len(spoilt)
        where = rng.integers(0, reach, size=rng.integers(1, 9))
        spoilt[where] = rng.integers(0, 256, size=len(where))
        load_or_refused(written(tmp_path / "scrambled", spoilt.tobytes()))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "tiff", "webp"])
def test_half_a_picture_is_refused_not_filled_with_grey(tmp_path: Path, kind: str) -> None:
    data = KINDS[kind]
    assert not load_or_refused(written(tmp_path / "half", data[: len(data) * 6 // 10]))
