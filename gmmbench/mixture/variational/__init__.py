"""Variational Bayes for mixtures, finite and infinite."""
