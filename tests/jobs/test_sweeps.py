"""Sweeps outlive their jobs: what fails, is late or dies is a row with its reason, on every launcher."""

import csv
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time

import pexpect
import pytest
from faulty_plugin import write

from gmmbench.hydra_config.search_path import composed
from gmmbench.jobs import limits
from gmmbench.jobs.limits import TimedOut, limited
from gmmbench.jobs.progress import Table
from gmmbench.jobs.sweeps import Sweep, jobs_of, threads_of, workers_of

SMALL = ("image=dog", "image.max_side=40", "hydra.sweep.dir=s")


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """The plugin whose model fails as it is told."""
    folder = write(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


def rows(folder):
    with (folder / "s" / "comparison.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_status(folder):
    found = {}
    for row in rows(folder):
        found.setdefault(row["status"], []).append(row)
    return found


@pytest.mark.parametrize(
    "launcher",
    [(), ("hydra/launcher=workers",), ("hydra/launcher=submitit_local",)],
    ids=["basic", "joblib", "submitit"],
)
def test_one_job_fails_and_one_is_killed_among_good_ones(command, faulty, tmp_path, launcher):
    done = command("-m", "model=faulty", "model.how=fine,raise,kill", "seed=0", *SMALL, *launcher)
    found = by_status(tmp_path)
    assert done.returncode == 1
    assert {status: len(of) for status, of in found.items()} == {"ranked": 1, "crashed": 1, "died": 1}
    assert "ValueError: as it was told" in found["crashed"][0]["reason"]
    assert "model.how=kill" in found["died"][0]["overrides"]
    assert "its process" in found["died"][0]["reason"]
    assert "some jobs of the sweep failed" in done.stderr
    assert done.stderr.count("as it was told") == 1  # said once, however often the sweep was started
    assert done.stdout.count("gains") == 1
    assert not [
        path
        for path in (tmp_path / "s").iterdir()
        if path.name.startswith(".") and "submitit" not in path.name
    ]


def test_the_signal_that_ended_a_job_is_named_and_the_command_may_be_repeated(command, faulty, tmp_path):
    words = ("-m", "model=faulty", "model.how=kill,fine", "seed=0,1", *SMALL)
    first = command(*words)
    assert first.stderr.count("ended by signal 9, SIGKILL (often for want of memory)") == 2
    assert first.stdout.count("gains") == 2
    again = command(*words)
    assert again.returncode == 1
    assert again.stdout.count("done already") == 2
    assert {status: len(of) for status, of in by_status(tmp_path).items()} == {"ranked": 2, "died": 2}


def test_jobs_that_are_late_or_want_too_much_memory_are_rows(command, faulty, tmp_path):
    done = command("-m", "model=faulty", "model.how=sleep,memory,fine", "timeout=2", *SMALL)
    found = by_status(tmp_path)
    assert done.returncode == 1
    assert {status: len(of) for status, of in found.items()} == {"ranked": 1, "timeout": 1, "memory": 1}
    assert "expected an end within 2 s" in found["timeout"][0]["reason"]
    assert "expected enough memory" in found["memory"][0]["reason"]


def test_a_run_alone_has_a_limit_too_and_leaves_nothing(command, faulty, tmp_path):
    done = command("model=faulty", "model.how=sleep", "timeout=1", "image.max_side=40", "hydra.run.dir=out")
    assert done.returncode == 1
    assert done.stderr.startswith("gmmbench: timeout: expected an end within 1 s")
    assert not (tmp_path / "out").exists()


def test_a_job_that_lets_no_exception_in_ends_with_its_process(tmp_path):
    code = (
        "import signal, time\nfrom gmmbench.jobs import limits\nlimits.GRACE = 0.2\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "with limits.limited(0.2, lambda: print('last words', flush=True)): time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (limits.GONE, "last words\n")


def test_a_limit_interrupts_what_is_late_and_nothing_else():
    with limited(60, lambda: None):
        pass
    with limited(None, lambda: None):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    with pytest.raises(TimedOut), limited(0.05, lambda: None):
        try:
            time.sleep(30)
        except Exception:  # a stranger's renderer
            pytest.fail("a late job must not be taken for a failure of a part of it")


def test_a_sweep_ends_when_it_is_told_from_outside(faulty, tmp_path):
    words = [sys.executable, "-m", "gmmbench", "-m", "model=faulty", "model.how=sleep", "seed=0,1", *SMALL]
    sweep = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("s/.*.tmp-*/running.json")):
        assert time.monotonic() < deadline, "no job began"
        time.sleep(0.05)
    sweep.send_signal(signal.SIGTERM)
    _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    assert "interrupted; no file was left half-written" in said
    assert not list(tmp_path.glob("s/.*.tmp-*"))


def test_a_terminal_shows_what_runs_and_how_many_are_done(faulty, tmp_path):
    words = ["-m", "gmmbench", "-m", "model=faulty", "model.how=fine,raise,kill", "seed=0", *SMALL]
    child = pexpect.spawn(
        sys.executable, words, cwd=str(tmp_path), timeout=120, encoding="utf-8", dimensions=(30, 200)
    )
    child.expect("0 of 3 done")
    child.expect(r"1 of 3 done, about \d+ s left")
    child.expect(r"\d s  model=faulty model.how=kill")
    child.expect("3 of 3 done, 2 failed")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1


def test_each_line_of_a_sweep_says_how_many_are_to_come(command, tmp_path):
    done = command("-m", "model=uniform", "seed=0,1,2", *SMALL)
    lines = [line for line in done.stdout.splitlines() if line.startswith("job ")]
    assert "(1 of 3, about" in lines[0]
    assert "(2 of 3, about" in lines[1]
    assert " of 3" not in lines[2]


def test_a_table_counts_jobs_by_their_last_lines(tmp_path):
    table = Table()
    table.jobs = 4
    for line in ("job 0 (a): gmm gains", "job 1 (b): failed: no", "comparison: x", "job (c): failed: died"):
        table.hear(line)
    assert (table.done, table.failed) == (1, 2)


def test_the_length_of_a_grid_is_counted_and_that_of_a_search_is_unknown():
    assert jobs_of(["model=gmm,bgmm", "seed=range(0,5)", "image=dog"], {}) == 10
    assert (
        jobs_of(["seed=0,1"], {"model": "gmm,bgmm,uniform", "seed": "0,1,2"}) == 6
    )  # the command line counts
    assert jobs_of(["render=[grid,sample]"], {}) == 1
    assert jobs_of(["model.components=interval(1,9)"], {}) is None


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.setattr("gmmbench.jobs.sweeps.cores", lambda: 8)
    assert threads_of({}) is None
    assert [threads_of({"n_jobs": n}) for n in (1, 2, 3, -1, -2, 99)] == [8, 4, 2, 1, 1, 1]
    assert [workers_of({"n_jobs": n}) for n in (1, 3, -1, -2)] == [1, 3, 8, 7]
    assert threads_of({"cpus_per_task": 4}) == 4
    assert threads_of({"cpus_per_task": None}) == 1
    assert threads_of({"ray": {"remote": {"num_cpus": 2}}}) == 2
    assert threads_of({"ray": {"remote": None}}) == 1


def test_a_suspect_has_no_job_beside_it(tmp_path):
    sweep, seen = Sweep("x", 1, alone=("suspect",)), []

    def work(name):
        with sweep.turn(tmp_path, name):
            seen.append(("in", name))
            time.sleep(0.2)
            seen.append(("out", name))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "suspect", "two")]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    at = seen.index(("in", "suspect"))
    assert seen[at + 1] == ("out", "suspect")
    assert sum(step == "in" for step, _ in seen[:at]) == sum(step == "out" for step, _ in seen[:at])


@pytest.mark.parametrize(
    ("word", "extra"),
    [
        ("hydra/sweeper=search", "optuna"),
        ("hydra/launcher=ray_workers", "ray"),
        ("hydra/launcher=ray", "ray"),
    ],
)
def test_what_is_not_installed_is_named_with_the_extra_that_brings_it(command, word, extra):
    if importlib.util.find_spec(extra) is not None:
        pytest.skip(f"{extra} is installed")
    done = command("-m", word, "seed=0")
    assert done.returncode == 2
    assert f"try pip install 'gmmbench[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cluster_is_asked_for_what_the_words_say():
    words = ["hydra/launcher=cluster", "hydra.launcher.cpus_per_task=8", "hydra.launcher.partition=long"]
    launcher = composed(words).hydra.launcher
    assert launcher._target_.endswith("SlurmLauncher")
    asked = {key: launcher[key] for key in ("cpus_per_task", "partition", "mem_gb", "timeout_min")}
    assert asked == {"cpus_per_task": 8, "partition": "long", "mem_gb": 8, "timeout_min": 120}
    assert threads_of(launcher) == 8


@pytest.mark.optuna
def test_optuna_looks_for_the_highest_score(command, tmp_path):
    done = command(
        "-m", "hydra/sweeper=search", "hydra.sweeper.n_trials=4", "model.components=choice(2,30)", *SMALL
    )
    assert done.returncode == 0, done.stderr
    best = (tmp_path / "s" / "optimization_results.yaml").read_text()
    assert "model.components: 30" in best
    top = max(float(row["skill_held_out"]) for row in rows(tmp_path))
    assert f"best_value: {top}" in best


@pytest.mark.ray
def test_ray_runs_the_jobs_and_outlives_one_that_fails(command, faulty, tmp_path):
    done = command("-m", "hydra/launcher=ray_workers", "model=faulty", "model.how=fine,raise", *SMALL)
    assert done.returncode == 1
    assert {status: len(of) for status, of in by_status(tmp_path).items()} == {"ranked": 1, "crashed": 1}
