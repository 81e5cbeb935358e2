"""What is seen in an image: ink, colour or levels, by choice or by a decision that is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_files import load
from PIL import Image as Pillow

from gmmbench import Refused
from gmmbench.images.file import File
from gmmbench.images.views import luma, see

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def saved(path: Path, values: np.ndarray) -> Path:
    Pillow.fromarray(values).save(path)
    return path


def test_a_drawing_is_seen_as_ink(tmp_path: Path) -> None:
    values = np.full((20, 20), 250, dtype=np.uint8)
    values[5:9, 5:9] = 8
    image = load(saved(tmp_path / "drawing.png", values))
    assert image.view == "ink"
    assert image.values.sum() == 16
    assert image.notes[0] == "view auto: ink, because 100.0% of the pixels are near black or white"
    assert image.notes[1].startswith("Otsu threshold at level ")
    assert image.notes[1].endswith("16 ink pixels of 400")


def test_a_colour_photo_is_seen_as_colour() -> None:
    image = File(path="pkg://sklearn/datasets/images/china.jpg").load()
    assert (image.name, image.view, image.values.shape) == ("china", "colour", (427, 640, 3))
    assert "coloured" in image.notes[0]


def test_a_grey_photo_is_seen_as_ink_and_the_alternatives_are_named() -> None:
    image = File(path="pkg://skimage/data/camera.png").load()
    assert image.view == "ink"
    assert "image.view=levels" in image.notes[0]
    assert "image.threshold=soft" in image.notes[0]


def test_a_red_stamp_does_not_make_a_letter_colour(tmp_path: Path) -> None:
    values = np.full((100, 100, 3), 255, dtype=np.uint8)
    values[10:40, 20:80] = 0
    values[:9, :9] = (255, 0, 0)  # 0.81 %
    assert load(saved(tmp_path / "letter.png", values)).view == "ink"
    values[:12, :12] = (255, 0, 0)  # 1.44 %
    assert load(saved(tmp_path / "poster.png", values)).view == "colour"


def test_grey_stored_as_colour_is_grey(tmp_path: Path) -> None:
    path = tmp_path / "grey.jpg"
    Pillow.fromarray(np.repeat(RAMP[..., None], 3, axis=2)).resize((64, 64)).save(path, quality=40)
    assert load(path).view == "ink"


def test_luma_is_pillows_and_leaves_grey_alone() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert np.array_equal(luma(colour), np.asarray(Pillow.fromarray(colour).convert("L")))
    assert np.array_equal(luma(np.repeat(RAMP[..., None], 3, axis=2)), RAMP)


def test_a_pixel_at_the_threshold_is_ink() -> None:
    _, ink, notes = see(RAMP, "ink", "99", False)
    assert np.array_equal(ink, RAMP <= 99)
    assert "100 ink pixels of 256" in notes[0]


def test_the_negative_has_ink_where_there_was_none() -> None:
    for threshold in ("otsu", "99", "soft"):
        _, ink, _ = see(RAMP, "ink", threshold, False)
        _, negative, _ = see(RAMP, "ink", threshold, True)
        assert np.allclose(ink + negative, 1)
    for view in ("levels", "colour"):
        assert np.array_equal(see(RAMP, view, "otsu", False)[1], 255 - see(RAMP, view, "otsu", True)[1])


def test_soft_ink_is_darkness() -> None:
    _, ink, _ = see(RAMP, "ink", "soft", False)
    assert ink[0, 0] == 1
    assert ink[-1, -1] == 0
    assert np.allclose(ink, 1 - RAMP / 255)


def test_otsu_parts_two_greys() -> None:
    values = np.where(np.arange(400).reshape(20, 20) % 5 == 0, 60, 180).astype(np.uint8)
    assert see(values, "ink", "otsu", False)[1].sum() == 80


@pytest.mark.parametrize("threshold", ["otsu", "soft", "99"])
@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_page_is_refused(tmp_path: Path, threshold: str, invert: bool, level: int) -> None:
    path = saved(tmp_path / "blank.png", np.full((9, 9), level, dtype=np.uint8))
    said = "nothing but ink" if (level == 0) != invert else "no ink at all"
    with pytest.raises(Refused, match=f"blank.png.*{said}.*every pixel has level {level}"):
        load(path, threshold=threshold, invert=invert)


def test_a_threshold_that_parts_nothing_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "mid.png", (RAMP // 4 + 90).astype(np.uint8))
    with pytest.raises(
        Refused, match=r"no ink at all: its levels are 90..153, .* is 20; try image.threshold=otsu"
    ):
        load(path, threshold="20")
    with pytest.raises(Refused, match="nothing but ink"):
        load(path, threshold="200")
    with pytest.raises(Refused, match="nothing but ink"):
        load(path, threshold="20", invert=True)


def test_a_blank_page_still_has_colour_and_levels(tmp_path: Path) -> None:
    path = saved(tmp_path / "blank.png", np.full((3, 4), 255, dtype=np.uint8))
    assert load(path, view="levels").values.shape == (3, 4)
    assert load(path, view="colour").values.shape == (3, 4, 3)


@pytest.mark.parametrize("threshold", ["otsuu", "-1", "256", "nan", "inf", "", "12,5"])
def test_a_threshold_that_is_none_is_refused(threshold: str) -> None:
    with pytest.raises(
        Refused, match=r"threshold: expected otsu, soft or a grey level 0\.\.255, got .*; try otsu"
    ):
        File(path="x.png", threshold=threshold)


def test_a_misspelt_view_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refused, match="try colour"):
        File(path="x.png", view="color")


@pytest.mark.parametrize(
    "wrong", [{"max_side": 0}, {"max_pixels": 0}, {"max_side": "big"}, {"invert": 1}, {"path": 3}]
)
def test_a_knob_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Refused, match=next(iter(wrong))):
        File(**wrong)  # type: ignore[arg-type]
