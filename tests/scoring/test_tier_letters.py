"""Names share a letter exactly where they are not told apart."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gmmbench.scoring.tier_letters import letters_text, tier_letters


@st.composite
def displays(draw, most=9):
    """Names, best first, and any set of pairs that are told apart."""
    names = [f"m{at}" for at in range(draw(st.integers(0, most)))]
    pairs = list(combinations(names, 2))
    apart = draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    return names, {pair if draw(st.booleans()) else pair[::-1] for pair in apart}


@given(displays())
def test_two_names_share_a_letter_exactly_where_they_are_not_told_apart(display):
    names, apart = display
    letters = tier_letters(names, apart)
    for a, b in combinations(names, 2):
        assert bool(set(letters[a]) & set(letters[b])) != ((a, b) in apart or (b, a) in apart)


@given(displays())
def test_no_letter_can_be_left_out(display):
    names, apart = display
    letters = tier_letters(names, apart)
    assert all(letters.values())
    for letter in {letter for own in letters.values() for letter in own}:
        without = {name: set(own) - {letter} for name, own in letters.items()}
        lost = [
            (a, b)
            for a, b in combinations(names, 2)
            if set(letters[a]) & set(letters[b]) and not without[a] & without[b]
        ]
        assert lost or any(not own for own in without.values())


@given(displays())
def test_letters_are_given_in_the_order_of_the_names(display):
    names, apart = display
    letters = tier_letters(names, apart)
    seen = [letter for name in names for letter in letters[name]]
    assert list(dict.fromkeys(seen)) == sorted(set(seen))
    if names:
        assert letters[names[0]][0] == "a"


def test_what_is_alike_on_two_sides_has_two_letters():
    assert tier_letters("ABC", {("A", "C")}) == {"A": ("a",), "B": ("a", "b"), "C": ("b",)}
    assert tier_letters("ABC", {("A", "B")}) == {"A": ("a",), "B": ("b",), "C": ("a", "b")}
    assert tier_letters("AB", ()) == {"A": ("a",), "B": ("a",)}
    assert tier_letters("A", ()) == {"A": ("a",)}
    assert tier_letters("", ()) == {}


def test_many_letters_stay_legible():
    names = [f"m{at}" for at in range(60)]
    letters = tier_letters(names, set(combinations(names, 2)))
    assert len({own for own in letters.values()}) == 60
    assert (letters["m25"], letters["m26"]) == (("z",), ("a2",))
    assert letters_text(("a", "b", "c")) == "abc"
    assert letters_text(("a", "b", "c", "d", "e")) == "a-e"
    assert letters_text(("a", "b", "d", "e")) == "abde"
    assert letters_text(("y", "z", "a2", "b2")) == "y-b2"


def test_hundreds_of_names_take_no_exponential_time():
    rng = np.random.default_rng(1)
    means = np.sort(rng.normal(size=300))[::-1]
    names = [f"m{at}" for at in range(300)]
    noise = rng.normal(scale=0.1, size=(300, 300))
    apart = {
        (names[i], names[j])
        for i, j in combinations(range(300), 2)
        if means[i] - means[j] + noise[i, j] > 0.4
    }
    letters = tier_letters(names, apart)
    for a, b in combinations(names, 2):
        assert bool(set(letters[a]) & set(letters[b])) != ((a, b) in apart)
