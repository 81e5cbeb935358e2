"""The command beside a run makes it again."""

import shlex

import pytest

import gmmbench
from gmmbench.comparing.reproduce import command
from gmmbench.reporting.report import Report
from gmmbench.running.provenance import config_of


@pytest.mark.parametrize(
    "words",
    [
        ("image=dog", "image.max_side=40", "model=uniform"),
        ("image=dog", "image.max_side=40", "model=histogram", "render=[grid,sample]", "seed=7"),
        ("image=dog", "image.max_side=40", "model=uniform", "render=grid", "render.grid.ink='#123456'"),
        ("image=dog", "image.max_side=40", "model=uniform", "render=sample", "render.sample.sizes=[10,20]"),
        ("image=dog", "image.max_side=40", "model=uniform", "hold_out=0.3", "hold_out_block=2", "threads=1"),
        (
            "image=dog",
            "image.view=levels",
            "image.max_side=40",
            "model=gmm",
            "model.components=3",
            "render=density1d",
        ),
        ("image=two_circles", "image.side=40", "model=uniform"),
    ],
)
def test_the_command_repeats_the_run(words):
    run = gmmbench.compose(*words)
    said = shlex.split(command(Report.of(gmmbench.execute(run))))
    assert said[0] == "gmmbench"
    assert config_of(gmmbench.compose(*said[1:])) == config_of(run)


def test_a_knob_at_its_default_is_not_said():
    run = gmmbench.compose("image=dog", "image.max_side=40", "model=uniform", "render=grid")
    said = command(Report.of(gmmbench.execute(run)))
    assert said == "gmmbench image=dog image.max_side=40 model=uniform render=grid seed=0"


def test_file_names_of_any_kind_are_quoted(tmp_path):
    import shutil
    from pathlib import Path

    source = Path(gmmbench.__file__).parent / "images/data/dog.png"
    odd = Path(shutil.copy(source, tmp_path / "a dog's [best], 1=2.png"))
    run = gmmbench.compose(f"image.path={odd}", "image.max_side=40", "model=uniform")
    said = shlex.split(command(Report.of(gmmbench.execute(run))))
    assert config_of(gmmbench.compose(*said[1:])) == config_of(run)
