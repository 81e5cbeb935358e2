"""What the numbers mean: docs/scoring.md has the conventions."""

from .score import score

__all__ = ["score"]
