"""Mixtures of experts: lines under Gaussian gates, fitted to what they predict (Jacobs and others 1991)."""
