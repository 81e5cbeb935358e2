"""Makes the pictures of the README, each by the command beside it.  Run: python docs/make_pictures.py."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent / "pictures"

PICTURES = {
    "dog_grid": "image=dog model=gmm render=grid",
    "butterfly_contour": "image=butterfly model.components=300 render=contour",
    "tiger_sample": "image=tiger model.components=400 render=sample render.sample.sizes=[60000]",
    "horse_lightgbm": "image=horse model=lightgbm render=grid",
    "china_grid": "image=china model.components=1000 render=grid",
    "cat_sample": "image=cat model.components=1000 render=sample "
    "render.sample.sizes=[200000] render.sample.point_size=3",
}
"""Each picture and its command; the file is that of the last word of its name."""


def main() -> None:
    """Run the commands and keep their pictures, small."""
    FOLDER.mkdir(exist_ok=True)
    for name, command in PICTURES.items():
        with tempfile.TemporaryDirectory() as folder:
            run = [sys.executable, "-m", "gmmbench", *command.split(), f"hydra.run.dir={folder}/run"]
            subprocess.run(run, check=True)
            option = next(word for word in command.split() if word.startswith("render=")).partition("=")[2]
            picture = Image.open(Path(folder) / "run" / f"{option}.png")
            picture.thumbnail((480, 480), Image.Resampling.LANCZOS)
            picture.quantize(128).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
