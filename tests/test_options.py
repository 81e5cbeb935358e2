"""Options: fields that know their range and say in one line what they expected."""

import copy
import pickle
from dataclasses import dataclass, replace

import pytest

from gmmbench import ImageSource, Refused, option
from gmmbench.errors import nearest, unknown
from gmmbench.options import check_options


@dataclass(frozen=True)
class Brush:
    size: int = option(3, "width", low=1, high=9)
    ink: float = option(0.5, "share", above=0, below=1)
    tip: str = option("round", "shape", choices=("round", "flat"))
    wet: bool = option(False, "wet or dry")
    cap: int | None = option(None, "most strokes", low=1)
    stops: list[float] = option([0.1, 0.2], "where", low=0)
    pairs: list[list[float]] = option([[0, 0], [1, 1]], "knots")

    def __post_init__(self):
        check_options(self)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("size", 0, "size: expected a whole number >= 1 and <= 9, got 0; try 3"),
        ("size", 2.5, "size: expected a whole number >= 1 and <= 9, got 2.5; try 3"),
        ("size", True, "size: expected a whole number >= 1 and <= 9, got true; try 3"),
        ("ink", 0, "ink: expected a number > 0 and < 1, got 0; try 0.5"),
        ("ink", float("nan"), "ink: expected a number > 0 and < 1, got nan; try 0.5"),
        ("ink", float("inf"), "ink: expected a number > 0 and < 1, got inf; try 0.5"),
        ("tip", "flt", "tip: expected one of round, flat, got 'flt'; try flat"),
        ("wet", 1, "wet: expected true or false, got 1; try false"),
        ("cap", 0, "cap: expected a whole number >= 1 or null, got 0; try null"),
        ("stops", [], "stops: expected a list, each item a number >= 0, got []; try [0.1,0.2]"),
        ("stops", [-1.0], "stops: expected a list, each item a number >= 0, got [-1.0]; try [0.1,0.2]"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(name, value, line):
    with pytest.raises(Refused) as refused:
        Brush(**{name: value})
    assert str(refused.value) == line


def test_good_values_pass_and_lists_are_not_shared():
    assert Brush(size=9, ink=0.25, tip="flat", cap=7, stops=[0, 2.5]).cap == 7
    assert Brush().stops is not Brush().stops


def test_the_nearest_name_is_offered_only_when_it_is_near():
    assert nearest("butterly", ["dog", "butterfly"]) == "butterfly"
    assert nearest("xyz", ["dog", "butterfly"]) is None
    assert unknown("image", "dgo", ["dog", "cat"]) == "image: expected one of cat, dog, got 'dgo'; try dog"


@dataclass(frozen=True)
class Sheet(ImageSource):
    name = "sheet"
    paper: str = option("white", "colour", choices=("white", "grey"), formerly=("ground", "colour"))
    colour_count: int = option(2, "colours", low=1, formerly=("paper",))

    def load(self):
        raise NotImplementedError


def test_a_former_name_is_answered_with_the_new_one():
    for old in ("ground", "colour"):
        with pytest.raises(Refused) as refused:
            Sheet(**{old: "grey"})
        assert str(refused.value) == f"{old}: expected its new name, paper; try paper='grey'"


def test_a_name_that_is_in_use_is_nobodys_former_name():
    assert Sheet(paper="grey").paper == "grey"
    with pytest.raises(TypeError, match="shade"):
        Sheet(shade="grey")


def test_choices_are_replaced_copied_and_pickled_as_dataclasses_are():
    sheet = replace(Sheet("grey"), colour_count=3)
    assert sheet == copy.deepcopy(sheet) == pickle.loads(pickle.dumps(sheet)) == Sheet("grey", 3)
