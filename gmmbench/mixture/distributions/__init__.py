"""Mixtures of Gaussians and of Student's t, with their closed forms."""
