"""Compiled integrals over cells."""
