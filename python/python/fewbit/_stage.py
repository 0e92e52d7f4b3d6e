"""What an accumulator's text says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Optional, Tuple

from . import _fewbit


@dataclass(frozen=True)
class Stage:
    """A register, how many inputs it takes in one step, and how many it sums before it hands its value on."""

    text: str
    register: str
    #: P of an integer register.
    bits: Optional[int]
    width: int
    #: How many registers take turns.
    interleave: int
    count: Optional[int]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Entry:
    """An accumulator's canonical text and its stages, innermost first."""

    text: str
    stages: Tuple[Stage, ...]
    is_integer: bool


def entry_of(text: str) -> Entry:
    """What a text says; a ValueError where it is no accumulator's."""
    entry = json.loads(_fewbit.accumulator_entry(text))
    return Entry(entry["text"], tuple(Stage(**stage) for stage in entry["stages"]), entry["is_integer"])
