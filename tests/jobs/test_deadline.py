"""A deadline interrupts what is late, at whatever moment, and nothing else."""

import random
import signal
import subprocess
import sys
import time

import pytest

from gmmbench.jobs.deadline import Deadline, TimedOut
from gmmbench.jobs.job import late

UNARMED = (0, 0)


def test_a_deadline_interrupts_what_is_late_and_nothing_else():
    before = signal.getsignal(signal.SIGALRM)
    assert Deadline(60).run(lambda: 1) == 1
    assert Deadline(None).run(lambda: 2) == 2
    assert signal.getitimer(signal.ITIMER_REAL) == UNARMED

    def work():
        try:
            time.sleep(30)
        except Exception:  # a stranger's renderer
            pytest.fail("a late job must not be taken for a failure of a part of it")

    with pytest.raises(TimedOut):
        Deadline(0.05).run(work)
    assert signal.getitimer(signal.ITIMER_REAL) == UNARMED
    assert signal.getsignal(signal.SIGALRM) is before


@pytest.mark.parametrize("seconds", [1e-300, 1e-9, 1e-6, 1e-5, 1e-4])
def test_a_tiny_timeout_is_a_timeout(seconds):
    for _ in range(200):
        deadline = Deadline(seconds)
        with pytest.raises(TimedOut):
            deadline.run(lambda: time.sleep(2e-4))
        with pytest.raises(TimedOut):
            deadline.run(lambda: pytest.fail("the seconds are over"))
    assert signal.getitimer(signal.ITIMER_REAL) == UNARMED


def test_an_alarm_while_it_is_set_or_taken_away_is_a_timeout_and_leaves_nothing_behind():
    """The work takes about as long as it may: the alarm rings anywhere."""
    before, draw, seen = signal.getsignal(signal.SIGALRM), random.Random(0), set()
    for _ in range(3000):
        try:
            assert Deadline(4e-5 * draw.random()).run(lambda: 3) == 3
            seen.add("done")
        except TimedOut:
            seen.add("late")
        assert signal.getitimer(signal.ITIMER_REAL) == UNARMED
        assert signal.getsignal(signal.SIGALRM) is before
    assert seen == {"done", "late"}


def test_an_alarm_while_another_exception_is_on_its_way_leaves_nothing_behind():
    before, draw = signal.getsignal(signal.SIGALRM), random.Random(0)
    for _ in range(2000):
        with pytest.raises((TimedOut, ZeroDivisionError)):
            Deadline(4e-5 * draw.random()).run(lambda: 1 / 0)
        assert signal.getitimer(signal.ITIMER_REAL) == UNARMED
        assert signal.getsignal(signal.SIGALRM) is before


def test_no_import_is_interrupted(tmp_path, monkeypatch):
    """Half a module would break the runs that follow in the same process."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(0.2)\nwhole = True\n")
    seen = []

    def work():
        import slow_module

        seen.append(slow_module.whole)
        time.sleep(30)

    with pytest.raises(TimedOut):
        Deadline(0.05).run(work)
    assert seen == [True]
    assert signal.getitimer(signal.ITIMER_REAL) == UNARMED


@pytest.mark.parametrize("seconds", [1e8, 1e10, 1e300, float("inf")])
def test_more_seconds_than_the_system_counts_are_many(seconds):
    assert Deadline(seconds, lambda: None).run(lambda: 4) == 4
    assert signal.getitimer(signal.ITIMER_REAL) == UNARMED


def test_a_run_that_lets_no_exception_in_ends_with_its_process():
    code = (
        "import signal, time\nfrom gmmbench.jobs import deadline\ndeadline.GRACE = 0.2\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "end = deadline.Deadline(0.2, lambda: print('said at the end', flush=True))\n"
        "end.run(lambda: time.sleep(60))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "said at the end\n")


def test_the_line_of_a_late_run_says_what_to_try():
    assert late(1e-6) == (
        "timeout: expected an end within 1e-06 s, got none; try a larger timeout, or fewer components"
    )
