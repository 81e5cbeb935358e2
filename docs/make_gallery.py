"""Makes the gallery: runs every preset, saves a small copy of its picture, and writes docs/gallery.md.

python docs/make_gallery.py               all presets
python docs/make_gallery.py post_points   some presets; with --page only the page
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from PIL import Image, ImageSequence

import gmmbench
from gmmbench import registry
from gmmbench.hydra_config import presets

PAGE = Path(__file__).parent / "gallery.md"
FOLDER = Path(__file__).parent / "gallery"
FACTS = FOLDER / "facts.json"
WHOLE = "the whole"
"""The key of the time that all presets took."""
NOTES = Path(__file__).parent / "gallery_notes.yaml"

MOST = 250_000
"""The largest size of a picture, bytes."""

OWN = "post_butterfly_grid"
"""The preset that is shown with a file of the reader."""

SIDES = (960, 800, 680, 560, 460, 380)
"""Longer sides in pixels, tried in order until a picture is small enough; animations skip the first two."""

Facts = dict[str, dict[str, Any]]

SECTIONS: dict[str, tuple[str, ...]] = {
    "Weights make densities": ("post_mixture_1d_weights",),
    "A histogram, its components and their sum": ("post_mixture_1d", "post_photo_levels"),
    "How a mixture is sampled": ("post_sampling_1d", "post_sampling", "post_dog_sampling"),
    "Two Gaussians in the plane": ("post_clusters_contour", "post_circles_contour"),
    "Slices are mixtures, too": ("post_slices", "post_dog_slices"),
    "Ink as data": ("post_points",),
    "Contours": ("post_dog_contour", "post_butterfly_contour", "post_wave_contour"),
    "Pictures made of samples": ("post_dog_samples", "post_butterfly_samples", "post_wave_samples"),
    "Density as darkness": ("post_dog_grid", "post_butterfly_grid", "post_wave_grid"),
    "Another tone curve": ("post_butterfly_mapping", "post_wave_mapping"),
    "Colour": ("post_channels", "post_colour_samples", "post_colour_grid"),
    "Boosted trees: a classifier and a regression": ("post_lightgbm", "post_colour_lightgbm"),
    "How many Gaussians?": ("post_bayesian", "post_infinite"),
}
"""The presets in the order of the essay."""


def main(words: list[str]) -> None:
    """Run the named presets, or all, and write the page."""
    FOLDER.mkdir(exist_ok=True)
    facts: Facts = json.loads(FACTS.read_text(encoding="utf-8")) if FACTS.exists() else {}
    known = [name for names in SECTIONS.values() for name in names]
    if "--page" not in words:
        begun = time.perf_counter()
        for name in words or known:
            facts[name] = drawn(name)
            print(f"{name}: {facts[name]['seconds']} s, {facts[name]['bytes']:,} bytes", flush=True)
        kept = {name: facts[name] for name in known if name in facts}
        if not words:  # all presets: record how long they take
            spent = resource.getrusage(resource.RUSAGE_CHILDREN)
            minutes = (time.perf_counter() - begun, spent.ru_utime + spent.ru_stime)
            facts[WHOLE] = dict(zip(("minutes", "of_cpu"), (round(m / 60, 1) for m in minutes), strict=True))
            facts[WHOLE]["load"] = round(os.getloadavg()[2], 1)
        kept = {WHOLE: facts[WHOLE], **kept}
        FACTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        for file in (
            set(FOLDER.iterdir())
            - {FACTS}
            - {FOLDER / fact["file"] for fact in kept.values() if "file" in fact}
        ):
            file.unlink()
    PAGE.write_text(page(facts), encoding="utf-8")


def drawn(name: str) -> dict[str, Any]:
    """Run a preset as a user would, and save the last of its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        run = [
            sys.executable,
            "-m",
            "gmmbench",
            f"+experiment={name}",
            f"hydra.run.dir={folder}/run",
            "store.use=false",
        ]
        started = time.perf_counter()
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        made = Path(folder) / "run"
        report = gmmbench.Report.from_json((made / "report.json").read_bytes())
        picture = report.pictures[-1]
        animated = [file for file in picture.animations if file.endswith(".webp")]
        photo = report.image.view == "colour"
        data = moving(made / animated[0]) if animated else still(made / picture.file, photo)
    file = f"{name}.webp" if animated or photo else f"{name}.png"
    (FOLDER / file).write_bytes(data)
    return {
        "file": file,
        "bytes": len(data),
        "seconds": round(seconds, 1),
        "caption": picture.caption,
        "headline": report.headline(),
    }


def still(path: Path, photo: bool) -> bytes:
    """A picture at the largest size that is small enough: a drawing as PNG, a photo as WebP."""
    for side in SIDES:
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        data = io.BytesIO()
        if photo:
            picture.save(data, "WEBP", quality=85, method=6)
        else:
            picture.quantize(192, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
        if data.tell() <= MOST:
            break
    return data.getvalue()


def moving(path: Path) -> bytes:
    """An animation as WebP, at the largest size that is small enough."""
    source = Image.open(path)
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(source)]
    shown = [frame.info.get("duration", 100) for frame in ImageSequence.Iterator(source)]
    for side in SIDES[2:]:
        small = [frame.copy() for frame in frames]
        for frame in small:
            frame.thumbnail((side, side), Image.Resampling.LANCZOS)
        data = io.BytesIO()
        more = {"duration": shown, "loop": 0, "quality": 60, "method": 4}
        small[0].save(data, "WEBP", save_all=True, append_images=small[1:], **more)
        if data.tell() <= MOST:
            break
    return data.getvalue()


def page(facts: Facts) -> str:
    """The page: every preset with its picture, its command, its caption and its score."""
    known = registry.load().experiments
    notes = yaml.safe_load(NOTES.read_text(encoding="utf-8"))
    whole = facts[WHOLE]
    size = sum(fact.get("bytes", 0) for fact in facts.values())
    lines = [
        "# Gallery",
        "",
        "These are the pictures of the essay that this project starts from. One command draws each of them,",
        "in the sizes of the essay: 500 Gaussians for ink, 1000 for colour. A preset of an image file also",
        "draws a file of yours:",
        "",
        "```sh",
        f"python -m gmmbench +experiment={OWN} image.path=photo.jpg image.max_side=300 model.components=80",
        "```",
        "",
        "[walkthrough.md](walkthrough.md) explains the pictures. This page and its",
        f"{len(facts) - 1} pictures ({size / 1e6:.1f} MB, reduced in size) are written by",
        f"`python docs/make_gallery.py`. All presets, one after another, took {whole['minutes']} minutes",
        f"({whole['of_cpu']} minutes of CPU time) on a busy machine with 2 cores (load {whole['load']}),",
        "in a clean clone, so that the time includes the compilation of kernels.",
    ]
    for title, names in SECTIONS.items():
        lines += ["", f"## {title}"]
        for name in names:
            fact = facts[name]
            lines += [
                "",
                f"### {known[name].summary.rstrip('.')}",
                "",
                f"![{known[name].summary.rstrip('.')}](gallery/{fact['file']})",
                "",
                f"`python -m gmmbench +experiment={name}` ({fact['seconds']:.0f} s), short for",
                f"`{presets.in_shell(presets.choices(name), presets.settings(name))}`",
                "",
                fact["caption"],
                *(["", fact["headline"]] if "no score" not in fact["headline"] else []),
            ]
    lines += ["", "## What could still improve", "", "What we see when we look at each picture:"]
    lines += ["", *(f"- `{name}`: {notes[name]}" for names in SECTIONS.values() for name in names)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
