"""What is written as an override is read by Hydra as the value it was."""

import math

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from gmmbench.overrides import quoted_text, written

PARSER = OverridesParser.create()
NASTY = [
    "",
    " ",
    "a b",
    "null",
    "True",
    "nan",
    "INF",
    "1",
    "1e5",
    ".5",
    "-1",
    "0x10",
    "1_000",
    "a=b",
    "[1]",
    "{a: 1}",
    "a,b",
    "it's",
    'q"q',
    "back\\slash",
    "end\\",
    "end\\\\",
    '\\"',
    "${x}",
    "\\${x}",
    "\\\\${x}",
    "$HOME",
    "$",
    "#123456",
    "(1)",
    "~x",
    "x ",
    "é漢",
    "tab\there",
    "a:b",
    "1:30",
    "*",
    "./x",
    "choice(a,b)",
    "+x",
    "%",
    "@",
    "'both\"'",
    "\\'",
    "${oc.env:HOME}",
    "a\\\\b",
    "_",
    "-",
    "e5",
    "?",
]
LETTERS = st.text(st.sampled_from(list("\\\\\"'${}a ,=[]:#()~é.-1e")), max_size=10)
PRIMITIVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NASTY) | LETTERS


def read(text):
    """The value of an override as a run gets it: parsed by Hydra, resolved by OmegaConf."""
    value = PARSER.parse_override(f"key={text}").value()
    return OmegaConf.to_container(OmegaConf.create({"key": value}), resolve=True)["key"]


def same(one, other):
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and one == other


@settings(max_examples=500)
@given(st.recursive(PRIMITIVES, lambda inner: st.lists(inner, max_size=3)))
def test_a_value_is_read_as_it_was(value):
    assert same(read(written(value)), value)


@pytest.mark.parametrize("text", NASTY)
def test_a_text_is_read_as_it_was_plain_quoted_or_in_a_list(text):
    assert read(written(text)) == text
    assert read(quoted_text(text)) == text
    assert read(written([text, text])) == [text, text]


@settings(max_examples=500)
@given(LETTERS | st.sampled_from(NASTY))
def test_texts_without_interpolation_are_quoted_as_hydra_quotes_them(text):
    if "${" not in text:
        assert quoted_text(text) == QuotedString(text, Quote.double).with_quotes()


def test_what_needs_no_quotes_has_none():
    for value, text in (
        ("log", "log"),
        ("a/b.png", "a/b.png"),
        (0.5, "0.5"),
        (1e-05, "1e-05"),
        (None, "null"),
    ):
        assert written(value) == text
    assert written([[0, 0], [0.05, 0.35]]) == "[[0,0],[0.05,0.35]]"
    assert written({"a": [1, "b"]}) == "{a:[1,b]}"
