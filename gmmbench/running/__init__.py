"""A run in, an outcome out: load, split, fit, score and draw; writes no file."""
