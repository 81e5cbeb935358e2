"""Tiers as connected letters: names share a letter exactly where no difference between them was found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from string import ascii_lowercase

SHORTENED = 4
"""Letters in a row from which only the first and the last are shown."""


def tier_letters(names: Sequence[str], apart: Collection[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """A compact letter display (Piepho 2004): the letters of each name.

    Two names share a letter exactly where they are not told apart, so being told apart need not be
    transitive. Each letter is a largest set of names none of which is told apart from another. Such sets are
    grown greedily from the first pair that has no letter in common yet (Gramm and others 2007: a letter
    display is a cover of a graph by cliques), so the work stays polynomial in the number of names.

    Args:
        names: the best first; `a` is the first one's letter.
        apart: the pairs that are told apart, in either order.
    """
    place = {name: at for at, name in enumerate(names)}
    everyone = (1 << len(names)) - 1
    alike = [everyone & ~(1 << at) for at in range(len(names))]
    for one, other in apart:
        alike[place[one]] &= ~(1 << place[other])
        alike[place[other]] &= ~(1 << place[one])
    sets = _without_redundant(_cover(alike))
    ordered = sorted(sets, key=_bits)
    found: dict[str, list[str]] = {name: [] for name in names}
    for at, members in enumerate(ordered):
        for member in _bits(members):
            found[names[member]].append(_letter(at))
    return {name: tuple(letters) for name, letters in found.items()}


def letters_text(letters: Sequence[str]) -> str:
    """The letters of a name as a person reads them: `ab`, or `a-f` for many in a row."""
    order = [_number(letter) for letter in letters]
    if len(letters) >= SHORTENED and order == list(range(order[0], order[0] + len(order))):
        return f"{letters[0]}-{letters[-1]}"
    return "".join(letters)


def _cover(alike: Sequence[int]) -> list[int]:
    """Sets of names as bits: each pair that is alike is in one of them, and no other pair is."""
    sets = []
    todo = list(alike)
    for at, partners in enumerate(alike):
        if not partners:
            sets.append(1 << at)
        while todo[at]:
            other = _lowest(todo[at])
            members, candidates = (1 << at) | (1 << other), partners & alike[other]
            while candidates:
                more = _lowest(candidates)
                members |= 1 << more
                candidates &= alike[more]
            for member in _bits(members):
                todo[member] &= ~members
            sets.append(members)
    return sets


def _without_redundant(sets: Sequence[int]) -> list[int]:
    """The sets without those whose every pair lies in others."""
    times: dict[tuple[int, int], int] = {}
    pairs = [list(combinations(_bits(members), 2)) for members in sets]
    for pair in (pair for inside in pairs for pair in inside):
        times[pair] = times.get(pair, 0) + 1
    left = []
    for members, inside in zip(sets, pairs, strict=True):
        if inside and all(times[pair] > 1 for pair in inside):
            for pair in inside:
                times[pair] -= 1
        else:
            left.append(members)
    return left


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _bits(members: int) -> list[int]:
    found = []
    while members:
        found.append(_lowest(members))
        members &= members - 1
    return found


def _letter(at: int) -> str:
    """a to z, then a2 to z2, and so on."""
    times, letter = divmod(at, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(times + 1) if times else "")


def _number(letter: str) -> int:
    return ascii_lowercase.index(letter[0]) + len(ascii_lowercase) * (int(letter[1:] or 1) - 1)
