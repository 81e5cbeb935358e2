"""Sweeps outlive their jobs: what fails, is late or dies is a row with its reason, on every launcher."""

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest
from faulty_plugin import write
from job_lines import gained

from gmmbench.errors import Refused
from gmmbench.hydra_config.search_path import composed
from gmmbench.jobs.cluster import Cluster
from gmmbench.jobs.launcher import Local, task_of, total_of, workers_of
from gmmbench.jobs.pool import Pool
from gmmbench.jobs.progress import Progress
from gmmbench.jobs.ray_workers import RayWorkers
from gmmbench.jobs.worker import Answer, Task

SMALL = ("image=dog", "image.max_side=40", "hydra.sweep.dir=s")
TWO = "hydra.launcher.workers=2"
SUBMITIT = ("hydra/launcher=cluster", "hydra.launcher.cluster=local")
RAY = ("hydra/launcher=ray_workers",)
LAUNCHERS = pytest.mark.parametrize(
    "launcher",
    [
        pytest.param((), id="one"),
        pytest.param((TWO,), id="two"),
        pytest.param(SUBMITIT, id="submitit"),
        pytest.param(RAY, id="ray", marks=pytest.mark.ray),
    ],
)


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


@LAUNCHERS
def test_one_job_fails_and_one_is_killed_among_good_ones(command, faulty, tmp_path, launcher):
    done = command("-m", "model=faulty", "model.how=fine,raise,kill", "seed=0", *SMALL, *launcher)
    found = by_status(tmp_path)
    assert done.returncode == 1
    assert {status: len(of) for status, of in found.items()} == {"ranked": 1, "crashed": 1, "died": 1}
    assert "ValueError: as it was told" in found["crashed"][0]["reason"]
    assert "model.how=kill" in found["died"][0]["overrides"]
    assert "its process" in found["died"][0]["reason"]
    assert "some jobs of the sweep failed" in done.stderr
    assert done.stderr.count("as it was told") == 1
    assert len(gained(done.stdout)) == 1
    assert not [
        path
        for path in (tmp_path / "s").iterdir()
        if path.name.startswith(".") and "submitit" not in path.name
    ]


def test_the_signal_that_ended_a_job_is_named_and_the_command_may_be_repeated(command, faulty, tmp_path):
    words = ("-m", "model=faulty", "model.how=kill,fine", "seed=0,1", *SMALL)
    first = command(*words)
    assert first.stderr.count("ended by signal 9, SIGKILL (often for want of memory)") == 2
    assert len(gained(first.stdout)) == 2
    again = command(*words)
    assert again.returncode == 1
    assert again.stdout.count("done already") == 2
    assert {status: len(of) for status, of in by_status(tmp_path).items()} == {"ranked": 2, "died": 2}


@LAUNCHERS
def test_jobs_that_are_late_or_want_too_much_memory_are_rows(command, faulty, tmp_path, launcher):
    done = command("-m", "model=faulty", "model.how=sleep,memory,fine", "timeout=10", *SMALL, *launcher)
    found = by_status(tmp_path)
    assert done.returncode == 1
    assert {status: len(of) for status, of in found.items()} == {"ranked": 1, "timeout": 1, "memory": 1}
    assert "expected an end within 10 s" in found["timeout"][0]["reason"]
    assert "expected enough memory" in found["memory"][0]["reason"]


def quick_to_end(words, cwd):
    """The command line, which gives a job that lets no exception in one second, not ten."""
    code = (
        "import sys\nfrom gmmbench.cli.main import main\nfrom gmmbench.jobs import pool\n"
        "pool.GRACE = 1.0\nsys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_way_a_process_ends_its_job_is_a_row_and_the_others_go_on(faulty, tmp_path, workers):
    """The job that lets no exception in holds Python's lock and blocks all signals that can be blocked."""
    ways = ("fine", "exit0", "exit7", "sysexit", "allocate", "stuck", "gone", "hang", "say")
    words = ["-m", "model=faulty", f"model.how={','.join(ways)}", "timeout=8", *SMALL]
    done = quick_to_end([*words, f"hydra.launcher.workers={workers}"], tmp_path)
    assert done.returncode == 1
    found = {
        row["overrides"].partition("model.how=")[2].split()[0]: row for row in rows(tmp_path) if row["reason"]
    }
    assert {way: row["status"] for way, row in found.items()} == {
        "exit0": "died", "exit7": "died", "sysexit": "died", "gone": "died",
        "allocate": "memory", "stuck": "timeout", "hang": "timeout",
    }  # fmt: skip
    assert "its process ended with exit code 0" in found["exit0"]["reason"]
    assert "its process ended with exit code 7" in found["exit7"]["reason"]
    assert "ended by signal 9, SIGKILL (often for want of memory)" in found["gone"]["reason"]
    assert len(by_status(tmp_path)["ranked"]) == 2
    assert len(gained(done.stdout)) == 2
    assert "said by the model" in done.stdout
    assert done.stderr.count("): failed: ") == len(found)
    assert not list(tmp_path.glob("s/.*"))


def test_a_tiny_timeout_is_a_row(command, tmp_path):
    done = command("-m", "model=uniform", "timeout=1e-300,1e-6,1e-4,60", *SMALL)
    assert done.returncode == 1
    found = by_status(tmp_path)
    assert {status: len(of) for status, of in found.items()} == {"ranked": 1, "timeout": 3}
    late = {row["overrides"].rpartition("timeout=")[2].split()[0] for row in found["timeout"]}
    assert late == {"1e-300", "1e-06", "0.0001"}
    assert not list(tmp_path.glob("s/.*"))


def test_a_run_alone_has_a_limit_too_and_leaves_nothing(command, faulty, tmp_path):
    done = command("model=faulty", "model.how=sleep", "timeout=1", "image.max_side=40", "hydra.run.dir=out")
    assert done.returncode == 1
    assert done.stderr.startswith("gmmbench: timeout: expected an end within 1 s")
    assert not (tmp_path / "out").exists()


def started(words, cwd):
    """A sweep in its own process group, after its first jobs have started, and the jobs that are running."""
    command = [sys.executable, "-m", "gmmbench", "-m", "model=faulty", *words, *SMALL]
    sweep = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline, count = time.monotonic() + 60, 2 if TWO in words else 1
    while len(found := list(cwd.glob("s/.*.tmp-*/running.json"))) < count:
        assert time.monotonic() < deadline, "no job began"
        time.sleep(0.05)
    return sweep, [json.loads(file.read_text())["pid"] for file in found]


def of_group(process):
    """The processes of a group that are not gone."""
    listed = subprocess.run(
        ["ps", "-eo", "pgid=,pid=,stat=,args="], capture_output=True, text=True, check=True
    )
    return [
        line
        for line in listed.stdout.splitlines()
        if line.split()[0] == str(process.pid) and " Z" not in line
    ]


@pytest.mark.parametrize("how", ["sleep", "stuck"])
@pytest.mark.parametrize("workers", ["hydra.launcher.workers=1", TWO])
@pytest.mark.parametrize("ending", ["ctrl-c", "SIGINT", "SIGTERM"])
def test_a_sweep_that_is_interrupted_ends_at_once_with_all_its_processes(
    faulty, tmp_path, ending, workers, how
):
    sweep, _ = started([f"model.how={how}", "seed=0,1,2", workers], tmp_path)
    told = time.monotonic()
    if ending == "ctrl-c":  # a terminal tells all
        os.killpg(sweep.pid, signal.SIGINT)
    else:
        sweep.send_signal(signal.Signals[ending])
    _, said = sweep.communicate(timeout=60)
    assert time.monotonic() - told < 2
    assert sweep.returncode == 130
    assert said == "gmmbench: interrupted; no file was left half-written\n"
    while of_group(sweep):  # the server that forked the others goes last
        assert time.monotonic() - told < 2
        time.sleep(0.01)
    assert not list(tmp_path.glob("s/.*"))


@pytest.mark.parametrize("how", ["sleep", "stuck"])
@pytest.mark.parametrize("ending", ["SIGKILL", "SIGHUP"])
def test_no_process_outlives_the_one_that_began_the_sweep(faulty, tmp_path, ending, how):
    sweep, jobs = started([f"model.how={how}", "seed=0,1,2", TWO], tmp_path)
    assert len(jobs) == 2
    sweep.send_signal(signal.Signals[ending])
    told = time.monotonic()
    sweep.communicate(timeout=60)  # until all have closed the pipes
    while of_group(sweep):
        assert time.monotonic() - told < 2
        time.sleep(0.01)
    assert time.monotonic() - told < 2
    assert sweep.returncode == -signal.Signals[ending]


def test_an_idle_process_that_is_killed_is_replaced(tmp_path):
    """As between the trials of a search."""
    words = ["model=uniform", "image=dog", "image.max_side=40", f"hydra.sweep.dir={tmp_path}"]
    pool = Pool(1)
    try:
        for number in range(3):
            config = composed([*words, f"seed={number}"])
            ((_, answer),) = pool.run(iter([task_of(number, tmp_path, config, 1)]))
            assert answer.kind == "", answer.line
            os.kill(pool.workers[0].process.pid, signal.SIGKILL)
            pool.workers[0].process.join(10)
    finally:
        pool.close()
    assert len(list(tmp_path.glob("dog-uniform-*/report.json"))) == 3


def test_a_terminal_shows_what_runs_and_how_many_are_done(faulty, tmp_path):
    words = ["-m", "gmmbench", "-m", "model=faulty", "model.how=fine,raise,kill", "seed=0", *SMALL]
    child = pexpect.spawn(
        sys.executable, words, cwd=str(tmp_path), timeout=120, encoding="utf-8", dimensions=(30, 200)
    )
    child.expect("0 of 3 done")
    child.expect(r"1 of 3 done, about \d+ s left")
    child.expect(r"0:00:0\d\S* model=faulty model.how=kill")
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


def task(number):
    return Task(number, (f"seed={number}",), Path("s"), {}, {})


def test_progress_counts_jobs_by_their_answers(capsys):
    progress = Progress(total=4, workers=2)
    for number, answer in enumerate(
        (
            Answer("", "gmm gains", "s/a", seconds=4.0),
            Answer("refused", "no"),
            Answer("", "gains", "s/b", "done already"),
        )
    ):
        progress.started(task(number))
        progress.ended(task(number), answer)
    assert (progress.done, progress.failed) == (2, 1)
    assert progress.left() == 2.0, "what was there already says nothing of the time left"
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "job 0 (seed=0): gmm gains s/a/report.md (1 of 4, about 6 s left)",
        "job 2 (seed=2): gains s/b/report.md (done already; 3 of 4, about 2 s left)",
    ]
    assert err == "job 1 (seed=1): failed: no\n"


def test_a_job_with_a_failed_picture_has_both_lines(capsys):
    progress = Progress(total=None, workers=None)
    progress.ended(
        task(0), Answer("", "gains", "s/a", failed="render=x: no; all else is in s/a", seconds=1.0)
    )
    out, err = capsys.readouterr()
    assert out == "job 0 (seed=0): gains s/a/report.md\n"
    assert err == "job 0 (seed=0): failed: render=x: no; all else is in s/a\n"


def test_the_length_of_a_grid_is_known_and_that_of_a_search_is_not():
    grid = composed(["hydra/sweeper=basic"])
    assert total_of(grid, 10) == 10
    assert total_of(composed(["hydra.sweeper.max_batch_size=2"]), 2) is None
    grid.hydra.sweeper._target_ = "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper"
    assert total_of(grid, 10) is None


FEWER = ("seed=0", "image=dog", "model='uniform,histogram'")
"""Of the preset's own sweep."""


@pytest.mark.parametrize(
    ("words", "total"),
    [
        (["model=histogram,uniform", "seed=range(0,2)"], 4),
        (["+experiment=compare_models", *(f"hydra.sweeper.params.{what}" for what in FEWER)], 2),
        (["model=uniform", "render=[grid,grid_log]"], 1),
    ],
)
def test_a_sweep_says_how_long_it_is(command, tmp_path, words, total):
    done = command("-m", *words, "image.max_side=40", "hydra.sweep.dir=s")
    assert done.returncode == 0, done.stderr
    assert len(rows(tmp_path)) == total
    assert done.stdout.count(f" of {total}, about") == total - 1


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.setattr("gmmbench.jobs.launcher.cores", lambda: 8)
    assert Local().threads(99) is None
    assert [workers_of(n) for n in (1, 3, -1, -2)] == [1, 3, 8, 7]
    assert [Local(n).threads(99) for n in (2, 3, -1, -2, 99)] == [4, 2, 1, 1, 1]
    assert Local(4).threads(2) == 4, "two jobs need two processes"
    assert Local(4).threads(1) is None
    ray = pytest.importorskip("submitit") and RayWorkers.threads
    for remote, threads in (({"num_cpus": 2}, 2), ({}, 1)):
        launcher = RayWorkers.__new__(RayWorkers)
        launcher._remote = remote
        assert ray(launcher, 9) == threads
    assert Cluster("local", "s", cpus_per_task=4).threads(9) == 4
    assert Cluster("local", "s", cpus_per_task=None).threads(9) == 1


@pytest.mark.parametrize("workers", [0, "many", 1.5, True, None])
def test_workers_are_a_number(workers):
    with pytest.raises(
        Refused, match=r"hydra.launcher.workers: expected 1 or more jobs .*; try hydra.launcher"
    ):
        workers_of(workers)


def test_workers_that_are_no_number_are_refused_before_any_work(command, tmp_path):
    done = command("-m", "seed=0,1", "hydra.launcher.workers=0", *SMALL)
    assert done.returncode == 2
    assert done.stderr.startswith("gmmbench: hydra.launcher.workers: expected 1 or more jobs at a time")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("name", ["workers", "joblib", "submitit_local", "submitit_slurm", "ray"])
def test_a_launcher_under_its_former_name_is_answered_with_the_one_to_take(command, name):
    done = command("-m", f"hydra/launcher={name}", "seed=0", *SMALL)
    assert done.returncode == 1
    assert f"hydra/launcher: expected one of cluster, local, ray_workers, got {name!r}; try" in done.stderr
    expected = {"workers": "local", "joblib": "local", "ray": "ray_workers"}.get(name, "cluster")
    assert f"try hydra/launcher={expected}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_variables_and_the_number_of_a_job_are_what_hydra_says(faulty, command, tmp_path):
    """`hydra.job.env_set` holds in the job, and an interpolation is resolved for each job."""
    done = command(
        "-m", "model=uniform", "image=dog,butterfly", "seed=${hydra:job.num}", "image.max_side=40",
        "+hydra.job.env_set.GMMBENCH_STORE=mine", "hydra.sweep.dir=s",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(row["seed"] for row in rows(tmp_path)) == ["0", "1"]
    assert (tmp_path / "mine").is_dir()


@pytest.mark.parametrize(
    ("word", "extra"),
    [
        ("hydra/sweeper=search", "optuna"),
        ("hydra/launcher=ray_workers", "ray"),
        ("hydra/launcher=cluster", "slurm"),
    ],
)
def test_what_is_not_installed_is_named_with_the_extra_that_brings_it(command, tmp_path, word, extra):
    package = {"slurm": "submitit"}.get(extra, extra)
    (tmp_path / "hidden").mkdir()  # as if it were not installed, on machines where it is
    (tmp_path / "hidden" / f"{package}.py").write_text(f"raise ModuleNotFoundError('no', name={package!r})")
    if extra == "optuna" and importlib.util.find_spec(extra) is not None:
        pytest.skip(f"{extra} is installed")
    path = f"{tmp_path / 'hidden'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = command("-m", word, "seed=0", PYTHONPATH=path)
    assert done.returncode == 2
    assert f"try pip install 'gmmbench[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cluster_is_asked_for_what_the_words_say():
    words = ["hydra/launcher=cluster", "hydra.launcher.cpus_per_task=8", "hydra.launcher.partition=long"]
    launcher = composed(words).hydra.launcher
    assert launcher._target_.endswith("ClusterLauncher")
    assert launcher.cluster == "slurm"
    asked = {key: launcher[key] for key in ("cpus_per_task", "partition", "mem_gb", "timeout_min")}
    assert asked == {"cpus_per_task": 8, "partition": "long", "mem_gb": 8, "timeout_min": 120}
    made = Cluster(
        **{key: value for key, value in launcher.items() if key not in ("_target_", "folder")}, folder="s"
    )
    assert made.threads(9) == 8
    assert made._options["slurm_partition"] == "long"
    assert made._options["mem_gb"] == 8
    assert "slurm_qos" not in made._options, "null is what the cluster does by default"


@pytest.mark.optuna
def test_optuna_looks_for_the_highest_score(command, tmp_path):
    done = command(
        "-m", "hydra/sweeper=search", "hydra.sweeper.n_trials=4", "model.components=choice(2,30)", *SMALL
    )
    assert done.returncode == 0, done.stderr
    best = (tmp_path / "s" / "optimization_results.yaml").read_text()
    assert "model.components: 30" in best
    top = max(float(row["skill"]) for row in rows(tmp_path))
    assert f"best_value: {top}" in best


@pytest.mark.parametrize("flag", ["-m", "--multirun"])
def test_a_flag_may_stand_between_overrides(command, flag, tmp_path):
    words = ["image=dog", "image.max_side=40", flag, "model=uniform,histogram", "hydra.sweep.dir=s"]
    done = command(*words)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "s").glob("*/report.json"))) == 2
