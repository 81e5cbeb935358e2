"""Messages between a run and its isolated processes: facts as JSON and arrays as npz, never a pickle.

A message is eight bytes with its length and then an npz, in which the facts are one more array, of bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..plain_data import of_npz, to_json, to_npz

FACTS = "facts"
ARRAY = "array:"
LENGTH = 8

Arrays = Mapping[str, NDArray[Any]]


def send(stream: BinaryIO, facts: Mapping[str, Any], arrays: Arrays | None = None) -> None:
    """Write one message. Raises TypeError: an array holds objects, or JSON cannot hold a fact."""
    named = {ARRAY + name: np.asarray(array) for name, array in (arrays or {}).items()}
    data = to_npz({FACTS: np.frombuffer(to_json(facts), dtype=np.uint8), **named})
    stream.write(len(data).to_bytes(LENGTH, "big"))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Read one message: facts and arrays, which can be written to. None at the end of the stream."""
    head = stream.read(LENGTH)
    if len(head) < LENGTH:
        return None
    size = int.from_bytes(head, "big")
    data = stream.read(size)
    if len(data) < size:
        return None
    found = of_npz(data)
    facts = json.loads(found.pop(FACTS).tobytes())
    return facts, {name.removeprefix(ARRAY): array.copy() for name, array in found.items()}


def rng_to_facts(rng: np.random.Generator) -> dict[str, Any]:
    """A random stream as facts: what it draws next, and what it spawns."""
    bits = rng.bit_generator
    return {"state": bits.state, "seed": dict(bits.seed_seq.state)}  # type: ignore[attr-defined]  # numpy's stubs know no state


def rng_of_facts(facts: Mapping[str, Any]) -> np.random.Generator:
    """The same random stream."""
    seed = np.random.SeedSequence(**facts["seed"])
    bits = getattr(np.random, facts["state"]["bit_generator"])(seed)
    bits.state = facts["state"]
    return np.random.Generator(bits)
