"""The images that can be chosen by name, and real files that are not ours to ship."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from image_files import load

from gmmbench import Image
from gmmbench.images.file import File, gmmbench_images

ROOT = Path(__file__).parents[2]
OPTIONS = sorted((ROOT / "conf" / "image").glob("*.yaml"))
FILES = [option for option in OPTIONS if "name: file " in option.read_text(encoding="utf-8")]
SHARED = ROOT.parent / "shared" / "images"

BUNDLED = {
    "dog": ("ink", (311, 399), 15357),
    "butterfly": ("ink", (749, 799), 183758),
    "tiger": ("ink", (1002, 637), 73434),
    "horse": ("ink", (760, 1200), 92271),
    "china": ("colour", (427, 640, 3), None),
    "flower": ("colour", (427, 640, 3), None),
    "astronaut": ("colour", (512, 512, 3), None),
    "coffee": ("colour", (400, 600, 3), None),
    "cat": ("colour", (300, 451, 3), None),
}


def options_of(option: Path) -> dict[str, object]:
    return dict(yaml.safe_load(option.read_text(encoding="utf-8")))


def test_the_hook_offers_the_class() -> None:
    assert gmmbench_images() == [File]


def test_every_image_promised_has_an_option() -> None:
    assert {option.stem for option in OPTIONS} >= {*BUNDLED, "file"}


@pytest.mark.parametrize("name", BUNDLED)
def test_a_named_image_is_what_it_says(name: str) -> None:
    options = options_of(ROOT / "conf" / "image" / f"{name}.yaml")
    assert options.pop("name") == File.name
    image = File(**options).load()  # type: ignore[arg-type]
    view, shape, ink = BUNDLED[name]
    assert (image.name, image.view, image.values.shape) == (name, view, shape)
    assert ink is None or image.values.sum() == ink


@pytest.mark.parametrize("option", FILES, ids=lambda option: option.stem)
def test_an_option_shows_every_knob_with_a_comment_and_its_default(option: Path) -> None:
    first, *lines = option.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    assert f"python -m gmmbench image={option.stem}" in first
    assert all("  # " in line for line in lines)
    options = options_of(option)
    assert list(options) == ["name", *(field.name for field in dataclasses.fields(File))]
    defaults = dataclasses.asdict(File())
    assert {k: v for k, v in options.items() if k not in ("name", "path")} == {
        k: v for k, v in defaults.items() if k != "path"
    }


def test_what_is_bundled_is_credited() -> None:
    data = ROOT / "gmmbench" / "images" / "data"
    credits = (data / "CREDITS.md").read_text(encoding="utf-8")
    assert all(f"`{picture.name}`" in credits for picture in data.glob("*.png"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of further test images is not beside the project")
class TestSharedImages:
    """Real files with real alpha, sizes and noise."""

    @pytest.mark.parametrize("path", sorted(SHARED.glob("*.[pj][np]g")), ids=lambda path: path.stem)
    def test_each_is_seen_as_what_it_is(self, path: Path) -> None:
        image = load(path, max_side=400)
        assert image.view == ("ink" if path.stem.startswith(("bw", "grey")) else "colour")
        assert max(image.values.shape) <= 400

    def test_the_great_wave_has_its_ink(self) -> None:
        assert load(SHARED / "bw14_great_wave.png").values.sum() == 276781

    def test_soft_alpha_is_composited(self) -> None:
        assert load(SHARED / "bw15_skimage_horse.png").values.sum() == 43412
        tulips: Image = load(SHARED / "col_tulips_alpha.png")
        assert tulips.values[0, 0].min() >= 250  # all but clear; what hides there is darker

    def test_a_photo_of_16_megapixels_can_be_capped_and_shrunk(self) -> None:
        path = SHARED / "col_dandelion_16mp.jpg"
        with pytest.raises(ValueError, match=r"image\.max_pixels=15872256"):
            load(path, max_pixels=10_000_000)
        assert load(path, max_side=1000).values.shape == (562, 1000, 3)
