"""What becomes of an interruption that Python or a library swallows."""

import sys

import pytest

from gmmbench.jobs.interrupts import Interrupted, noticed


class Late:
    """An object whose end is an exception, which Python ignores and prints."""

    def __init__(self, error):
        self.error = error

    def __del__(self):
        raise self.error


def test_an_ignored_interruption_is_not_printed_and_another_exception_is(capsys):
    hook = sys.unraisablehook
    with noticed():
        Late(KeyboardInterrupt())
        assert not capsys.readouterr().err
        Late(ValueError("a fault"))
        assert "ValueError: a fault" in capsys.readouterr().err
    assert sys.unraisablehook is hook


def test_an_error_after_an_interruption_is_the_interruption():
    with pytest.raises(KeyboardInterrupt), noticed():
        Interrupted.told = True
        raise ValueError("what a library makes of it")
    Interrupted.told = False
