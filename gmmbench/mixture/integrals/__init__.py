"""Masses of mixtures in cells: of a lattice, of levels and of colours."""
