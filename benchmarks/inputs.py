"""The inputs of the benchmark's jobs (points and saved mixtures), and their peak memory."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np


def picture(path: str | None, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Every step-th pixel of a picture (or of china) as points (n, 5), and the floor of its cells."""
    if path is None:
        from sklearn.datasets import load_sample_image

        image = load_sample_image("china.jpg")
    else:
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = None
        image = np.asarray(Image.open(path).convert("RGB"))
    image = image[::step, ::step]
    height, width, _ = image.shape
    side = max(height, width)
    points = np.empty((height, width, 5))
    points[:, :, 0] = (np.arange(width) + 0.5) / side
    points[:, :, 1] = (np.arange(height)[:, None] + 0.5) / side
    for channel in range(3):
        points[:, :, 2 + channel] = (image[:, :, channel] + 0.5) / 256
    return points.reshape(-1, 5), np.array([side**-2.0] * 2 + [256**-2.0] * 3) / 12


def scaled(job: dict[str, Any]) -> np.ndarray:
    """The picture's points in units of their floor's standard deviation; `rows` of them at random."""
    points, covariance_floor = picture(job.get("path"), job["step"])
    if job.get("rows"):
        points = points[np.sort(np.random.default_rng(0).choice(len(points), job["rows"], replace=False))]
    return points / np.sqrt(covariance_floor)


def ink(rows: int | None) -> np.ndarray:
    """The butterfly's ink as points (n, 2), a pixel being 1 x 1; `rows` of them at random."""
    from gmmbench.images.file import File

    values = File(path="pkg://gmmbench/images/data/butterfly.png").load().values
    points = np.argwhere(np.asarray(values) > 0)[:, ::-1] + 0.5
    return points if rows is None else points[np.random.default_rng(0).permutation(len(points))[:rows]]


def peak() -> float:
    """Peak memory of this process, GB. (ru_maxrss may be the parent's, from before the exec.)"""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e9
    return largest(resource.RUSAGE_SELF)


def largest(who: int) -> float:
    """The peak memory of this process or of its children, as the system records it, GB."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def saved(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and covariances of a start, in units of the floor."""
    with np.load(path) as kept:
        return kept["weights"], kept["means"], kept["covariances"]
