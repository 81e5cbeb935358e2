"""The store gives back what was put in, to the last bit, and nothing that depends on anything else."""

import dataclasses
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import gmmbench
from gmmbench import Density, Image, Model, Predictor, Refused, Run, Store, registry
from gmmbench.cli.main import main
from gmmbench.models.gmm import GMM
from gmmbench.plain_data import class_of_fit
from gmmbench.results import CheckDetails, Cost, DescriptionDetails, Learnt, Score, ScoreDetails, Scores
from gmmbench.running import keys
from gmmbench.storage import atomic, serialization

SMALL = ["image=dog", "image.max_side=50", "model.components=4"]
MODELS = {
    "uniform": {},
    "histogram": {},
    "gmm": {"components": 6},
    "bgmm": {"components": 6},
    "lightgbm": {"trees": 9},
    "kde": {},
}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "kept")


@pytest.fixture
def fits(monkeypatch):
    """How often a Gaussian mixture was fitted."""
    calls = []
    fit = GMM.fit
    monkeypatch.setattr(GMM, "fit", lambda *given: calls.append(1) or fit(*given))
    return calls


def entry(store, kind="fits"):
    (found,) = [entry for entry in store.entries() if entry.kind == kind]
    return found


def answers(study):
    """All that a fit says, as arrays."""
    fitted, where = study.fitted, study.image.lattice.centres()
    found = []
    if isinstance(fitted, Density):
        draws = fitted.sample(300, np.random.default_rng(1))
        found += [draws, fitted.log_density(draws)]
    if isinstance(fitted, Predictor):
        found.append(fitted.predict(where))
        law = fitted.law(where[:50])
        found += [] if law is None else [law.weights, law.means, law.covariances]
    assert found
    return found


def cases():
    for name in MODELS:
        for image in ("dog", "china", "mixture_1d"):
            if (name, image) not in (("kde", "china"), ("kde", "mixture_1d"), ("lightgbm", "mixture_1d")):
                yield name, image


@pytest.mark.parametrize(("name", "image"), list(cases()))
def test_what_is_kept_answers_scores_and_reports_the_same_to_the_last_bit(name, image, store):
    if name not in registry.load().classes["model"]:
        pytest.skip("the plugin gmmbench-kde is not installed")
    size = "image.side=40" if image == "mixture_1d" else "image.max_side=36"
    options = [f"model.{key}={value}" for key, value in MODELS[name].items()]
    run = gmmbench.compose(f"image={image}", size, f"model={name}", *options)
    run = dataclasses.replace(run, renders={})
    first, second = (gmmbench.execute(run, store=store) for _ in range(2))
    assert (first.cost.cached, second.cost.cached) == (False, True)
    for one, other in zip(answers(first.study), answers(second.study), strict=True):
        np.testing.assert_array_equal(one, other)
    for key in ("gain", "weight", "log_likelihood"):
        np.testing.assert_array_equal(getattr(first.scores, key), getattr(second.scores, key))
    reports = [json.loads(gmmbench.Report.of(outcome).to_json()) for outcome in (first, second)]
    assert reports[1]["cost"].pop("cached") > reports[0]["cost"].pop("cached")
    assert reports[0] == reports[1]


def test_a_second_renderer_draws_a_fit_that_is_there(store, fits):
    for render in ("grid", "contour", "[grid,sample,contour]"):
        outcome = gmmbench.execute(gmmbench.compose(*SMALL, f"render={render}"), store=store)
    assert len(fits) == 1
    fresh = gmmbench.execute(gmmbench.compose(*SMALL, "render=[grid,sample,contour]"))
    assert len(fits) == 2
    for option, picture in fresh.pictures.items():
        np.testing.assert_array_equal(picture.pixels, outcome.pictures[option].pixels)


@pytest.mark.parametrize(
    "word",
    ["model.components=5", "model.tolerance=0.01", "seed=1", "hold_out=0.1", "hold_out_block=2",
     "image.max_side=51", "image.invert=true", "render=evolution"],
)  # fmt: skip
def test_whatever_a_fit_depends_on_is_in_its_key(word, store, fits):
    gmmbench.execute(gmmbench.compose(*SMALL), store=store)
    words = [other for other in SMALL if other.partition("=")[0] != word.partition("=")[0]]
    gmmbench.execute(gmmbench.compose(*words, word), store=store)
    assert len(fits) == 2, word


@pytest.mark.parametrize("word", ["threads=1", "render=sample", "render.grid.mapping=log"])
def test_what_a_fit_does_not_depend_on_is_not(word, store, fits):
    for words in (SMALL, [*SMALL, word]):
        gmmbench.execute(gmmbench.compose(*words), store=store)
    assert len(fits) == 1, word


def test_the_same_pixels_in_another_file_have_the_same_fit(store, fits, tmp_path):
    from PIL import Image as Pillow

    import gmmbench.images as images

    dog = Path(images.__file__).parent / "data/dog.png"
    Pillow.open(dog).save(tmp_path / "other.bmp")
    for path in (dog, tmp_path / "other.bmp"):
        run = gmmbench.compose(f"image.path={path}", *SMALL[1:])
        named = keys.keys_of(run, run.image.load()).run
        gmmbench.execute(run, store=store)
    assert len(fits) == 1
    assert named != keys.keys_of(gmmbench.compose(*SMALL), run.image.load()).run, "but it is another run"


@pytest.mark.parametrize("what", ["version", "source", "constant"])
def test_other_code_is_another_key(what, monkeypatch):
    run = gmmbench.compose(*SMALL)
    image = run.image.load()
    before = keys.keys_of(run, image).fit, keys.keys_of(run, image).run
    if what == "version":
        monkeypatch.setattr(keys, "versions", lambda cls: {"gmmbench": "0.0.0"})
    elif what == "source":
        monkeypatch.setattr(keys, "_sources", lambda names: "0" * 64)
    else:
        monkeypatch.setattr(keys, "KEY_VERSION", keys.KEY_VERSION + 1)
    after = keys.keys_of(run, image).fit, keys.keys_of(run, image).run
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_plugin_that_is_edited_has_other_keys_without_another_version(tmp_path, monkeypatch):
    (tmp_path / "gmmbench_edited.py").write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import gmmbench_edited  # noqa: F401

    before = keys._package.__wrapped__("gmmbench_edited")
    (tmp_path / "gmmbench_edited.py").write_text("a = 2\n")
    assert keys._package.__wrapped__("gmmbench_edited") != before
    assert keys._package.__wrapped__("no_such_module_anywhere") is None


def test_history_is_kept_for_whom_asks_for_it(store, fits):
    run = gmmbench.compose(*SMALL, "render=evolution")
    first, second = (gmmbench.execute(run, store=store) for _ in range(2))
    assert len(fits) == 1
    assert len(first.study.history) == len(second.study.history) > 2
    for (*one, was), (*other, came) in zip(first.study.history, second.study.history, strict=True):
        assert one == other
        np.testing.assert_array_equal(was.mixture.means, came.mixture.means)
    assert second.study.history[-1][2] is second.study.fitted
    for one, other in zip(
        first.pictures["evolution"].frames, second.pictures["evolution"].frames, strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("fit.npz", "flipped"),
        ("fit.json", "cut"),
        ("scores.npz", "gone"),
        ("about.json", "flipped"),
        ("", "manifest gone"),
        ("", "manifest cut"),
        ("fit.npz", "moved"),
    ],
)
def test_a_damaged_entry_is_found_said_and_made_anew(name, how, store, fits, caplog):
    run = dataclasses.replace(gmmbench.compose(*SMALL), renders={})
    first = gmmbench.execute(run, store=store)
    folder = entry(store).path
    file = folder / ("manifest.json" if how.startswith("manifest") else name)
    data = bytearray(file.read_bytes())
    if how == "moved":
        (folder / "manifest.json").write_bytes((entry(store, "images").path / "manifest.json").read_bytes())
    elif how == "flipped":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif how.endswith("cut"):
        file.write_bytes(data[: len(data) // 2])
    else:
        file.unlink()
    second = gmmbench.execute(run, store=store)
    assert len(fits) == 2
    assert not second.cost.cached
    (line,) = [record.getMessage() for record in caplog.records if "damaged" in record.getMessage()]
    assert line.startswith(f"store: fits/{entry(store).key[:10]} is damaged and computed again (")
    assert "\n" not in line
    assert gmmbench.execute(run, store=store).cost.cached, "it is whole again"
    np.testing.assert_array_equal(first.study.fitted.mixture.means, second.study.fitted.mixture.means)


def test_nothing_that_is_kept_is_a_pickle(store):
    gmmbench.execute(gmmbench.compose(*SMALL, "render=evolution"), store=store)
    gmmbench.execute(gmmbench.compose("image=china", "image.max_side=24", "model=lightgbm", "model.trees=5",
                                      "render=grid"), store=store)  # fmt: skip
    files = [file for entry in store.entries() for file in entry.path.iterdir()]
    assert {file.suffix for file in files} == {".npz", ".json"}
    for file in files:
        if file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as arrays:
                assert all(arrays[name].dtype.kind in "fiub" for name in arrays.files)
        else:
            json.loads(file.read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Plain(Model):
    """It counts nothing and keeps nothing, or keeps what cannot be stored."""

    name = "plain"
    views = ("ink",)
    how: str = "nothing"

    def fit(self, scene, rng, watch):
        FITS.append(1)
        return KINDS[self.how]()


FITS = []


class Nothing(Density):
    n_parameters, iterations, converged, columns = 0, 1, True, ("x", "y")

    def log_density(self, points):
        return np.where(((points > 0) & (points < 1)).all(axis=1), 0.0, -np.inf)

    def sample(self, n, rng):
        return rng.random((n, 2))


class Objects(Nothing):
    def save(self):
        return {"objects": np.array([object()])}, {}


class Crashes(Nothing):
    def save(self):
        raise ZeroDivisionError("deep inside")


class OneWay(Nothing):
    def save(self):
        return {}, {}


class Both(OneWay):
    @classmethod
    def load(cls, arrays, facts):
        return cls()


KINDS = {"nothing": Nothing, "objects": Objects, "crashes": Crashes, "one way": OneWay, "both": Both}


@dataclasses.dataclass(frozen=True)
class Square(gmmbench.ImageSource):
    """A square of ink in a square."""

    name = "square"

    def load(self):
        ink = np.zeros((20, 20))
        ink[5:12, 6:15] = 1
        return Image("square", "ink", ink, "a" * 64)


@pytest.mark.parametrize(("how", "times", "said"), [
    ("nothing", 2, ""),
    ("objects", 2, "cannot be stored: TypeError: expected arrays of numbers, got objects in 0:objects"),
    ("crashes", 2, "cannot be stored: ZeroDivisionError: deep inside"),
    ("one way", 2, "NotImplementedError: OneWay has save, but no load"),
    ("both", 1, ""),
])  # fmt: skip
def test_a_plugin_takes_part_by_save_and_load_and_else_is_refitted(how, times, said, store, caplog):
    FITS.clear()
    for _ in range(2):
        gmmbench.execute(Run(Square(), Plain(how), {}), store=store)
    assert len(FITS) == times
    assert said in caplog.text
    if not said:
        assert not caplog.records


@pytest.mark.parametrize(
    "words",
    [
        ["os", "system"],
        ["gmmbench.storage.store", "Store"],
        ["gmmbench.mixture_fit", "COLUMNS"],
        ["gmmbench_evil", "Fitted"],
        ["gmmbench.models.gmm", "<locals>.X"],
    ],
)
def test_a_file_can_name_no_class_but_a_fit_of_the_models_own_package(words):
    with pytest.raises(TypeError):
        class_of_fit(words, GMM)


def test_files_of_a_manifest_lie_in_the_entry(store, tmp_path):
    (tmp_path / "secret.txt").write_text("mine")
    store.put("runs", "ab" * 32, {"a.txt": b"a"})
    manifest = entry(store, "runs").path / "manifest.json"
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "files": {"../../../../secret.txt": "0" * 64}}))
    assert store.get("runs", "ab" * 32) is None
    assert store.get("runs", "../../secret") is None


def test_infinite_and_missing_numbers_are_kept_as_they_are():
    fitted = gmmbench.mixture_fitted(
        gmmbench.mixture.Mixture([1], [[0.5, 0.5]], [np.eye(2) / 9]),
        ("x", "y"),
        n_parameters=5,
        iterations=1,
        converged=True,
        odd=np.float32(0.1),
        bound=float("-inf"),
    )
    score = Score(float("nan"), float("inf"), None, "bits", interval=(np.float64(0.1), 2.0))
    maps = [np.full((2, 2), value, np.float32) for value in (np.nan, np.inf, 0.1)]
    details = ScoreDetails(
        normalisation_check=CheckDetails(("narrow",), float("nan"), 0.5, 7, None, "exact", False),
        baselines={"uniform": 0.0, "kde": None},
        description=DescriptionDetails(float("inf"), None, 1, 2.5, None, 9),
    )
    scores = Scores({"gain": score}, ("why",), details, (), *maps)
    learnt = Learnt(fitted, ((1, None, fitted),), scores, Cost(1.5, 2.5, 0, None, 2))
    other = serialization.learnt_of(serialization.files_of(learnt, {}), GMM)
    assert vars(other.cost) == {**vars(learnt.cost), "cached": True}
    assert other.fitted.more == {"odd": float(np.float32(0.1)), "bound": float("-inf")}
    assert np.isnan(other.scores.values["gain"].train)
    assert other.scores.values["gain"].held_out == float("inf")
    assert other.scores.values["gain"].interval == (0.1, 2.0)
    assert other.scores.not_ranked == ("why",)
    assert repr(other.scores.details) == repr(details)
    for one, two in zip(
        maps, (other.scores.gain, other.scores.weight, other.scores.log_likelihood), strict=True
    ):
        np.testing.assert_array_equal(one, two)
        assert two.dtype == np.float32


def test_two_at_once_keep_one_entry_and_both_get_theirs(store):
    run = gmmbench.compose(*SMALL, "model.components=9")
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: gmmbench.execute(run, store=store), range(4)))
    assert len([entry for entry in store.entries() if entry.kind == "fits"]) == 1
    for outcome in outcomes:
        np.testing.assert_array_equal(
            outcome.study.fitted.mixture.means, outcomes[0].study.fitted.mixture.means
        )
    assert not list(store.folder.rglob(".*")), "no temporary folder is left"


def test_processes_at_once_keep_whole_entries(store):
    code = (
        "import sys, gmmbench\nstore = gmmbench.Store(sys.argv[1])\n"
        "for i in range(60):\n"
        "    files = {f'{n}.bin': bytes([i]) * 5000 for n in range(4)}\n"
        "    key = f'{i % 6:064x}'\n"
        "    got = store.get('runs', key)\n"
        "    assert got is None or len({bytes(set(data)) for data in got.values()}) == 1, got\n"
        "    store.put('runs', key, files)\n"
        "    if i % 7 == 0: store.clean(everything=True)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(store.folder)], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert store.clean(damaged=True) == []


def test_a_fit_is_opened_again_and_drawn_to_the_last_bit(store, tmp_path):
    run = gmmbench.compose(*SMALL, "render=[grid,sample]", "seed=2")
    done = gmmbench.execute(run, store=store)
    report = gmmbench.save(done, tmp_path / "out")
    for what in (tmp_path / "out", report.keys.fit):
        study = store.open(what)
        np.testing.assert_array_equal(study.split.codes, done.study.split.codes)
        np.testing.assert_array_equal(study.image.values, done.study.image.values)
        assert study.image.notes == done.study.image.notes
        for option, renderer in run.renders.items():
            picture = renderer.render(study, gmmbench.api.stream(run.seed, f"render:{option}"))
            np.testing.assert_array_equal(picture.pixels, done.pictures[option].pixels)


def test_an_image_is_kept_again_where_it_was_cleaned(store):
    run = gmmbench.compose(*SMALL)
    key = gmmbench.Report.of(gmmbench.execute(run, store=store)).keys.fit
    atomic.remove_folder(entry(store, "images").path)
    with pytest.raises(Refused, match=r"expected the image of .* got none; try its command again"):
        store.open(key)
    assert gmmbench.execute(run, store=store).cost.cached
    assert store.open(key).image.name == "dog"


def test_what_cannot_be_opened_is_refused_in_one_line(store, tmp_path):
    for what in (tmp_path, tmp_path / "no", "0" * 64):
        with pytest.raises(Refused, match="expected the folder of a run whose fit is stored") as refused:
            store.open(what)
        assert "\n" not in str(refused.value)


def test_a_store_that_cannot_be_written_costs_no_run(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    outcome = gmmbench.execute(gmmbench.compose(*SMALL), store=Store(tmp_path / "file"))
    assert outcome.pictures
    assert "nothing is stored there" in caplog.text


def test_the_store_is_where_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("GMMBENCH_STORE", str(tmp_path / "named"))
    assert Store().folder == tmp_path / "named"
    monkeypatch.delenv("GMMBENCH_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert Store().folder == tmp_path / "cache/gmmbench/store"
    if sys.platform == "linux":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert Store().folder == tmp_path / ".cache/gmmbench/store"


def test_the_command_line_keeps_takes_and_can_do_without(tmp_path, store_folder, monkeypatch, capsys, fits):
    monkeypatch.chdir(tmp_path)
    words = [*SMALL, "render=[grid,points]"]
    assert main([*words, "hydra.run.dir=a"]) == 0
    assert "from the store" not in capsys.readouterr().out
    assert main([*words, "hydra.run.dir=b"]) == 0
    assert "fit from the store, " in capsys.readouterr().out
    assert len(fits) == 1
    a, b = (json.loads((tmp_path / name / "report.json").read_text()) for name in "ab")
    run = gmmbench.compose(*words)
    assert a["keys"]["run"] == keys.keys_of(run, run.image.load()).run, "it is Python's key, too"
    assert (a["cost"].pop("cached"), b["cost"].pop("cached")) == (False, True)
    assert a == b, "the original cost, marked as such"
    assert "from the store" in (tmp_path / "b/report.md").read_text()
    for name in ("grid.png", "original.png", "scores.npz", "config.yaml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert main([*words, "hydra.run.dir=c", "store.use=false"]) == 0
    assert len(fits) == 2
    assert main([*words, "hydra.run.dir=d", "store.dir=my store"]) == 0
    assert (tmp_path / "my store/fits").is_dir()
    assert main([*words, "store.dirr=x"]) in (1, 2)
    assert main([*words, "store=null"]) in (1, 2)
    assert len(capsys.readouterr().err.splitlines()) == 2
