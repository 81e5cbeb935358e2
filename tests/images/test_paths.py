"""Whatever a user types as image.path is opened, or refused in one line that helps."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from image_files import load, png, written
from PIL import Image as Pillow

from gmmbench import Refused

NAMES = [
    "two words.png",
    "a[1]{2}(3).png",
    "key=value.png",
    "one,two.png",
    "déjà vu.png",
    "日本.png",
    "#hash.png",
    "100%.png",
    "quo'te\".png",
    "${path}.png",
    "no suffix",
    "pkg:png",
]


def drawing(path: Path) -> Path:
    Pillow.fromarray(np.array([[0, 255], [255, 255]], dtype=np.uint8)).save(path, "PNG")
    return path


def refusal(path: Path | str) -> str:
    with pytest.raises(Refused) as caught:
        load(path)
    line = str(caught.value)
    assert line.startswith("image.path=")
    assert "\n" not in line
    assert ": expected " in line
    assert ", got " in line
    assert "; try " in line
    return line


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_as_typed(tmp_path: Path, name: str) -> None:
    image = load(drawing(tmp_path / name))
    assert image.name == Path(name).stem
    assert image.values.tolist() == [[1, 0], [0, 0]]


def test_a_relative_path_is_relative_to_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing(tmp_path / "here.png")
    monkeypatch.chdir(tmp_path)
    assert load("here.png").name == "here"


def test_a_tilde_is_the_home_folder_unless_it_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    drawing(tmp_path / "mine.png")
    assert load("~/mine.png").name == "mine"
    monkeypatch.chdir(tmp_path)
    assert load(drawing(Path("~odd.png"))).name == "~odd"
    assert "no such" in refusal("~nobody-has-this-name/x.png")


@pytest.mark.parametrize(("typed", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_match_however_they_are_composed(tmp_path: Path, typed: str, stored: str) -> None:
    drawing(tmp_path / unicodedata.normalize(stored, "été.png"))
    assert load(tmp_path / unicodedata.normalize(typed, "été.png")).values.sum() == 1


def test_a_missing_file_suggests_the_nearest_in_its_folder(tmp_path: Path) -> None:
    drawing(tmp_path / "holiday.png")
    drawing(tmp_path / "zebra.png")
    assert "no such file" in refusal(tmp_path / "holidy.png")
    assert "try image.path='" + str(tmp_path / "holiday.png") in refusal(tmp_path / "HOLIDAY.PNG")


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "no such folder" in refusal(tmp_path / "nowhere" / "x.png")


def test_a_file_used_as_a_folder_is_refused(tmp_path: Path) -> None:
    refusal(drawing(tmp_path / "a.png") / "b.png")


def test_no_path_at_all_says_what_to_type() -> None:
    assert refusal("").endswith("expected the name of an image file, got nothing; try image.path=photo.jpg")
    refusal("  ")


def test_a_folder_is_refused_with_an_image_of_it(tmp_path: Path) -> None:
    drawing(tmp_path / "inside.png")
    assert "got a folder; try image.path='" + str(tmp_path / "inside.png") in refusal(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "empty file" in refusal(written(tmp_path / "none.png", b""))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    lines: list[str] = []
    asking = threading.Thread(target=lambda: lines.append(refusal(tmp_path / "x.png")), daemon=True)
    asking.start()
    asking.join(timeout=10)
    assert "a pipe, socket or device" in lines[0]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_is_refused_without_reading_it() -> None:
    assert "a pipe, socket or device" in refusal("/dev/zero")


@pytest.mark.parametrize("name", ["nul\0l.png", "x" * 5000 + ".png"])
def test_impossible_names_are_refused(name: str) -> None:
    refusal(name)


@pytest.mark.parametrize("data", [b"hello, I am a letter\n" * 40, b"<svg></svg>", b"%PDF-1.4\n", bytes(300)])
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes) -> None:
    refusal(written(tmp_path / "not.png", data))


def test_postscript_is_refused_not_run(tmp_path: Path) -> None:
    refusal(
        written(
            tmp_path / "x.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
        )
    )


def test_a_picture_without_pixels_is_refused(tmp_path: Path) -> None:
    refusal(written(tmp_path / "zero.png", png(0, 0, 8, 0, b"")))
    refusal(written(tmp_path / "zero.gif", b"GIF89a" + bytes(7) + b"\x2c" + bytes(9) + b"\x02\x00;"))


def test_a_file_inside_a_package_is_found_without_importing_it() -> None:
    code = (
        "import sys; from gmmbench.images.locate import locate\n"
        "print(locate('pkg://skimage/data/chelsea.png#cat')[1])\n"
        "print('skimage' in sys.modules, 'PIL' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["cat", "False", "False"]


def test_a_package_path_that_leads_nowhere_is_refused() -> None:
    assert "no installed package 'no_such_package'" in refusal("pkg://no_such_package/x.png")
    assert "astronaut.png" in refusal("pkg://skimage/data/astronot.png")
    for path in ("pkg://", "pkg:///x.png", "pkg://sys/x.png", "pkg://skimage", "pkg://a.b/x.png"):
        refusal(path)
