"""Testbenches: packing, comparison and a scoreboard, in plain integers.

Nothing here needs cocotb itself: what a handle's `value` is (a `LogicArray` of cocotb 2), an int, or text of 0, 1, X and Z
all do. Bits that are neither 0 nor 1 are never made one of them: a lane that has any is a mismatch of its own kind.

>>> hex(pack([0x11, 0x22, 0x33], 8))
'0x332211'
>>> unpack(0x332211, 8, 3)
[17, 34, 51]
>>> unpack("0000000X00000001", 8, 2)
[1, Unknown('0000000X')]
>>> board = Scoreboard("e4m3fn", lanes=2)
>>> board.expect([0x38, 0x44])
>>> board.observe("0100010100111000")
>>> print(board)  # doctest: +ELLIPSIS
2 lanes of e4m3fn compared in 1 word(s), 1 mismatch(es); seed ...
  value: word 0, lane 1: expected 0x44 (3.0), found 0x45 (3.25), 1 ulp
"""

from __future__ import annotations

import os
import sys
from collections import deque
from dataclasses import dataclass
from typing import Any, Deque, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _convert
from ._arrays import text
from ._formats import FormatInfo, formats

__all__ = ["Compare", "Mismatch", "Scoreboard", "Unknown", "pack", "random_generator", "random_seed", "unpack"]


@dataclass(frozen=True)
class Unknown:
    """Bits of which some are neither 0 nor 1, the most significant first."""

    bits: str

    def __repr__(self) -> str:
        return f"Unknown('{self.bits}')"


#: A lane as it was observed.
Lane = Union[int, Unknown]


def pack(codes: Sequence[Any], width: int) -> int:
    """Codes of `width` bits as one word, lane 0 in the low bits; negative integers as two's complement.

    >>> bin(pack([1, -1], 4))
    '0b11110001'
    >>> pack([16], 4)
    Traceback (most recent call last):
        ...
    ValueError: lane 0 is 16, which 4 bits do not hold
    """
    _check_width(width)
    word = 0
    for lane, code in enumerate(codes):
        code = int(code)
        if not -(1 << (width - 1)) <= code < 1 << width:
            raise ValueError(f"lane {lane} is {code}, which {width} bits do not hold")
        word |= (code & ((1 << width) - 1)) << (lane * width)
    return word


def unpack(word: Any, width: int, lanes: int) -> List[Lane]:
    """The lanes of a word, lane 0 from the low bits; `Unknown` where a lane has bits that are neither 0 nor 1."""
    _check_width(width)
    if lanes < 1:
        raise ValueError(f"lanes is {lanes}: expected at least 1")
    bits = _bits(word, width * lanes)
    found: List[Lane] = []
    for lane in range(lanes):
        part = bits[len(bits) - (lane + 1) * width : len(bits) - lane * width]
        found.append(int(part, 2) if set(part) <= {"0", "1"} else Unknown(part))
    return found


def _check_width(width: int) -> None:
    if width < 1:
        raise ValueError(f"width is {width}: expected at least 1 bit")


def _bits(word: Any, width: int) -> str:
    """The bits of a word, the most significant first."""
    if hasattr(word, "__index__") and not isinstance(word, str) and not _is_logic(word):
        number = int(word)
        if not 0 <= number < 1 << width:
            raise ValueError(f"the word is {number:#x}: expected {width} bits")
        return format(number, f"0{width}b")
    bits = str(word).upper().replace("_", "")
    if not bits or not set(bits) <= set("01XZUWLH-"):
        raise ValueError(f"the word is {word!r}: expected an int, a LogicArray, or text of 0, 1, X and Z")
    if len(bits) != width:
        raise ValueError(f"the word has {len(bits)} bits: expected {width}")
    return bits


def _is_logic(word: Any) -> bool:
    # cocotb's arrays have an index too, which refuses what is unknown.
    return type(word).__module__.split(".")[0] == "cocotb"


#: What cocotb seeded the run with; a test has a seed of its own in its place. So this module is imported where a testbench
#: is, and not in a test.
_SEED = getattr(sys.modules.get("cocotb"), "RANDOM_SEED", 0)


def random_seed() -> int:
    """The seed of this run: COCOTB_RANDOM_SEED, else what cocotb chose; 0 without cocotb."""
    return int(os.environ.get("COCOTB_RANDOM_SEED") or _SEED)


def random_generator(stream: int = 0) -> np.random.Generator:
    """A generator of stimuli from the seed of this run; other streams are independent of each other."""
    return np.random.default_rng([random_seed() & (1 << 64) - 1, stream])


@dataclass(frozen=True)
class Mismatch:
    """Where something else came than was expected.

    `kind` is ``value``, ``nan`` (one of the two is NaN, or they are NaNs that the options do not take for each other),
    ``zero-sign``, ``unknown`` (X or Z), ``unexpected`` (a word that nobody waited for) or ``missing`` (one that never came).
    """

    kind: str
    word: int
    lane: int
    expected: Optional[int]
    found: Optional[Lane]
    detail: str
    context: str = ""

    def __str__(self) -> str:
        context = f" ({self.context})" if self.context else ""
        return f"{self.kind}: word {self.word}, lane {self.lane}{context}: {self.detail}"


class Compare:
    """When a code is taken for another.

    `nan` is ``exact`` (the same bits), ``quiet`` (any two quiet NaNs) or ``any`` (any two NaNs); `zero_sign` is ``exact`` or
    ``any``; `ulp` is how many codes apart two finite values of a format may lie, 0 unless given.

    >>> compare = Compare("f16", nan="any", ulp=1)
    >>> compare(0x3C00, 0x3C01), compare(0x7E00, 0x7C01)
    (None, None)
    >>> compare(0x3C00, 0x3C02)
    ('value', 'expected 0x3c00 (1.0), found 0x3c02 (1.001953125), 2 ulp')
    """

    def __init__(self, format: Any, *, nan: str = "exact", zero_sign: str = "exact", ulp: int = 0) -> None:
        for name, given, known in (("nan", nan, ("exact", "quiet", "any")), ("zero_sign", zero_sign, ("exact", "any"))):
            if given not in known:
                raise ValueError(f"{name} is {given!r}: expected one of {', '.join(known)}")
        if ulp < 0:
            raise ValueError(f"ulp is {ulp}: expected at least 0")
        self.format: FormatInfo = formats(text(format, "format"))[0]
        self.nan, self.zero_sign, self.ulp = nan, zero_sign, ulp

    def value(self, code: int) -> float:
        """What a code stands for."""
        return float(_convert.decode(np.array([code], dtype=np.uint32), self.format.name)[0])

    def _is_quiet(self, code: int) -> bool:
        """Whether a NaN has the highest bit of its fraction, or is one of a format in which none signals."""
        info = self.format
        if not info.has_infinity or not info.fraction_bits:
            return True
        return bool(code >> (info.fraction_bits - 1) & 1)

    def place(self, code: int) -> int:
        """A code's place in the order of values: neighbours of a format are 1 apart."""
        info = self.format
        if info.exponent_bits is not None:
            sign = code >> (info.bits - 1) if info.signed else 0
            magnitude = code & ((1 << (info.bits - (1 if info.signed else 0))) - 1)
            return -magnitude if sign else magnitude
        return code - (1 << info.bits) if info.signed and code >> (info.bits - 1) else code

    def __call__(self, expected: int, found: int) -> Optional[Tuple[str, str]]:
        """The kind of a mismatch and what it is, or None."""
        if expected == found:
            return None
        a, b = self.value(expected), self.value(found)
        told = f"expected {expected:#x} ({a}), found {found:#x} ({b})"
        if a != a or b != b:
            both = a != a and b != b
            quiet = both and self._is_quiet(expected) and self._is_quiet(found)
            same = {"exact": False, "quiet": quiet, "any": both}[self.nan]
            return None if same else ("nan", told)
        if a == 0 and b == 0:
            return None if self.zero_sign == "any" or self.format.exponent_bits is None else ("zero-sign", told)
        if abs(a) == float("inf") or abs(b) == float("inf"):
            return ("value", told)
        apart = abs(self.place(expected) - self.place(found))
        return None if apart <= self.ulp else ("value", f"{told}, {apart} ulp")


class Scoreboard:
    """Expected words in order, and what came instead.

    A word has `lanes` codes of `format`, lane 0 in the low bits; `width` is the bits of a lane where they are more than the
    format's. `nan`, `zero_sign` and `ulp` are those of `Compare`.
    """

    def __init__(
        self,
        format: Any,
        *,
        lanes: int = 1,
        width: Optional[int] = None,
        nan: str = "exact",
        zero_sign: str = "exact",
        ulp: int = 0,
        name: str = "",
        seed: Optional[int] = None,
    ) -> None:
        self.compare = Compare(format, nan=nan, zero_sign=zero_sign, ulp=ulp)
        bits = self.compare.format.bits
        if lanes < 1:
            raise ValueError(f"lanes is {lanes}: expected at least 1")
        if width is not None and width < bits:
            raise ValueError(f"width is {width}: {self.compare.format.name} has {bits} bits")
        self.lanes, self.width, self.name = lanes, width or bits, name
        #: Of the run, to repeat it.
        self.seed = random_seed() if seed is None else seed
        self.mismatches: List[Mismatch] = []
        #: Words and lanes that were compared.
        self.words = 0
        self.compared = 0
        self._waiting: Deque[Tuple[List[int], str]] = deque()
        self._unexpected = 0

    def expect(self, codes: Any, context: str = "") -> None:
        """Waits for a word: the codes of its lanes, or the word itself."""
        if np.ndim(codes) == 0:
            lanes = unpack(codes, self.width, self.lanes)
            unknown = [lane for lane in lanes if isinstance(lane, Unknown)]
            if unknown:
                raise ValueError(f"an expected word has {unknown[0]}")
            known = [lane for lane in lanes if isinstance(lane, int)]
        else:
            known = [lane for lane in unpack(pack(codes, self.width), self.width, len(codes)) if isinstance(lane, int)]
            if len(known) != self.lanes:
                raise ValueError(f"{len(known)} codes were expected of {self.lanes} lanes")
        self._waiting.append((known, context))

    def observe(self, word: Any) -> None:
        """Compares a word that came with the one that was waited for longest."""
        lanes = unpack(word, self.width, self.lanes)
        if not self._waiting:
            self._add("unexpected", 0, None, lanes[0], f"found {lanes}, and nothing was expected", "", self.words + self._unexpected)
            self._unexpected += 1
            return
        expected, context = self._waiting.popleft()
        for lane, (code, found) in enumerate(zip(expected, lanes)):
            self.compared += 1
            self._compare(lane, code, found, context)
        self.words += 1

    def check(self, codes: Any, word: Any, context: str = "") -> None:
        """Compares a word with what it should be, beside those that are waited for."""
        waiting, self._waiting = self._waiting, deque()
        try:
            self.expect(codes, context)
            self.observe(word)
        finally:
            self._waiting = waiting

    def _compare(self, lane: int, expected: int, found: Lane, context: str) -> None:
        limit = 1 << self.compare.format.bits
        if isinstance(found, Unknown):
            told = f"expected {expected:#x}, found {found.bits}"
            self._add("unknown", lane, expected, found, told, context, self.words)
        elif found >= limit or expected >= limit:
            if found != expected:
                told = f"expected {expected:#x}, found {found:#x}"
                self._add("value", lane, expected, found, told, context, self.words)
        else:
            wrong = self.compare(expected, found)
            if wrong is not None:
                self._add(wrong[0], lane, expected, found, wrong[1], context, self.words)

    def _add(
        self, kind: str, lane: int, expected: Optional[int], found: Optional[Lane], detail: str, context: str, word: int
    ) -> None:
        self.mismatches.append(Mismatch(kind, word, lane, expected, found, detail, context))

    @property
    def counts(self) -> Dict[str, int]:
        """Mismatches by kind."""
        found: Dict[str, int] = {}
        for mismatch in self.mismatches:
            found[mismatch.kind] = found.get(mismatch.kind, 0) + 1
        if self._waiting:
            found["missing"] = found.get("missing", 0) + len(self._waiting)
        return found

    def report(self, most: int = 20) -> str:
        """What was compared and what was wrong, with the first mismatches and the seed of the run."""
        name = f"{self.name}: " if self.name else ""
        wrong = sum(self.counts.values())
        lines = [
            f"{name}{self.compared} lanes of {self.compare.format.name} compared in {self.words} word(s), {wrong} "
            f"mismatch(es); seed {self.seed}, COCOTB_RANDOM_SEED={self.seed} repeats the run"
        ]
        lines += [f"  {mismatch}" for mismatch in self.mismatches[:most]]
        if len(self.mismatches) > most:
            lines.append(f"  and {len(self.mismatches) - most} more: {self.counts}")
        if self._waiting:
            lines.append(f"  missing: {len(self._waiting)} word(s) that never came, from word {self.words} on")
        return "\n".join(lines)

    def assert_clean(self) -> None:
        """Fails with the report on any mismatch, on words that never came, and where nothing was compared."""
        if self.counts:
            raise AssertionError(self.report())
        if not self.compared:
            raise AssertionError(f"nothing was compared\n{self.report()}")

    def __str__(self) -> str:
        return self.report()
