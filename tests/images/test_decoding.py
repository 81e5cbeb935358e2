"""Each silent misread of a valid image has a claim here that it is not made."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from image_files import (
    COLOUR,
    GREY,
    GREY_ALPHA,
    PALETTE,
    chunk,
    colours,
    levels,
    load,
    png,
    sixteen,
    tiff,
    written,
)
from PIL import Image as Pillow
from PIL import ImageCms

from gmmbench import Refused

CORNER = np.array([[0, 90, 180], [30, 120, 210]], dtype=np.uint8)
"""No two pixels alike: every turn and flip of it shows."""

STORED = {
    1: CORNER,
    2: CORNER[:, ::-1],
    3: CORNER[::-1, ::-1],
    4: CORNER[::-1],
    5: CORNER.T,
    6: np.rot90(CORNER),
    7: CORNER[::-1, ::-1].T,
    8: np.rot90(CORNER, -1),
}
"""How a camera stores `CORNER` under each EXIF orientation (row 0 and column 0 as TIFF 6.0 defines)."""


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["png", "tif", "webp"])
def test_every_exif_orientation_is_turned_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{kind}"
    how = {"lossless": True} if kind == "webp" else {}
    Pillow.fromarray(np.ascontiguousarray(STORED[orientation])).save(path, exif=exif, **how)
    assert levels(path) == CORNER.tolist()


def test_a_jpeg_with_orientation_says_that_it_was_turned(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("L", (40, 20), 200).save(tmp_path / "phone.jpg", exif=exif)
    image = load(tmp_path / "phone.jpg", view="levels")
    assert image.values.shape == (40, 20)
    assert any("orientation 6" in note for note in image.notes)


def test_broken_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    Pillow.new("L", (4, 4), 50).save(tmp_path / "odd.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0\x01")
    image = load(tmp_path / "odd.png", view="levels")
    assert (image.values == 50).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_white_whatever_colour_hides_there(tmp_path: Path, mode: str) -> None:
    hidden = {"RGBA": [(0, 0, 0, 0), (0, 0, 0, 255), (0, 0, 0, 51)], "LA": [(0, 0), (0, 255), (0, 51)]}[mode]
    picture = Pillow.new(mode, (3, 1))
    picture.putdata(hidden)
    picture.save(tmp_path / "alpha.png")
    assert levels(tmp_path / "alpha.png") == [[255, 0, 204]]


def test_associated_alpha_of_a_tiff_is_not_applied_twice(tmp_path: Path) -> None:
    values = np.array(
        [[[100, 0, 0, 100], [0, 0, 0, 0]]], dtype=np.uint8
    )  # red at 100/255, already multiplied
    path = tiff(tmp_path / "premultiplied.tif", values, photometric="rgb", extrasamples=["assocalpha"])
    assert colours(path) == [[[255, 155, 155], [255, 255, 255]]]


def test_a_palette_gives_its_colours_not_its_indices(tmp_path: Path) -> None:
    path = written(
        tmp_path / "palette.png",
        png(3, 1, 8, PALETTE, b"\0\0\1\2", chunk(b"PLTE", bytes([9, 8, 7, 60, 50, 40, 200, 100, 0]))),
    )
    assert colours(path) == [[[9, 8, 7], [60, 50, 40], [200, 100, 0]]]


@pytest.mark.parametrize("alphas", [b"\0", b"\0\xff\x80"], ids=["one index", "a table"])
def test_a_transparent_palette_entry_is_white(tmp_path: Path, alphas: bytes) -> None:
    extra = chunk(b"PLTE", bytes([0, 0, 0, 10, 20, 30, 0, 0, 0])) + chunk(b"tRNS", alphas)
    path = written(tmp_path / "clear.png", png(3, 1, 8, PALETTE, b"\0\0\1\2", extra))
    half = 0 if alphas == b"\0" else 127
    assert colours(path) == [[[255] * 3, [10, 20, 30], [half] * 3]]


@pytest.mark.parametrize(
    ("depth", "row", "key", "read"),
    [
        (1, b"\0\x40", 0, [255, 255]),
        (2, b"\0\x1b", 2, [0, 85, 255, 255]),
        (4, b"\0\x0f", 15, [0, 255]),
        (8, b"\0\x07\x09", 7, [255, 9]),
        (16, sixteen(1799, 2313), 1799, [255, 9]),
    ],
)
def test_the_transparent_grey_of_a_png_is_white_at_every_depth(
    tmp_path: Path, depth: int, row: bytes, key: int, read: list[int]
) -> None:
    data = png(len(read), 1, depth, GREY, row, chunk(b"tRNS", struct.pack(">H", key)))
    assert levels(written(tmp_path / "key.png", data)) == [read]


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_of_a_png_is_white(tmp_path: Path, depth: int) -> None:
    scale = 1 if depth == 8 else 257
    key = chunk(b"tRNS", struct.pack(">HHH", 5 * scale, 6 * scale, 7 * scale))
    row = b"\0\5\6\7\1\2\3" if depth == 8 else sixteen(*(v * 257 for v in (5, 6, 7, 1, 2, 3)))
    path = written(tmp_path / "key.png", png(2, 1, depth, COLOUR, row, key))
    assert colours(path) == [[[255] * 3, [1, 2, 3]]]


def test_sixteen_bits_are_scaled_not_cut_off_at_255(tmp_path: Path) -> None:
    samples = [0, 128, 129, 257, 32896, 65535]
    expected = [round(sample / 257) for sample in samples]
    assert levels(written(tmp_path / "grey.png", png(6, 1, 16, GREY, sixteen(*samples)))) == [expected]
    for order in "<>":
        path = tiff(tmp_path / "grey.tif", np.array([samples], dtype=np.uint16), byteorder=order)
        assert levels(path) == [expected]
    pgm = b"P5 6 1 65535\n" + struct.pack(">6H", *samples)
    assert levels(written(tmp_path / "grey.pgm", pgm)) == [expected]


def test_sixteen_bit_colour_and_alpha_are_scaled(tmp_path: Path) -> None:
    row = sixteen(0, 257 * 100, 65535)
    assert colours(written(tmp_path / "c.png", png(1, 1, 16, COLOUR, row))) == [[[0, 100, 255]]]
    row = sixteen(257 * 100, 65535, 0, 0)
    assert levels(written(tmp_path / "a.png", png(2, 1, 16, GREY_ALPHA, row))) == [[100, 255]]


def test_twelve_bit_white_is_white(tmp_path: Path) -> None:
    samples = np.array([[0, 4095], [2048, 1024]], dtype=np.uint16)
    packed = b"".join(
        bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in samples.astype(int).tolist()
    )
    tags = [(256, 2), (257, 2), (258, 12), (259, 1), (262, 1), (273, 8 + 2 + 9 * 12 + 4), (277, 1), (278, 2)]
    tags.append((279, len(packed)))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0" + packed
    assert levels(written(tmp_path / "twelve.tif", data)) == [[0, 255], [128, 64]]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (np.array([[0, 200]], dtype=np.uint8), [255, 55]),
        (np.array([[0, 51400]], dtype=np.uint16), [255, 55]),
        (np.array([[0, 1]], dtype=bool), [255, 0]),
        (np.array([[0.0, 1.0]], dtype=np.float32), [255, 0]),
    ],
    ids=["8 bits", "16 bits", "1 bit", "float"],
)
def test_a_tiff_whose_zero_is_white_is_not_its_negative(
    tmp_path: Path, values: object, read: list[int]
) -> None:
    assert levels(tiff(tmp_path / "fax.tif", values, photometric="miniswhite")) == [read]


def test_floats_in_0_to_1_are_scaled(tmp_path: Path) -> None:
    path = tiff(tmp_path / "float.tif", np.array([[0, 0.5, 1]], dtype=np.float32))
    image = load(path, view="levels")
    assert image.values.tolist() == [[0, 128, 255]]
    assert "floating-point levels 0..1, read as 0..1, quantised to 256" in image.notes


def test_floats_in_0_to_255_are_levels(tmp_path: Path) -> None:
    path = tiff(tmp_path / "float.tif", np.array([[0, 99.6, 255]], dtype=np.float32))
    image = load(path, view="levels")
    assert image.values.tolist() == [[0, 100, 255]]
    assert any("read as 0..255" in note for note in image.notes)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([[0, np.nan]], dtype=np.float32), "NaN or infinite values in 1 of 2 pixels"),
        (np.array([[0, np.inf]], dtype=np.float32), "infinite"),
        (np.array([[-0.5, 1]], dtype=np.float32), "-0.5..1"),
        (np.array([[0, 4000]], dtype=np.float32), "0..4000"),
        (np.array([[-5, 3000]], dtype=np.int16), "signed"),
        (np.array([[-5, 30]], dtype=np.int8), "signed"),
        (np.array([[0, 4_000_000_000]], dtype=np.uint32), "32-bit integers"),
    ],
    ids=["nan", "inf", "negative", "large", "int16", "int8", "uint32"],
)
def test_numbers_that_say_no_black_and_white_are_refused(tmp_path: Path, values: object, said: str) -> None:
    with pytest.raises(Refused, match="expected .*" + said + ".*; try "):
        load(tiff(tmp_path / "odd.tif", values))


@pytest.mark.parametrize("kind", ["jpg", "tif"])
def test_cmyk_keeps_its_colours(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"print.{kind}"
    Pillow.new("RGB", (16, 16), (200, 60, 90)).convert("CMYK").save(path)
    image = load(path, view="colour")
    assert np.abs(image.values.astype(int) - (200, 60, 90)).max() <= 4
    assert any("CMYK" in note for note in image.notes)


def test_lab_keeps_its_colours(tmp_path: Path) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
    picture = ImageCms.applyTransform(Pillow.new("RGB", (4, 4), (200, 60, 90)), to_lab)
    picture.save(tmp_path / "lab.tif")
    assert np.abs(load(tmp_path / "lab.tif", view="colour").values.astype(int) - (200, 60, 90)).max() <= 4


def test_ycbcr_keeps_its_colours(tmp_path: Path) -> None:
    Pillow.new("RGB", (4, 4), (200, 60, 90)).convert("YCbCr").save(tmp_path / "video.tif")
    try:
        image = load(tmp_path / "video.tif", view="colour")
    except Refused:
        pytest.skip("this Pillow cannot read back the YCbCr TIFF that it writes")
    assert np.abs(image.values.astype(int) - (200, 60, 90)).max() <= 4


@pytest.mark.parametrize("kind", ["png", "tif", "bmp", "pbm", "gif"])
def test_one_bit_is_black_and_white(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bits.{kind}"
    Pillow.fromarray(np.array([[True, False], [False, False]])).save(path)
    assert levels(path) == [[255, 0], [0, 0]]


@pytest.mark.parametrize("kind", ["gif", "tif", "png", "webp"])
def test_of_an_animation_the_first_frame_is_read_and_said_so(tmp_path: Path, kind: str) -> None:
    frames = [Pillow.new("L", (5, 4), grey) for grey in (10, 120, 250)]
    how = {"lossless": True} if kind == "webp" else {}
    frames[0].save(tmp_path / f"moving.{kind}", save_all=True, append_images=frames[1:], **how)
    image = load(tmp_path / f"moving.{kind}", view="levels")
    assert (image.values == 10).all()
    assert "the first of 3 frames" in image.notes


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiffs_are_read_and_hashed(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "packed.tif"
    Pillow.fromarray(CORNER).save(path, compression=compression)
    image = load(path, view="levels")
    assert image.values.tolist() == CORNER.tolist()
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_downscaling_averages_before_it_thresholds(tmp_path: Path) -> None:
    stripes = np.full((40, 400), 255, dtype=np.uint8)
    stripes[:, ::2] = 0  # every second pixel would be all black, or all white
    Pillow.fromarray(stripes).save(tmp_path / "stripes.png")
    image = load(tmp_path / "stripes.png", view="levels", max_side=100)
    assert image.values.shape == (10, 100)
    assert np.abs(image.values[:, 3:-3].astype(int) - 128).max() <= 8
    assert "downscaled from 400 x 40 to 100 x 10 pixels" in image.notes


def test_max_side_never_enlarges(tmp_path: Path) -> None:
    Pillow.fromarray(CORNER).save(tmp_path / "small.png")
    assert levels(tmp_path / "small.png", max_side=500) == CORNER.tolist()


def test_a_size_announced_in_the_header_is_refused_before_decoding(tmp_path: Path) -> None:
    # Its pixels are missing altogether: whoever tried to read them would say that it is broken.
    bomb = written(tmp_path / "bomb.png", png(40_000, 30_000, 8, COLOUR, b""))
    with pytest.raises(
        Refused,
        match=r"50,000,000 pixels, got 40,000 x 30,000 = 1,200,000,000; try image.max_pixels=1200000000",
    ):
        load(bomb)


def test_the_cap_is_ours_not_pillows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 3)  # which would warn from 4 pixels and raise from 7
    Pillow.fromarray(CORNER).convert("RGB").resize((10, 10)).save(tmp_path / "a.png")
    assert load(tmp_path / "a.png", view="levels", max_pixels=100).values.shape == (10, 10)
    with pytest.raises(Refused, match="max_pixels"):
        load(tmp_path / "a.png", max_pixels=99)
    assert Pillow.MAX_IMAGE_PIXELS == 3


def test_an_icon_larger_inside_than_its_directory_says_is_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    Pillow.new("RGB", (300, 300)).save(inner, "PNG")
    data = inner.getvalue()
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(data), 22)
    icon = written(tmp_path / "liar.ico", struct.pack("<HHH", 0, 1, 1) + entry + data)
    with pytest.raises(Refused, match="at most 1,000 pixels"):
        load(icon, max_pixels=1000)
