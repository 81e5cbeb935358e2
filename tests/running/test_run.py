"""One run: its scores, its report, its files."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import gmmbench
from gmmbench import Density, Image, ImageSource, Model, Predictor, Refused, Run, registry
from gmmbench.api import TEST, TRAIN
from gmmbench.reporting.report import Report
from gmmbench.reporting.report_markdown import to_markdown
from gmmbench.storage.run_files import atomic_write, prune, save

BUNDLED = ["dog", "butterfly", "tiger", "horse", "china", "flower", "astronaut", "coffee", "cat"]


@dataclasses.dataclass(frozen=True)
class Given(ImageSource):
    """An image that is there already."""

    name = "given"
    side: int = 24

    def load(self):
        y, x = np.mgrid[: self.side, : self.side + 8]
        ink = np.where((x - 14) ** 2 + (y - 9) ** 2 < 40, 0.25 + 0.75 * (x % 2), 0.0)
        return Image("given", "ink", ink, "f" * 64)


@dataclasses.dataclass(frozen=True)
class Fixed(Model):
    """A Gaussian that nobody fitted, and a classifier that nobody taught."""

    name = "fixed"
    views = ("ink",)
    classifier: bool = False

    def fit(self, scene, rng, watch):
        return FixedClassifier(0, 1, True) if self.classifier else FixedDensity(5, 1, True)


@dataclasses.dataclass(frozen=True, eq=False)
class FixedDensity(Density):
    n_parameters: int
    iterations: int
    converged: bool
    columns = ("x", "y")

    def log_density(self, points):
        return multivariate_normal([0.5, 0.3], 0.02 * np.eye(2)).logpdf(points)

    def sample(self, n, rng):
        return rng.normal([0.5, 0.3], np.sqrt(0.02), (n, 2))


@dataclasses.dataclass(frozen=True, eq=False)
class FixedClassifier(Predictor):
    n_parameters: int
    iterations: int
    converged: bool

    def predict(self, coordinates):
        return np.where(coordinates[:, 0] < 0.5, 0.2, 1.0)


def outcome(**options):
    return gmmbench.execute(Run(Given(), Fixed(**options), {}, seed=3))


def test_the_log_likelihood_of_a_density_is_the_mean_over_inked_pixels():
    done = outcome()
    image, split = done.study.image, done.study.split
    total, weight = {TRAIN: 0.0, TEST: 0.0}, {TRAIN: 0.0, TEST: 0.0}
    law = multivariate_normal([0.5 * 32, 0.3 * 32], 0.02 * 32**2 * np.eye(2))  # in pixels
    for row in range(24):
        for column in range(32):
            code = split.codes[row, column]
            if code in total:
                total[code] += image.values[row, column] * law.logpdf([column + 0.5, row + 0.5])
                weight[code] += image.values[row, column]
    assert done.scores.values["log_likelihood"].train == pytest.approx(
        total[TRAIN] / weight[TRAIN], rel=1e-12
    )
    assert done.scores.values["log_likelihood"].held_out == pytest.approx(
        total[TEST] / weight[TEST], rel=1e-12
    )
    assert done.scores.values["log_likelihood"].unit == "nats per point"


def test_the_log_likelihood_of_a_classifier_is_bernoullis_over_all_pixels():
    done = outcome(classifier=True)
    ink, held = done.study.image.values, done.study.split.codes == TEST
    left = np.arange(32) < 15.5
    p = np.where(left, 0.2, 1 - 1e-6)  # nobody is believed to be surer than that
    expected = (ink * np.log(p) + (1 - ink) * np.log(1 - p))[held].mean()
    assert done.scores.values["log_likelihood"].held_out == pytest.approx(expected, rel=1e-9)
    assert done.scores.values["log_likelihood"].unit == "nats per pixel"


def test_the_map_sums_to_the_log_likelihood():
    done = outcome()
    held = done.study.split.codes == TEST
    ink = done.study.image.values
    assert np.isnan(done.scores.log_likelihood[ink == 0]).all()
    total = np.nansum(done.scores.log_likelihood[held]) / ink[held].sum()
    assert total == pytest.approx(done.scores.values["log_likelihood"].held_out, rel=1e-5)


def test_a_uniform_density_scores_minus_the_log_of_the_number_of_pixels():
    run = gmmbench.compose("image=dog", "image.max_side=50", "model.components=1")
    image = run.image.load()

    class Uniform(FixedDensity):
        def log_density(self, points):
            return np.full(len(points), -np.log(np.prod(image.lattice.box)))

    class Flat(Fixed):
        def fit(self, scene, rng, watch):
            return Uniform(0, 1, True)

    done = gmmbench.execute(dataclasses.replace(run, model=Flat()))
    assert done.scores.values["log_likelihood"].held_out == pytest.approx(-np.log(image.lattice.size))


def test_a_colour_likelihood_counts_levels_and_pixels():
    run = gmmbench.compose("image=china", "image.max_side=24", "model.components=2", "render=grid")
    done = gmmbench.execute(run)
    mixture, image = done.study.fitted.mixture, done.study.image
    cell = image.lattice.cell
    scale = np.array([1 / cell, 1 / cell, 256, 256, 256])
    in_pixels = gmmbench.mixture.Mixture(
        mixture.weights, mixture.means * scale, mixture.covariances * np.outer(scale, scale)
    )
    rows, columns = np.nonzero(done.study.split.codes == TEST)
    points = np.column_stack((columns + 0.5, rows + 0.5, image.values[rows, columns] + 0.5))
    assert done.scores.values["log_likelihood"].held_out == pytest.approx(
        in_pixels.log_density(points).mean(), abs=1e-9
    )


@dataclasses.dataclass(frozen=True)
class Grey(Model):
    """It expects grey, and has no law of it."""

    name = "grey"
    views = ("colour",)

    def fit(self, scene, rng, watch):
        class Fit(Predictor):
            n_parameters, iterations, converged = 0, 1, True

            def predict(self, coordinates):
                return np.full((len(coordinates), 3), 0.5)

        return Fit()


def test_a_regressor_of_colour_without_a_law_has_no_score_and_says_why():
    run = gmmbench.compose("image=china", "image.max_side=20")
    report = Report.of(gmmbench.execute(dataclasses.replace(run, model=Grey())))
    assert report.scores["log_likelihood"].held_out is None
    assert report.scores["psnr"].held_out > 5
    assert not report.ranked
    assert report.aim() is None
    assert "no score, for this fit has no predictive distribution of colour" in report.headline()
    assert "no predictive distribution of colour" in to_markdown(report)


def test_holding_out_nothing_fits_everything():
    run = gmmbench.compose("image.max_side=50", "model.components=3", "hold_out=0")
    done = gmmbench.execute(run)
    assert done.study.split.count(TRAIN) == done.study.image.lattice.size
    assert done.scores.values["log_likelihood"].held_out is None
    assert json.loads(Report.of(done).to_json())["log_likelihood"]["held_out"] is None


def test_a_view_that_a_model_cannot_learn_is_refused_before_any_work():
    run = gmmbench.compose("image=china", "image.view=levels", "image.max_side=20", "model=lightgbm")
    with pytest.raises(Refused, match=r"image.view: expected ink or colour for .*lightgbm, got levels"):
        gmmbench.execute(run)


def test_what_cannot_be_drawn_is_skipped_with_a_reason():
    run = gmmbench.compose("image=dog", "image.max_side=40", "model=lightgbm", "render=[grid,sample]")
    done = gmmbench.execute(run)
    assert list(done.pictures) == ["grid"]
    assert "does not offer" in done.skipped["sample"]
    assert "`sample` was not drawn" in to_markdown(Report.of(done))


def test_a_report_holds_its_files_and_the_scores_its_split(tmp_path):
    run = gmmbench.compose("image.max_side=50", "model.components=3", "render=[grid,contour]")
    done = gmmbench.execute(run)
    report = save(done, tmp_path / "out")
    written = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    assert written == json.loads(report.to_json())
    for picture in written["pictures"]:
        assert (tmp_path / "out" / picture["file"]).exists()
    scores = np.load(tmp_path / "out/scores.npz")
    np.testing.assert_array_equal(scores["split"], done.study.split.codes)
    assert scores["log_likelihood"].dtype == np.float32
    assert written["pixels"] == {name: int((scores["split"] == code).sum()) for name, code in
                                 (("train", 0), ("validation", 1), ("held_out", 2))}  # fmt: skip
    assert written["cost"]["wall_seconds"] > 0
    assert written["fit"]["n_parameters"] == 6 * 3 - 1


def test_the_written_config_is_the_run_again(tmp_path):
    run = gmmbench.compose("image.max_side=50", "model.components=3", "render=grid_log", "seed=5")
    save(gmmbench.execute(run), tmp_path / "out")
    import yaml

    tree = yaml.safe_load((tmp_path / "out/config.yaml").read_text(encoding="utf-8"))
    assert tree["seed"] == 5
    made = registry.load().lookup("model", tree["model"].pop("name"))(**tree["model"])
    assert made == run.model
    assert tree["render"]["grid_log"]["mapping"] == "log"


def test_pictures_bear_their_provenance_and_no_time(tmp_path):
    from PIL import Image as Pillow

    run = gmmbench.compose("image.max_side=50", "model.components=3")
    save(gmmbench.execute(run), tmp_path / "out")
    text = Pillow.open(tmp_path / "out/grid.png").text
    assert json.loads(text["gmmbench"])["config"]["model"]["components"] == 3
    assert text["Software"].startswith("gmmbench ")
    assert text["Description"].startswith("Grid: ")
    assert "20" + "26" not in text["Software"]


def test_a_folder_with_files_in_it_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    run = gmmbench.compose("image.max_side=30", "model.components=2")
    with pytest.raises(Refused, match="expected a new or empty folder"):
        save(gmmbench.execute(run), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    target = tmp_path / "file.txt"
    atomic_write(target, b"old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        atomic_write(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_pruning_removes_only_what_was_made_and_is_empty(tmp_path):
    (tmp_path / "mine/made/run").mkdir(parents=True)
    prune(tmp_path / "mine/made/run", tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"], "what was there before stays"
    assert list((tmp_path / "mine").iterdir()) == []
    (tmp_path / "mine/made/run").mkdir(parents=True)
    (tmp_path / "mine/made/keep.txt").write_text("x")
    prune(tmp_path / "mine/made/run", tmp_path / "mine")
    assert (tmp_path / "mine/made/keep.txt").exists()
    prune(tmp_path / "mine", None)
    assert (tmp_path / "mine").exists()


@dataclasses.dataclass(frozen=True)
class Rude(gmmbench.Renderer):
    """A renderer that does what it should not."""

    name = "rude"
    needs = {"ink": ("log_ink",)}
    how: str = "raises"

    def render(self, study, rng):
        if self.how == "raises":
            raise ZeroDivisionError("deep inside")
        if self.how == "writes":
            study.image.values[:] = 0
        if self.how == "splits":
            study.split.codes[:] = 0
        if self.how == "moves":
            study.fitted.mixture.means[:] = 0
        if self.how == "floats":
            return gmmbench.Picture(np.zeros((4, 4, 3)), "no")
        return "no picture"


@pytest.mark.parametrize("how", ["raises", "writes", "splits", "moves", "floats", "string"])
def test_a_rude_renderer_costs_only_its_own_picture(how, tmp_path):
    run = gmmbench.compose("image.max_side=40", "model.components=3", "render=grid")
    calm = gmmbench.execute(run)
    done = gmmbench.execute(dataclasses.replace(run, renders={"rude": Rude(how), **run.renders}))
    assert list(done.pictures) == ["grid"]
    assert done.failed["rude"].startswith(f"rude ({__name__}): ")
    np.testing.assert_array_equal(done.pictures["grid"].pixels, calm.pictures["grid"].pixels)
    report = save(done, tmp_path / "out")
    assert json.loads(report.to_json())["failed"] == dict(done.failed)
    assert "`rude` failed" in to_markdown(report)


@pytest.mark.parametrize("option", BUNDLED)
@pytest.mark.parametrize(
    "model", ["uniform", "histogram", "gmm", "bgmm", "infinite", "lightgbm", "kde"], ids=str
)
def test_no_model_beats_a_ceiling_on_a_bundled_image(option, model):
    if model == "kde" and (option in BUNDLED[4:] or model not in registry.load().classes["model"]):
        pytest.skip("the plugin gmmbench-kde is for ink, and may not be installed")
    options = {
        "lightgbm": ["model.trees=15"],
        "gmm": ["model.components=20"],
        "bgmm": ["model.components=20"],
    }
    run = gmmbench.compose(f"image={option}", "image.max_side=48", f"model={model}", *options.get(model, []))
    scores = gmmbench.execute(dataclasses.replace(run, renders={})).scores
    assert scores.alarms == ()
    assert scores.not_ranked == ()
    gain, ceiling = scores.values["gain"], scores.values["ceiling"]
    if ceiling.held_out is not None:
        assert gain.held_out <= ceiling.held_out + 1e-9
        assert gain.train <= ceiling.train + 1e-9


@pytest.mark.parametrize("option", BUNDLED)
def test_every_bundled_image_runs(option):
    run = gmmbench.compose(f"image={option}", "image.max_side=64", "model.components=6", "render=grid")
    done = gmmbench.execute(run)
    colour = option in BUNDLED[4:]
    assert done.study.image.view == ("colour" if colour else "ink")
    truth, drawn = done.study.image.pixels(), done.pictures["grid"].pixels
    assert truth.shape == drawn.shape
    likeness = np.corrcoef(truth.ravel(), drawn.ravel())[0, 1]
    assert likeness > (0.5 if colour else 0.25), f"the picture looks like {option}: {likeness:.2f}"


@pytest.mark.parametrize(
    ("file", "view"),
    [
        ("bw14_great_wave.png", "ink"),
        ("kodim23.png", "colour"),
        ("col_tulips_alpha.png", "colour"),
        ("col_two_dogs_6mp.jpg", "colour"),
    ],
)
def test_images_of_others_run(shared, file, view):
    run = gmmbench.compose(f"image.path={shared / file}", "image.max_side=80", "model.components=8")
    done = gmmbench.execute(run)
    assert done.study.image.view == view
    assert done.study.image.name == file.rpartition(".")[0]
    assert np.isfinite(done.scores.values["log_likelihood"].held_out)


def test_nothing_is_said_to_be_less_than_nothing():
    """Rounding leaves uniform a gain of -1e-17 on some splits; nobody wants to read -0.00."""
    run = gmmbench.compose("image=dog", "model=uniform", "hold_out=0.9")
    report = Report.of(gmmbench.execute(dataclasses.replace(run, renders={})))
    assert "gains 0.00 of" in report.headline()
    assert "-0." not in report.headline()
    assert "| information gain | 0.000 |" in to_markdown(report)
