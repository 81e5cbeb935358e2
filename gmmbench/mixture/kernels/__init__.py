"""The compiled loops of the engine. Importing this package loads numba, so only the engine imports it."""
