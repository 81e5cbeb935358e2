"""What the numbers mean: docs/scoring.md has the conventions."""

from .whole import score

__all__ = ["score"]
