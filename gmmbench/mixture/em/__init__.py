"""Expectation-maximisation on the compiled kernels."""
