"""The compiled loops of the engine; importing this package loads numba, so only the engine does it."""
