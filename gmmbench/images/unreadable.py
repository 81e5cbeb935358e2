"""Unreadable: the reason why a file cannot be read as requested."""

from __future__ import annotations


class Unreadable(Exception):  # noqa: N818 - named like Refused
    """What was expected, what the file is, and what to try: the parts of one line."""

    def __init__(self, got: str, advice: str, expected: str = "an image file") -> None:
        super().__init__(got, advice, expected)
        self.got, self.advice, self.expected = got, advice, expected

    def __str__(self) -> str:
        line = f"expected {self.expected}, got {self.got}; try {self.advice}"
        return " ".join(line.split())  # the message of a decoder may contain line breaks
