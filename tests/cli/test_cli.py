"""The command line as a user meets it: help, runs, sweeps, refusals, interruptions."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gmmbench.cli.main import main

ROOT = Path(__file__).parents[2]
SMALL = ["image.max_side=60", "model.components=5"]


def test_help_lists_every_option_and_loads_nothing_heavy(tmp_path):
    code = (
        "import sys\nfrom gmmbench.cli.main import main\nmain(['--help'])\n"
        "print(sorted({'sklearn', 'lightgbm', 'matplotlib', 'numba', 'skimage', 'hydra'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for word in ("butterfly", "lightgbm", "contour", "model.components=", "render.grid.mapping=", "seed=0"):
        assert word in done.stdout


def test_a_refused_config_loads_nothing_heavy(tmp_path):
    code = (
        "import sys\nfrom gmmbench.cli.main import main\nassert main(['model.components=0']) == 1\n"
        "print(sorted({'sklearn', 'lightgbm', 'matplotlib', 'numba', 'skimage'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_says_whether_a_plugin_keeps_its_contract(capsys):
    assert main(["check", "model=uniform"]) == 0
    assert "model uniform: keeps its contract" in capsys.readouterr().out
    assert main(["check", "image=dog", "render=grid"]) == 0
    said = capsys.readouterr().out
    assert "renderer grid: keeps its contract" in said
    assert "image file: keeps its contract" in said
    assert main(["check"]) == 1
    assert "expected model=NAME, render=NAME or image=NAME, got nothing" in capsys.readouterr().err


def test_help_shows_the_knobs_of_what_is_chosen(capsys):
    assert main(["model=lightgbm", "render=[sample,contour]", "--help"]) == 0
    page = capsys.readouterr().out
    assert "model.leaves=" in page
    assert "render.sample.sizes=" in page
    assert "render.contour.levels=" in page
    assert "\n  model.components=" not in page


def test_help_into_a_closed_pipe_is_quiet(tmp_path):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m gmmbench --help | head -1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_version_is_ours(capsys):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"gmmbench \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_a_run_writes_everything_and_says_where(command, tmp_path):
    done = command(*SMALL, "render=[grid,sample,contour]")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (folder,) = (tmp_path / "outputs").glob("*/*")
    names = {path.name for path in folder.iterdir()}
    pictures = {"original.png", "grid.png", "sample.png", "contour.png"}
    assert names == {*pictures, "report.json", "report.md", "scores.npz", "config.yaml"}
    assert str(folder.relative_to(tmp_path) / "report.md") in done.stdout
    assert str(folder.relative_to(tmp_path) / "grid.png") in done.stdout
    assert "view auto: ink" in done.stdout
    assert "bits per held-out ink pixel over uniform" in done.stdout


def test_the_same_seed_gives_the_same_bytes(command, tmp_path):
    for name in ("one", "two"):
        words = ["render=[grid,sample,contour]", f"hydra.run.dir={name}", "store.use=false"]
        assert command(*SMALL, *words).returncode == 0
    for path in sorted((tmp_path / "one").iterdir()):
        other = (tmp_path / "two" / path.name).read_bytes()
        if path.suffix in (".png", ".yaml", ".npz"):
            assert path.read_bytes() == other, path.name
    reports = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two")]
    for report in reports:
        del report["cost"]
    assert reports[0] == reports[1]


def test_another_seed_gives_other_samples(command, tmp_path):
    for seed in (0, 1):
        assert command(*SMALL, "render=sample", f"seed={seed}", f"hydra.run.dir=s{seed}").returncode == 0
    assert (tmp_path / "s0/sample.png").read_bytes() != (tmp_path / "s1/sample.png").read_bytes()


def test_another_renderer_never_changes_the_samples(command, tmp_path):
    for words in (["render=sample", "hydra.run.dir=a"], ["render=[grid,sample]", "hydra.run.dir=b"]):
        assert command(*SMALL, *words, "store.use=false").returncode == 0
    one, two = ((tmp_path / name / "report.json").read_text() for name in "ab")
    figures = [
        next(p["figures"] for p in json.loads(text)["pictures"] if p["option"] == "sample")
        for text in (one, two)
    ]
    assert figures[0] == figures[1]
    from PIL import Image

    pixels = [np.asarray(Image.open(tmp_path / name / "sample.png")) for name in "ab"]
    np.testing.assert_array_equal(*pixels)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hydra.run.dir=/proc/no/folder", "output folder"),
        ("hydra.run.dir=taken", "expected a new or empty folder"),
        ("hydra.run.dir=a_file", "output folder"),
        ("image.path=missing.png", "missing.png"),
        ("model.components=100000", "model.components: expected at most"),
        ("image.view=levels", ""),
    ],
)
def test_what_fails_leaves_one_line_and_no_folder(command, tmp_path, word, said):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "note.txt").write_text("mine")
    (tmp_path / "a_file").write_text("mine")
    done = command("model=lightgbm" if word == "image.view=levels" else "model=gmm", word)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("gmmbench: ")
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"taken", "a_file"}
    assert (tmp_path / "taken" / "note.txt").read_text() == "mine"


def test_a_refused_run_leaves_the_users_own_folders(command, tmp_path):
    (tmp_path / "mine/results").mkdir(parents=True)
    for folder in ("mine/results", "mine/results/a/b"):
        assert command("model.components=0", f"hydra.run.dir={folder}").returncode == 1
        assert list((tmp_path / "mine").rglob("*")) == [tmp_path / "mine/results"]


def test_output_folders_are_as_typed(command, tmp_path):
    name = "été, a=b"
    assert command(*SMALL, f"hydra.run.dir={name}").returncode == 0
    assert (tmp_path / name / "report.json").exists()


def test_a_missing_file_fails_its_job_alone(command, tmp_path):
    (tmp_path / "dog.png").write_bytes((ROOT / "gmmbench/images/data/dog.png").read_bytes())
    done = command("-m", "image.path=dog.png,nowhere.png", *SMALL, "hydra.sweep.dir=s")
    assert done.returncode == 1
    assert len(list((tmp_path / "s").glob("*/report.json"))) == 1
    assert "nowhere.png" in done.stderr


def test_a_reader_that_goes_away_is_no_failure(tmp_path):
    line = f"{sys.executable} -m gmmbench {' '.join(SMALL)} hydra.run.dir=out | true"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert (tmp_path / "out/report.json").exists()
    assert not (tmp_path / "out/failure.txt").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model=gmm"], "try model=gmm"),
        (["image=dog,butterfly"], "try -m for a sweep"),
        (["+model.components=5"], "try it without the +"),
        (["-m", "model=gmm,lightgbm", "model.components=3"], "an option of every choice in the sweep"),
        (["image.path=" + "x" * 5000], "image.path="),
    ],
)
def test_common_slips_are_told_what_to_do(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) in (1, 2)
    line = capsys.readouterr().err
    assert said in line
    assert len(line.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_traceback_is_shown_when_asked_for(command):
    done = command("model.components=0", GMMBENCH_TRACEBACK="1")
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("gmmbench: model.components: expected ")


def test_a_sweep_gives_every_job_its_own_folder_and_report(command, tmp_path):
    done = command(
        "-m", "model=gmm,bgmm,lightgbm", "image=dog,butterfly", "image.max_side=50", "hydra.sweep.dir=all"
    )
    assert done.returncode == 0, done.stderr
    reports = [json.loads(path.read_text()) for path in sorted((tmp_path / "all").glob("*/report.json"))]
    assert len(reports) == 6
    seen = {(report["model"]["option"], report["image"]["option"]) for report in reports}
    assert seen == {(m, i) for m in ("gmm", "bgmm", "lightgbm") for i in ("dog", "butterfly")}
    assert len([line for line in done.stdout.splitlines() if line.startswith("job ")]) == 6
    splits = {r["image"]["option"]: set() for r in reports}
    for report, path in zip(reports, sorted((tmp_path / "all").glob("*/scores.npz")), strict=True):
        splits[report["image"]["option"]].add(np.load(path)["split"].tobytes())
    assert all(len(split) == 1 for split in splits.values()), "every model has the same split"


def test_file_names_work_as_typed_alone_and_in_a_sweep(command, tmp_path):
    dog = (ROOT / "gmmbench/images/data/dog.png").read_bytes()
    names = ["a b=[1],é.png", "it's {x} $HOME.png"]
    for name in names:
        (tmp_path / name).write_bytes(dog)
    done = command(f"image.path={names[0]}", *SMALL, "hydra.run.dir=one")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "one/report.json").read_text())["image"]["name"] == "a b=[1],é"
    (tmp_path / "x.png").write_bytes(dog)
    for word, count in ((names[0], 1), (f"{names[1]},x.png", 2)):
        done = command("-m", f"image.path={word}", *SMALL, f"hydra.sweep.dir=s{count}")
        assert done.returncode == 0, done.stderr
        assert len(list((tmp_path / f"s{count}").glob("*/report.json"))) == count


def test_a_sweep_over_knobs_and_renderers_runs(command, tmp_path):
    done = command(
        "-m", "model=gmm", "model.components=2,4", "render=grid,[grid,sample]", "image.max_side=50",
        "hydra.sweep.dir=k",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    reports = [json.loads(path.read_text()) for path in (tmp_path / "k").glob("*/report.json")]
    combos = {(r["model"]["parameters"]["components"], len(r["pictures"])) for r in reports}
    assert combos == {(2, 1), (2, 2), (4, 1), (4, 2)}


def test_a_bad_value_fails_its_job_alone(command, tmp_path):
    done = command("-m", "model.components=3,0,4", "image.max_side=50", "hydra.sweep.dir=s")
    assert done.returncode == 1
    assert len(list((tmp_path / "s").glob("*/report.json"))) == 2
    assert "job 1" in done.stderr
    assert "model.components: expected a whole number" in done.stderr
    (left,) = (tmp_path / "s").glob("failed-*/*")
    assert "expected a whole number" in json.loads(left.read_text())["reason"]
    table = (tmp_path / "s" / "comparison.csv").read_text().splitlines()
    assert len(table) == 1 + 3  # a row a run, the refused one too


def test_a_misspelt_option_stops_a_sweep_before_any_job(command, tmp_path):
    for word in ("model=gmm,gmn", "model.componets=1,2"):
        done = command("-m", word)
        assert done.returncode == 2
        assert "; try " in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == []


def test_a_model_that_crashes_leaves_its_traceback_in_the_folder(tmp_path, monkeypatch, capsys):
    from gmmbench.models.gmm import GMM

    def crash(*_):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(GMM, "fit", crash)
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, "hydra.run.dir=out"]) == 1
    line = capsys.readouterr().err
    assert line.startswith("gmmbench: the run failed with ZeroDivisionError: deep inside; traceback in ")
    assert len(line.splitlines()) == 1
    assert "Traceback" in (tmp_path / "out" / "failure.txt").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_leaves_no_half_written_file(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "gmmbench", "image=butterfly", "model.components=400", "model.tolerance=0"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.time() + 60
    while not list(tmp_path.glob("outputs/*/*")) and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)  # well into the fit, which takes much longer
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    # Python ends by the signal itself where it came within an `exec` (of a dataclass); shells say 130 to both
    assert process.returncode in (130, -signal.SIGINT)
    assert said == "gmmbench: interrupted; no file was left half-written\n"
    assert list(tmp_path.iterdir()) == []


def test_compiling_is_said_once_and_kept(command, tmp_path):
    words = ["image.max_side=40", "model.components=2", "render=grid", "store.use=false"]
    first, second = (
        command(*words, f"hydra.run.dir={name}", GMMBENCH_CACHE=str(tmp_path / "kernels")) for name in "ab"
    )
    assert "compiled the kernel" in first.stdout
    assert "compiled the kernel" not in second.stdout
    seconds = [
        json.loads((tmp_path / n / "report.json").read_text())["cost"]["compile_seconds"] for n in "ab"
    ]
    assert seconds[0] > seconds[1]


def test_a_bar_is_drawn_on_a_terminal_and_not_in_a_pipe(tmp_path):
    pexpect = pytest.importorskip("pexpect")
    child = pexpect.spawn(
        sys.executable, ["-m", "gmmbench", *SMALL], cwd=str(tmp_path), timeout=120, encoding="utf-8"
    )
    child.expect(pexpect.EOF)
    assert "fitting" in child.before
    assert "\x1b[" in child.before


def test_tab_completes_the_console_script(tmp_path):
    script = os.path.join(os.path.dirname(sys.executable), "gmmbench")  # noqa: PTH118, PTH120
    if not os.path.exists(script):  # noqa: PTH110
        pytest.skip("the console script is not installed beside this Python")
    installed = f'eval "$({script} -sc install=bash)"'
    ask = (
        f'export PATH="{os.path.dirname(script)}:$PATH"; {installed}; '  # noqa: PTH120
        'COMP_WORDS=(gmmbench model=b); COMP_CWORD=1; COMP_LINE="gmmbench model=b"; '
        "COMP_POINT=${#COMP_LINE}; "
        'f=$(complete -p gmmbench | sed "s/.*-F \\([^ ]*\\).*/\\1/"); $f; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert "bgmm" in done.stdout, done.stdout + done.stderr


def test_words_that_are_no_override_are_refused(capsys):
    assert main(["plugin"]) == 1
    assert "try plugins" in capsys.readouterr().err
