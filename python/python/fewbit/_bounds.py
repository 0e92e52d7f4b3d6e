"""What given weights can do to an accumulator, whatever the inputs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, List, Optional, Sequence, Union

import numpy as np

from . import _arrays, _fewbit
from ._extras import pandas, pyplot


@dataclass(frozen=True)
class StageBound:
    """The worst case of one stage of one row.

    `min` and `max` are the least and the greatest value that the register takes for any input, `required_bits` the width that
    holds both, `fits` whether the register does. The A2Q bounds stand beside it; that of A2Q+ presumes zero-centred weights.
    """

    stage: str
    min: int
    max: int
    required_bits: int
    a2q_bits: int
    a2q_plus_bits: int
    fits: bool


@dataclass(frozen=True)
class Bounds:
    """The worst cases of a layer, row by row and stage by stage."""

    acc: str
    rows: List[List[StageBound]]
    #: Per stage the width that no row overflows.
    required_bits: List[int]
    #: The bound from the depth and the data types alone.
    data_type_bits: int
    #: The same accumulator with the narrowest registers that no row overflows; None beyond 64 bits.
    narrowest: Optional[str]
    #: An input per row that takes the registers to their worst case, where it was asked for.
    witness: Optional[np.ndarray]

    @property
    def guaranteed(self) -> bool:
        """Whether no input whatever overflows a register."""
        return all(stage.fits for row in self.rows for stage in row)

    @property
    def guaranteed_rows(self) -> int:
        """Rows that no input overflows."""
        return sum(all(stage.fits for stage in row) for row in self.rows)

    def to_frame(self) -> Any:
        """A row per output and stage, as a pandas DataFrame."""
        rows = [{"row": index, **asdict(stage)} for index, row in enumerate(self.rows) for stage in row]
        return pandas("to_frame").DataFrame(rows).set_index(["row", "stage"])

    def plot(self, ax: Any = None) -> Any:
        """How many rows need more than P bits, against P, per stage: a matplotlib Axes."""
        ax = ax if ax is not None else pyplot("plot").subplots(figsize=(5.5, 3.2), layout="constrained")[1]
        least = min((stage.required_bits for row in self.rows for stage in row), default=1)
        widths = range(max(1, least - 2), max(self.required_bits, default=1) + 2)
        for stage in range(len(self.required_bits)):
            needed = [row[stage].required_bits for row in self.rows]
            counts = [sum(bits > width for bits in needed) for width in widths]
            ax.step(widths, counts, where="mid", label=self.rows[0][stage].stage if self.rows else str(stage))
        ax.set_xlabel("P, bits")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel("rows that some input overflows")
        ax.set_ylim(bottom=0)
        ax.legend()
        return ax

    def __repr__(self) -> str:
        return (
            f"<Bounds of {len(self.rows)} rows, {self.acc}: {self.guaranteed_rows} cannot overflow; "
            f"{', '.join(map(str, self.required_bits))} bits needed>"
        )


def bounds(
    weights: Any,
    input: Optional[str] = None,
    acc: Any = "int64-wrap",
    *,
    input_range: Union[Sequence[int], Any, None] = None,
    bias: Any = None,
    bias_at: str = "first",
    witness: bool = False,
    threads: Optional[int] = None,
) -> Bounds:
    """Bounds every register of an accumulator over all inputs and all steps; `weights` are integers [outputs, inputs].

    Inputs are all codes of the integer format `input`, or lie in `input_range`: two numbers, or an array [inputs, 2]. A
    `bias` [outputs] is what the last register starts from (``bias_at="first"``) or takes at the end (``"last"``).

    >>> found = bounds([[3, -2, 1]], "uint4", "int8-sat", witness=True)
    >>> stage = found.rows[0][0]
    >>> stage.min, stage.max, stage.required_bits  # -2 * 15; (3 + 1) * 15
    (-30, 60, 7)
    >>> found.witness
    array([[15,  0, 15]])
    >>> found.narrowest
    'int7-sat'
    """
    acc = _arrays.text(acc, "acc")
    matrix = _arrays.int64(weights, "weights", 2)
    ranges = None
    if input_range is not None:
        ranges = _arrays.int64(input_range, "input_range")
        if ranges.shape == (2,):
            ranges = ranges.reshape(1, 2)
        if ranges.ndim != 2 or ranges.shape[1] != 2 or len(ranges) not in (1, matrix.shape[1]):
            raise ValueError(
                f"input_range has shape {list(ranges.shape)}: expected two numbers, or [{matrix.shape[1]}, 2], a low and a "
                "high end per input"
            )
    if (input is None) == (ranges is None):
        raise ValueError("expected either input, a format such as 'uint8', or input_range")
    told, found = _fewbit.bounds(
        matrix,
        None if input is None else _arrays.text(input, "input"),
        ranges,
        None if bias is None else _arrays.int64(bias, "bias", 1),
        bias_at,
        acc,
        witness,
        _arrays.threads_of(threads),
    )
    entry = json.loads(told)
    rows = [[StageBound(**stage) for stage in row] for row in entry.pop("rows")]
    return Bounds(rows=rows, witness=found, **entry)
