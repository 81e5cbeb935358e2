"""Bytes in, files out: each written whole or not at all; and fits cached by content."""
