"""Outcomes in, files out, each written completely or not at all; and results cached by content."""
