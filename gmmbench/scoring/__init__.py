"""A fit and its image in, scores out: what the numbers mean (docs/scoring.md)."""
