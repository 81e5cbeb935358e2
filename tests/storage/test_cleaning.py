"""Cleaning removes what was asked for, and nothing but entries of the store."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gmmbench import Refused, Store, compose
from gmmbench.cli.main import main
from gmmbench.storage import atomic, entries

KEYS = ["ab" * 32, "cd" * 32, "0" * 64]
ENDING = f".tmp-{atomic._host()}-99999999-{'0' * 12}"
"""How the name of a temporary folder ends whose process is gone."""


@pytest.fixture
def store(tmp_path):
    """A store of an entry of each kind."""
    store = Store(tmp_path / "store")
    for kind, key in zip(entries.KINDS, KEYS, strict=True):
        store.put(kind, key, {"a.bin": b"a" * 1000})
    return store


def names(store):
    return [entry.kind for entry in store.entries()]


def tree(folder):
    """Every path below a folder with what it is: a link's target, a file's bytes."""
    return {
        str(path): path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
    }


def clean(*words):
    return main(["store", "clean", *words])


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A folder of somebody's, in which the user stands, with names such as those of a store."""
    folder = tmp_path / "project"
    for path in ("runs/detect/train/best.pt", "images/val/set1/1.png", "fits/ab/model.txt", "notes.txt"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("mine")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("words", [["--all"], ["--all", "--yes"], ["--older", "0m"], ["--damaged"],
                                   ["--kind", "runs", "--kind", "images"]])  # fmt: skip
def test_a_foreign_folder_stays_as_it_is(foreign, words, capsys):
    before = tree(foreign)
    assert clean("store.dir=.", *words) == 0
    assert tree(foreign) == before
    assert (
        "left alone: 3 that are no entries of a store, such as fits/ab/model.txt" in capsys.readouterr().out
    )


@pytest.mark.parametrize("words", [["store", "clean", "--all", "store.dir="], ["store", "store.dir="],
                                   ["store.dir="], ["store.dir=", "store.use=false"], ["store.dir='  '"],
                                   ["-m", "seed=0,1", "store.dir="]])  # fmt: skip
def test_an_empty_folder_name_is_refused_everywhere(foreign, words, capsys):
    before = tree(foreign)
    small = [] if "store" in words else ["image.max_side=40", "model.components=2", "hydra.sweep.dir=s"]
    assert main([*words, *small]) in (1, 2)
    shutil.rmtree(foreign / "s", ignore_errors=True)  # of a sweep the failures are written
    assert tree(foreign) == before
    said = capsys.readouterr().err
    assert "store.dir: expected the name of a folder or null, got nothing; try store.dir=null" in said
    assert len([line for line in said.splitlines() if line.startswith("gmmbench: ")]) == 1


def test_an_empty_folder_name_is_refused_in_python():
    for empty in ("", "  "):
        with pytest.raises(Refused, match=r"^store\.dir: expected the name of a folder or null, got nothing"):
            Store(empty)
        with pytest.raises(Refused, match=r"^store\.dir: expected the name of a folder or null, got nothing"):
            compose(f"store.dir='{empty}'")


def test_an_empty_variable_names_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for empty in ("", " "):
        monkeypatch.setenv("GMMBENCH_STORE", empty)
        assert Store().folder == tmp_path / "gmmbench" / "store"


def look_alike(folder, key, **other):
    told = {"schema": "gmmbench-store", "kind": "runs", "key": key, "files": {}, **other}
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(told))
    (folder / "mine.txt").write_text("mine")


def test_what_only_looks_like_an_entry_stays(store):
    key = "ef" * 32
    runs = store.folder / "runs"
    look_alike(runs / "ef" / key, key, schema="another")
    look_alike(runs / "12" / key, key)  # in another place than its key says
    look_alike(runs / "ff" / ("ff" * 32), key)  # of another key
    look_alike(runs / "11" / ("11" * 32), "11" * 32, kind="fits")
    look_alike(runs / "22" / ("22" * 32), "22" * 32, files=["a"])
    look_alike(runs / "EF" / key.upper(), key.upper())
    look_alike(runs / "de" / "detect", "detect")
    look_alike(store.folder / "models" / "ef" / key, key, kind="models")
    (runs / "33" / ("33" * 32)).mkdir(parents=True)
    (runs / "33" / ("33" * 32) / "mine.txt").write_text("mine")
    (runs / "44" / ("44" * 32) / "manifest.json").mkdir(parents=True)
    (runs / "55").mkdir()
    (runs / "55" / ("55" * 32)).write_text("a file")
    (runs / "66" / ("66" * 32)).mkdir(parents=True)
    (runs / "66" / ("66" * 32) / "manifest.json").write_text("[" * 10_000)
    before = tree(store.folder)
    gone = [entry.path for entry in store.entries()]
    assert [entry.kind for entry in store.clean(everything=True)] == list(entries.KINDS)
    assert tree(store.folder) == {
        name: what
        for name, what in before.items()
        if not any(Path(name).is_relative_to(path) for path in gone)
    }
    assert len(store.strangers()) == 11


def test_no_link_is_followed(store, tmp_path):
    outside = Store(tmp_path / "outside")
    for kind in entries.KINDS:
        outside.put(kind, KEYS[0], {"a.bin": b"mine"})
        outside.put(kind, "ee" * 32, {"a.bin": b"mine"})
    dead = outside.folder / "fits" / "ab" / f".{KEYS[0]}{ENDING}"
    dead.mkdir()
    shutil.rmtree(store.folder / "runs")
    (store.folder / "runs").symlink_to(outside.folder / "runs")
    (store.folder / "images" / "ee").symlink_to(outside.folder / "images" / "ee")
    (store.folder / "fits" / "ee").mkdir()
    (store.folder / "fits" / "ee" / ("ee" * 32)).symlink_to(outside.folder / "fits" / "ee" / ("ee" * 32))
    (store.folder / "fits" / "ab" / f".{'ee' * 32}{ENDING}").symlink_to(dead)
    (store.folder / "fits" / "ab" / KEYS[0] / "more").symlink_to(outside.folder)
    before = tree(outside.folder)
    assert names(store) == ["fits", "images"]
    assert [entry.kind for entry in store.clean(everything=True)] == ["fits", "images"]
    assert tree(outside.folder) == before
    assert (store.folder / "runs").is_symlink()
    assert (store.folder / "fits" / "ee" / ("ee" * 32)).is_symlink()


def test_an_entry_that_a_link_leads_to_is_read_and_never_removed(store, tmp_path, caplog):
    (tmp_path / "disk").mkdir()
    (store.folder / "runs").rename(tmp_path / "disk" / "runs")
    (store.folder / "runs").symlink_to(tmp_path / "disk" / "runs")
    assert store.get("runs", KEYS[1]) == {"a.bin": b"a" * 1000}
    (tmp_path / "disk" / "runs" / "cd" / KEYS[1] / "a.bin").write_bytes(b"damaged")
    before = tree(tmp_path / "disk")
    assert store.get("runs", KEYS[1]) is None
    assert tree(tmp_path / "disk") == before
    assert "is damaged, but kept because a link leads to it (a.bin has changed)" in caplog.text


def test_a_store_that_is_a_link_itself_is_cleaned(store, tmp_path):
    (tmp_path / "link").symlink_to(store.folder)
    assert len(Store(tmp_path / "link").clean(everything=True)) == 3
    assert names(store) == []


def test_a_name_that_is_no_key_is_nothing_of_the_stores(store, foreign):
    before = tree(foreign)
    other = Store(".")
    for name in ("detect", "val", "ab", "../runs", "", "AB" * 32):
        assert other.get("runs", name) is None
        assert other.get("detect", KEYS[0]) is None
        with pytest.raises(Refused):
            other.open(name)
        with pytest.raises(ValueError, match="a key of 64 hexadecimal digits"):
            other.put("runs", name, {})
    assert tree(foreign) == before


def test_temporary_folders_of_dead_processes_go_and_others_stay(store):
    runs = store.folder / "runs"
    dead = runs / "cd" / f".{KEYS[1]}{ENDING}"
    alive = atomic.TemporaryFolder.beside(runs / "cd" / ("cd" * 31 + "00")).path
    stay = [
        alive,
        runs / "cd" / f".notes{ENDING}",  # for no key
        runs / "cd" / f".{KEYS[0]}{ENDING}",  # for a key that belongs elsewhere
        runs / f".{KEYS[1]}{ENDING}",
        store.folder / "multirun" / f".dog-gmm-s0-0123456789{ENDING}",  # of a sweep, which reports it
    ]
    for path in (dead, *stay):
        path.mkdir(parents=True, exist_ok=True)
        (path / "a.txt").write_text("half")
    assert store.leftovers() == [dead]
    store.clean(kinds=["images"])
    assert dead.exists()
    store.clean(everything=True)
    assert not dead.exists()
    assert all((path / "a.txt").exists() for path in stay)


def test_putting_an_entry_leaves_others_temporary_folders(store, foreign):
    other = foreign / "runs" / "77" / f".notes{ENDING}"
    other.mkdir(parents=True)
    Store(".").put("runs", "77" * 32, {"a.bin": b"a"})
    assert other.exists()


def test_each_argument_selects_and_several_narrow_one_another(store):
    old = store.folder / "fits" / "ab" / KEYS[0]
    os.utime(old / "manifest.json", (1e9, 1e9))
    (old / "a.bin").write_bytes(b"changed")
    select = lambda **how: [entry.kind for entry in store.select(**how)]  # noqa: E731
    assert select(everything=True) == ["fits", "runs", "images"]
    assert select(older_seconds=86_400) == ["fits"]
    assert select(kinds=["runs", "images"]) == ["runs", "images"]
    assert select(kinds=["runs"], older_seconds=86_400) == []
    assert select(damaged=True) == ["fits"]
    assert select(damaged=True, kinds=["runs"]) == []
    assert select(everything=True, older_seconds=86_400) == ["fits"]
    assert (old / "manifest.json").stat().st_mtime == 1e9, "looking is no use of it"
    for how in ({}, {"kinds": ["fit"]}):
        with pytest.raises(Refused, match="expected"):
            store.clean(**how)
    assert names(store) == ["fits", "runs", "images"]


def test_the_command_needs_to_be_told_what_to_remove(store, capsys):
    assert clean(f"store.dir={store.folder}") == 1
    assert (
        "expected --older AGE, --kind KIND, --damaged or --all, got none of them" in capsys.readouterr().err
    )
    assert len(names(store)) == 3


def test_a_dry_run_says_what_would_go_and_removes_nothing(store, capsys):
    before = tree(store.folder)
    assert clean("--all", "--dry-run", f"store.dir={store.folder}") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"store: {store.folder}"
    assert said[1].startswith("would be removed")
    assert [line.split()[1] for line in said[2:6]] == ["1", "1", "1", "3"]
    assert said[6] == "it would free 0.0 MiB; nothing was removed"
    assert tree(store.folder) == before


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("typed", "left"), [("y\n", 0), ("Yes\n", 0), ("n\n", 3), ("\n", 3), ("", 3)])
def test_on_a_terminal_it_asks_first(store, typed, left, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert clean("--all", f"store.dir={store.folder}") == 0
    said = capsys.readouterr()
    assert said.err == "Remove 3 entries, 0.0 MiB? [y/N] "
    assert ("nothing was removed" in said.out) == (left > 0)
    assert len(names(store)) == left


def test_it_does_not_ask_when_told_so_or_when_nothing_would_go(store, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert clean("--older", "1w", f"store.dir={store.folder}") == 0
    assert len(names(store)) == 3
    assert clean("--all", "--yes", f"store.dir={store.folder}") == 0
    assert names(store) == []
    assert capsys.readouterr().err == ""


def test_a_script_is_not_asked(store):
    done = subprocess.run(
        [sys.executable, "-m", "gmmbench", "store", "clean", "--kind", "runs", f"store.dir={store.folder}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "freed 0.0 MiB" in done.stdout
    assert names(store) == ["fits", "images"]


def test_the_command_shows_and_cleans(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["image=dog", "image.max_side=50", "model.components=4", "hydra.run.dir=a"]) == 0
    capsys.readouterr()
    counts = lambda: [line.split()[1] for line in capsys.readouterr().out.splitlines()[2:6]]  # noqa: E731
    assert main(["store"]) == 0
    assert counts() == ["1", "1", "1", "3"]
    assert main(["store", f"store.dir={tmp_path / 'another'}"]) == 0
    assert counts()[-1] == "0"
    store = Store()
    (entry,) = store.entries(["runs"])
    os.utime(entry.path / "manifest.json", (1e9, 1e9))
    assert clean("--older", "30d") == 0
    assert counts() == ["0", "1", "0", "1"]
    (entry,) = store.entries(["fits"])
    (entry.path / "fit.json").write_text("{}")
    assert clean("--damaged") == 0
    assert counts()[-1] == "1"
    assert clean("--all") == 0
    assert counts() == ["0", "0", "1", "1"]
    assert list(store.entries()) == []
    for words in (["store", "cleen"], ["store", "clean", "--older", "3"], ["store", "clean", "-x"]):
        assert main(words) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
