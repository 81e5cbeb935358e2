"""A command that is repeated goes on where it was interrupted: nothing is lost, doubled or half-written."""

import csv
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import killing
import numpy as np
import pytest
from job_lines import gained

from gmmbench import Store
from gmmbench.cli.main import main
from gmmbench.comparing.compare import compare, find
from gmmbench.models.gmm import GMM
from gmmbench.storage import atomic, run_files

ROOT = Path(__file__).parents[2]
SWEEP = [
    "-m", "image=dog,butterfly", "model=histogram,uniform", "seed=0", "image.max_side=48",
    "render=[grid,grid_log]", "threads=1", "hydra.sweep.dir=s",
]  # fmt: skip
LARGE = [
    "-m", "image=butterfly", "model=infinite", "seed=0,1,2,3", "image.max_side=600", "threads=1",
    "render=[grid,contour]", "hydra.sweep.dir=s",
]  # fmt: skip
"""Jobs of two seconds and more."""
JOBS = 4
MEASURED = ("wall_seconds", "peak_bytes", "compile_seconds", "score_seconds")
"""What it took, which differs between any two runs."""


def rows(folder):
    with (folder / "comparison.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in MEASURED} for row in csv.DictReader(file)]


def start(words, cwd, store, program=("-m", "gmmbench"), own_group=False, **environment):
    return subprocess.Popen(
        [sys.executable, *program, *words],
        cwd=cwd,
        env={**os.environ, "GMMBENCH_STORE": str(store), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=own_group,
    )


def ended(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def calm(words, top):
    """The rows of the sweep that nobody disturbed."""
    code, _, err = ended(start(words, top, top / "store"))
    assert code == 0, err
    found = rows(top / "s")
    assert len(found) == JOBS
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return calm(SWEEP, tmp_path_factory.mktemp("undisturbed"))


def whole(folder):
    """The finished runs of a sweep by name, each file of which can be read, with their bytes."""
    from PIL import Image

    found = {}
    for report in folder.glob("[!.]*/report.json"):
        data = json.loads(report.read_bytes())
        for picture in (*(part["file"] for part in data["pictures"]), "original.png"):
            Image.open(report.parent / picture).load()
        with np.load(report.parent / "scores.npz") as scores:
            assert set(scores.files) >= {"gain", "split"}
        found[report.parent.name] = {file.name: file.read_bytes() for file in report.parent.iterdir()}
        assert set(found[report.parent.name]) >= set(run_files.ALWAYS)
    return found


def killed(words, top, stage, number, delay, victim):
    """Kill the sweep, or a process of it, there; its exit code, stdout and stderr, and the log."""
    site = killing.install(top / "site")
    told = {
        "KILLING": " ".join(map(str, (top / "log", stage, number, delay, victim))),
        "PYTHONPATH": f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    code, out, err = ended(start(words, top, top / "store", (killing.__file__,), own_group=True, **told))
    gone = time.time()
    log = [line.split() for line in (top / "log").read_text().splitlines()]
    for line in log:
        if line[0] == "kill" and victim != "worker":  # until then the pipes were open
            assert gone - float(line[1]) < 2, "no process of the sweep outlives it by two seconds"
    return code, out, err, log


def hit(log):
    """The stage in which the processes were when they ended."""
    doing = {}
    for word, *rest in log:
        if word in ("begin", "end"):
            stage, process = rest
            doing[process] = stage if word == "begin" else "between"
    return next((stage for stage in STAGES if stage in doing.values()), "between")


def workers_in(words):
    return max((int(word.partition("=")[2]) for word in words if "workers=" in word), default=1)


def killed_and_repeated(words, stage, number, delay, top, undisturbed, victim="group"):
    """Kill the sweep there, look at what is left, repeat it; return the stage that was hit."""
    code, _, err, log = killed(words, top, stage, number, delay, victim)
    assert code in (-9, 0), err
    left = whole(top / "s")
    dead = len(list(atomic.died(top / "s")))
    assert dead <= workers_in(words)
    if left or dead:
        statuses = [row.status for row in compare([top / "s"]).runs]
        assert statuses.count("died") == dead
    kept = {entry.path for entry in Store(top / "store").entries()}
    code, out, err = ended(start(words, top, top / "store"))
    assert code == 0, err
    assert out.count("(done already") == len(left), "what was finished is not made again"
    assert "damaged" not in out + err
    assert rows(top / "s") == undisturbed
    after = whole(top / "s")
    assert {name: after[name] for name in left} == left
    assert kept <= {entry.path for entry in Store(top / "store").entries()}
    assert Store(top / "store").clean(damaged=True) == []
    assert list(atomic.temporary_folders(top)) == []
    return hit(log)


STAGES = ("fit", "save", "compare")
LONG = {"fit": 0.08, "save": 0.03, "compare": 0.03}  # seconds, about; the first fit loads libraries
CALLS = {"fit": JOBS, "save": 3 * JOBS, "compare": 1}
TWO = "hydra.launcher.workers=2"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups to kill")
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("moment", "workers", "victim"), [(0, 1, "group"), (1, 2, "group"), (2, 1, "parent"), (3, 2, "parent")]
)
def test_a_sweep_that_is_killed_goes_on(stage, moment, workers, victim, undisturbed, tmp_path):
    draw = random.Random(f"{stage} {moment}")
    number = draw.randint(1, CALLS[stage])
    words = [*SWEEP, f"hydra.launcher.workers={workers}"]
    killed_and_repeated(words, stage, number, LONG[stage] * draw.random(), tmp_path, undisturbed, victim)


@pytest.mark.parametrize(("stage", "workers"), [("fit", 1), ("save", 2)])
def test_a_process_that_is_killed_costs_its_job_alone(stage, workers, undisturbed, tmp_path):
    words = [*SWEEP, f"hydra.launcher.workers={workers}"]
    code, out, err, log = killed(words, tmp_path, stage, 2, 0, "worker")
    struck = next(line[-1] for line in log if line[0] == "kill")
    assert code == 1
    assert struck not in [line[-1] for line in log if line[0] == "parent"]
    assert err.count("its process was ended by signal 9") == 1
    assert len(gained(out)) == JOBS - 1
    assert sorted(row["status"] for row in rows(tmp_path / "s")) == ["died"] + ["ranked"] * (JOBS - 1)
    assert list(atomic.temporary_folders(tmp_path / "s")) == []
    code, out, err = ended(start(words, tmp_path, tmp_path / "store"))
    assert code == 0, err
    assert out.count("(done already") == JOBS - 1
    assert rows(tmp_path / "s") == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_that_is_killed_at_many_moments_goes_on(workers, tmp_path):
    """37 moments, at least five in each stage; what was hit is printed."""
    draw, hits = random.Random(0), {}
    words = [*LARGE, f"hydra.launcher.workers={workers}"]
    undisturbed = calm(words, tmp_path)
    long = {"fit": 2.0, "save": 0.012, "compare": 0.5}
    for moment in range(200):
        stage = STAGES[moment % len(STAGES)]
        if hits.get(stage, 0) >= 9:
            continue
        (top := tmp_path / str(moment)).mkdir()
        number, victim = draw.randint(1, CALLS[stage]), draw.choice(("group", "parent"))
        what = killed_and_repeated(
            words, stage, number, long[stage] * draw.random(), top, undisturbed, victim
        )
        hits[what] = hits.get(what, 0) + 1
        print(f"moment {moment}: {victim}, {stage} {number}, hit {what}", flush=True)
        if min(hits.get(each, 0) for each in STAGES) >= 5 and sum(hits.values()) >= 37:
            break
    print(hits)
    assert min(hits[each] for each in STAGES) >= 5
    assert sum(hits.values()) >= 37


def test_two_sweeps_into_one_folder_at_once_lose_and_double_nothing(undisturbed, tmp_path):
    other = [word if not word.startswith("seed=") else "seed=1,0" for word in SWEEP]
    running = [start(words, tmp_path, tmp_path / "store") for words in (SWEEP, other, SWEEP)]
    for process in running:
        code, _, err = ended(process)
        assert code == 0, err
    found = rows(tmp_path / "s")
    assert len(found) == len({row["run"] for row in found}) == JOBS * 2
    assert [row for row in found if row["seed"] != "1"] == undisturbed
    whole(tmp_path / "s")
    assert list(atomic.temporary_folders(tmp_path)) == []


def test_a_runs_folder_does_not_depend_on_its_place_in_a_sweep(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["-m", "image.max_side=40", "model=uniform", "render=grid", "hydra.sweep.dir=s"]
    assert main([*words, "image=dog,butterfly"]) == 0
    before = sorted((tmp_path / "s").glob("*/report.json"))
    assert main([*words, "image=tiger,butterfly,dog"]) == 0
    assert capsys.readouterr().out.count("(done already") == 2
    after = sorted((tmp_path / "s").glob("*/report.json"))
    assert set(before) < set(after)
    assert len(after) == 3


@pytest.mark.parametrize("launcher", ["hydra/launcher=local", "hydra/launcher=basic"])
def test_a_repeated_sweep_into_a_new_folder_is_copied_and_marked(launcher, tmp_path, monkeypatch, capsys):
    fits = []
    fit = GMM.fit
    monkeypatch.setattr(GMM, "fit", lambda *given: fits.append(1) or fit(*given))
    monkeypatch.chdir(tmp_path)
    words = ["-m", "image.max_side=40", "model.components=3", "seed=0,1", "render=grid"]
    for name in "ab":
        assert main([*words, launcher, f"hydra.sweep.dir={name}"]) == 0
    if launcher.endswith("basic"):
        assert len(fits) == 2
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    for report in (tmp_path / "a").glob("*/report.json"):
        assert json.loads(report.read_text())["cost"]["cached"] is False
    for report in (tmp_path / "b").glob("*/report.json"):
        assert json.loads(report.read_text())["cost"]["cached"] is True
    assert capsys.readouterr().out.count("fit from the store, ") == 2


def test_a_named_run_is_done_when_it_is_repeated_and_no_other_may_stand_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["image.max_side=40", "model=uniform", "render=grid", "hydra.run.dir=out"]
    assert main(words) == 0
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "out").iterdir()}
    assert main(words) == 0
    assert "done already" in capsys.readouterr().out
    assert main([*words, "seed=1"]) == 1
    assert "expected a new or empty folder, got one with files in it" in capsys.readouterr().err
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "out").iterdir()} == before
    (tmp_path / "out/grid.png").unlink()
    (tmp_path / "out/note.txt").write_text("mine")
    assert main(words) == 0, "what is missing is filled in"
    assert {file.name for file in (tmp_path / "out").iterdir()} == {*before, "note.txt"}


def test_a_failed_job_is_tried_again_and_replaced(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["-m", "image.path=dog.png", "image.max_side=40", "model=uniform,gmm", "hydra.sweep.dir=s",
             "render=grid"]  # fmt: skip
    assert main(words) == 1
    assert {row["status"] for row in rows(tmp_path / "s")} == {"refused"}
    (tmp_path / "dog.png").write_bytes((ROOT / "gmmbench/images/data/dog.png").read_bytes())
    monkeypatch.setattr(GMM, "fit", Mock(side_effect=ZeroDivisionError))
    assert main([*words, "hydra/launcher=basic"]) == 1  # Hydra's own, in this very process
    assert sorted(row["status"] for row in rows(tmp_path / "s")) == ["crashed", "ranked"]
    (crash,) = (tmp_path / "s").glob("dog-gmm-*")
    assert {file.name for file in crash.iterdir()} == {"failure.json", "failure.txt"}
    assert "ZeroDivisionError" in (crash / "failure.txt").read_text()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    assert {row["status"] for row in rows(tmp_path / "s")} == {"ranked"}
    assert (crash / "report.json").is_file()
    assert not list((tmp_path / "s").glob("failed-*"))
    capsys.readouterr()


def test_a_job_whose_process_is_gone_has_died_and_one_that_runs_has_not(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = process.pid
    alive = atomic.TemporaryFolder.beside(tmp_path / "alive", {"overrides": ["seed=1"]})
    name = alive.path.name.replace(f"-{os.getpid()}-", f"-{gone}-").replace("alive", "dead")
    (tmp_path / name).mkdir()
    told = {"host": "here", "pid": gone, "since": "then", "overrides": ["seed=2"]}
    (tmp_path / name / atomic.RUNNING).write_text(json.dumps(told))
    (entry,) = find([tmp_path])
    assert (entry.folder, entry.failure.kind, entry.failure.overrides) == ("dead", "died", ("seed=2",))
    assert f"process {gone} of here is gone" in entry.failure.reason
    assert atomic.remove_leftovers(tmp_path, "other") == 0
    assert atomic.remove_leftovers(tmp_path, "dead") == 1
    assert [path for path, _, _ in atomic.temporary_folders(tmp_path)] == [alive.path]
    elsewhere = alive.path.name.replace(atomic._host(), "another-host").replace("alive", "far")
    (tmp_path / elsewhere).mkdir()
    assert [living for _, _, living in atomic.temporary_folders(tmp_path)] == [True, True]
    os.utime(tmp_path / elsewhere, (1e9, 1e9))
    assert sorted(living for _, _, living in atomic.temporary_folders(tmp_path)) == [False, True]


def test_a_temporary_folder_of_an_earlier_process_of_this_number_is_dead(tmp_path, monkeypatch):
    temporary = atomic.TemporaryFolder.beside(tmp_path / "x")
    monkeypatch.setattr(atomic, "PROCESS", "0" * 8)
    assert [living for _, _, living in atomic.temporary_folders(tmp_path)] == [False]
    temporary.discard()
    assert list(tmp_path.iterdir()) == []


def test_who_is_second_discards_his_own(tmp_path):
    first, second = (atomic.TemporaryFolder.beside(tmp_path / "run") for _ in range(2))
    assert first.publish({"a.txt": b"first"})
    assert not second.publish({"a.txt": b"second"})
    assert (tmp_path / "run/a.txt").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert atomic.TemporaryFolder.beside(tmp_path / "run").publish({"b.txt": b"third"}, replace=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["b.txt"]


def test_a_folder_that_cannot_be_renamed_is_filled(tmp_path, monkeypatch):
    (tmp_path / "mount").mkdir()
    temporary = atomic.TemporaryFolder.beside(tmp_path / "mount")

    def refuse(*_):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", refuse)
    assert temporary.publish({"a.txt": b"a", "report.json": b"{}"})
    monkeypatch.undo()
    assert {path.name for path in (tmp_path / "mount").iterdir()} == {"a.txt", "report.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["mount"]
