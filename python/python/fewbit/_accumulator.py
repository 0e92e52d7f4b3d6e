"""What an accumulator is."""

from __future__ import annotations

from typing import Any, Tuple

from ._arrays import text
from ._machine import Machine, MachineArray
from ._stage import Stage, entry_of


class Accumulator:
    """An accumulator: stages from the multiplier outward.

    ``int16-wrap/64,int24-sat`` sums tiles of 64 products in 16 bits that wrap, and their sums in 24 bits that saturate;
    ``int20-sat*8`` checks once per 8 products, ``e5m10-rne`` rounds at every product, ``preset:h100-wgmma-fp8`` is a unit of
    a GPU.

    >>> acc = Accumulator("int16-wrap/64,int24-sat")
    >>> [stage.bits for stage in acc.stages], acc.is_integer
    ([16, 24], True)
    >>> Accumulator("int1-sat")
    Traceback (most recent call last):
        ...
    ValueError: an integer register of 1 bits is outside the supported widths of 2 to 64 bits
    """

    __slots__ = ("_stages", "_text", "is_integer")

    #: Whether every stage is an integer or an exact register.
    is_integer: bool

    def __init__(self, acc: Any) -> None:
        entry = entry_of(text(acc, "acc"))
        self._text = entry.text
        self._stages = entry.stages
        self.is_integer = entry.is_integer

    @property
    def stages(self) -> Tuple[Stage, ...]:
        """The stages, innermost first."""
        return self._stages

    @property
    def __fewbit_name__(self) -> str:
        return self._text

    def machine(self, **formats: Any) -> Machine:
        """This accumulator as a state: see `Machine`.

        >>> Accumulator("int4-sat").machine().push(9)[0].after
        7
        """
        return Machine(self, **formats)

    def machine_array(self, rows: int, cols: int) -> MachineArray:
        """`rows` times `cols` machines that step together: see `MachineArray`."""
        return MachineArray(self, rows, cols)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Accumulator('{self._text}')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Accumulator) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("fewbit.Accumulator", self._text))

    def __reduce__(self) -> Any:
        return (Accumulator, (self._text,))
