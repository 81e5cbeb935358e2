"""Unreadable: why a file cannot be the image that was asked for."""

from __future__ import annotations


class Unreadable(Exception):  # noqa: N818 - like Refused, it says what happened
    """What was expected of a file, what it turned out to be, and what to try: parts of one line."""

    def __init__(self, got: str, advice: str, expected: str = "an image file") -> None:
        super().__init__(got, advice, expected)
        self.got, self.advice, self.expected = got, advice, expected

    def __str__(self) -> str:
        line = f"expected {self.expected}, got {self.got}; try {self.advice}"
        return " ".join(line.split())  # a reader's own message may hold line breaks
