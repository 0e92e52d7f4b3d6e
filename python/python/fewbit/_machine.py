"""Accumulators as a state that is stepped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any, List, Optional, Tuple, Union

import numpy as np

from . import _arrays, _fewbit
from ._report import FloatReport, Report, stages_of

Number = Union[int, float]


@dataclass(frozen=True)
class Step:
    """A step of a register: what it held, what entered, the exact sum, what it holds now.

    `first_k` and `last_k` are the products that entered, `register` the one of those that take turns; `fold` says that
    register 0 takes the value of that register. Numbers of machines of floats are Python floats, the nearest ones of sums
    that no float64 has.
    """

    stage: int
    first_k: int
    last_k: int
    register: int
    fold: bool
    before: Number
    input: Number
    exact: Number
    after: Number
    event: bool


@dataclass(frozen=True)
class MachineStage:
    """A stage as it stands; `pending` is the exact sum of the `waiting` inputs, None in machines of floats."""

    stage: str
    register: Number
    pending: Optional[Number]
    waiting: int
    taken: int


def _steps(found: List[Tuple[Any, ...]]) -> List[Step]:
    return [
        Step(stage, first, last, turn[1], turn[0] == "fold", before, entered, exact, after, event)
        for stage, first, last, turn, before, entered, exact, after, event in found
    ]


class Machine:
    """An accumulator as a state: products, or codes of two formats, are pushed; steps come back.

    Pushing the products of an output in ascending k and draining gives `fewbit.matmul`'s value, events and report.

    >>> mac = Machine("int8-sat*2/4,int16-wrap")
    >>> mac.push(100)  # waits for its partner
    []
    >>> step = mac.push(100)[0]
    >>> step.exact, step.after, step.event
    (200, 127, True)
    >>> mac.value  # the tile of 4 is not full
    0
    >>> mac.drain(), mac.events
    (127, 1)
    >>> unit = Machine("preset:h100-wgmma-fp8", a="e4m3fn", b="e5m2")
    >>> unit.push_codes(0x38, 0x3C), unit.drain()
    ([], 1.0)
    """

    __slots__ = ("_native",)

    def __init__(
        self,
        acc: Any,
        *,
        a: Optional[str] = None,
        b: Optional[str] = None,
        a_scale: Optional[str] = None,
        b_scale: Optional[str] = None,
        seed: int = 0,
        output: int = 0,
    ) -> None:
        def name(value: Any, what: str) -> Optional[str]:
            return None if value is None else _arrays.text(value, what)

        self._native = _fewbit.Machine(
            _arrays.text(acc, "acc"),
            name(a, "a"),
            name(b, "b"),
            name(a_scale, "a_scale"),
            name(b_scale, "b_scale"),
            _arrays.seed64(seed),
            output,
        )

    @property
    def acc(self) -> str:
        """The accumulator."""
        return self._native.acc

    def push(self, product: Number) -> List[Step]:
        """Takes the next product of k; the steps that it caused, innermost stage first."""
        return _steps(self._native.push(product))

    def push_group(self, products: Any) -> None:
        """Takes many products in ascending k, and tells no steps.

        >>> mac = Machine("int8-sat*4")
        >>> mac.push_group([100, 100, -50, -50])  # one check of the exact sum
        >>> mac.value, mac.events
        (100, 0)
        """
        found = _arrays.axes(_arrays.native(products, "products"), "products", 1)
        if found.dtype.kind in "iub":
            self._native.push_products(_arrays.int64(found, "products"))
        else:
            self._native.push_reals(_arrays.numbers(found, "products").astype(np.float64))

    def push_codes(
        self, a: Any, b: Any, a_scale: Optional[int] = None, b_scale: Optional[int] = None
    ) -> List[Step]:
        """Takes the product of two codes, under the codes of their scales; arrays of codes without scales tell no steps."""
        if np.ndim(a) == 0 and np.ndim(b) == 0:
            return _steps(self._native.push_codes(int(a), int(b), a_scale, b_scale))
        if a_scale is not None or b_scale is not None:
            raise TypeError("scales are pushed one by one: push_codes(a, b, a_scale, b_scale) of two codes")
        pair = [_arrays.axes(_arrays.codes(x, 32, name), name, 1) for x, name in ((a, "a"), (b, "b"))]
        self._native.push_code_pairs(*(x.astype(np.uint32) for x in pair))
        return []

    def drain(self) -> Number:
        """Closes groups and tiles that are not full, as the end of a product does: the output."""
        return self._native.drain()[0]

    def drain_steps(self) -> List[Step]:
        """The same, and the steps that it took."""
        return _steps(self._native.drain()[1])

    @property
    def value(self) -> Number:
        """The last register after the last completed step."""
        return self._native.value

    @property
    def events(self) -> int:
        """Overflow events over all stages since the last reset."""
        return self.report.events

    @property
    def report(self) -> Union[Report, FloatReport]:
        """What happened since the last reset, as `fewbit.matmul` reports one output."""
        kind = "integer" if self._native.is_integer else "float"
        stages = json.loads(self._native.report())["stages"]
        names = [stage.stage for stage in self.stages]
        return stages_of([{"stage": name, **stage} for name, stage in zip(names, stages)], kind)

    @property
    def stages(self) -> List[MachineStage]:
        """The stages as they stand, innermost first."""
        return [MachineStage(*stage) for stage in self._native.stages()]

    def reset(self, start: Number = 0) -> None:
        """Forgets everything; the last register starts at `start`.

        >>> mac = Machine("int4-sat")
        >>> mac.reset(8)
        Traceback (most recent call last):
            ...
        ValueError: the starting value 8 does not fit `int4-sat`, which holds -8 to 7
        """
        self._native.reset(start)

    def copy(self) -> "Machine":
        """A machine in the same state."""
        other = Machine.__new__(Machine)
        other._native = self._native.copy()
        return other

    __copy__ = copy

    def __deepcopy__(self, _: Any) -> "Machine":
        return self.copy()

    def __repr__(self) -> str:
        return f"<Machine {self.acc}: value {self.value}, {self.events} events>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("stage", "register", "waiting", "taken", "events"))
        events = [stage.events for stage in self.report.stages]
        rows = "".join(
            f"<tr><td>{escape(stage.stage)}</td><td>{stage.register}</td><td>{stage.waiting}</td>"
            f"<td>{stage.taken}</td><td>{count}</td></tr>"
            for stage, count in zip(self.stages, events)
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


class MachineArray:
    """`rows` times `cols` integer machines that take a product each in every step: the tile of a systolic array.

    >>> tile = MachineArray("int8-sat", 2, 2)
    >>> tile.push_outer([10, -10], [8, 9])
    >>> tile.push_outer([10, -10], [8, 1])
    >>> tile.values
    array([[ 127,  100],
           [-128, -100]])
    >>> tile.events()
    array([[1, 0],
           [1, 0]], dtype=uint64)
    """

    __slots__ = ("_native",)

    def __init__(self, acc: Any, rows: int, cols: int) -> None:
        for count, name in ((rows, "rows"), (cols, "cols")):
            if not hasattr(count, "__index__") or int(count) < 0:
                raise ValueError(f"{name} is {count!r}: expected an int of at least 0")
        self._native = _fewbit.MachineArray(_arrays.text(acc, "acc"), int(rows), int(cols))

    @property
    def acc(self) -> str:
        """The accumulator."""
        return self._native.acc

    @property
    def shape(self) -> Tuple[int, int]:
        """Rows and columns."""
        return self._native.shape

    def push_outer(self, column: Any, row: Any) -> None:
        """One step: register (i, j) takes ``column[i] * row[j]``, as where a column of A meets a row of B."""
        self._native.push_outer(_int32(column, "column", 1), _int32(row, "row", 1))

    def push_matmul(self, a: Any, b: Any) -> None:
        """As many steps as `a` [rows, K] has columns and `b` [K, cols] has rows."""
        self._native.push_matmul(_int32(a, "a", 2), _int32(b, "b", 2))

    def push_products(self, products: Any) -> None:
        """One step: each register takes its own product."""
        self._native.push_products(_arrays.int64(products, "products", 2))

    def drain(self) -> np.ndarray:
        """Closes groups and tiles that are not full: the outputs."""
        return self._native.drain()

    @property
    def values(self) -> np.ndarray:
        """The last register of every machine after its last completed step."""
        return self._native.values

    def events(self, stage: int = 0) -> np.ndarray:
        """The events of a stage of every machine since the last reset."""
        return self._native.events(stage)

    def reset(self, starts: Any = None) -> None:
        """Forgets everything; the last registers start at `starts`, or at 0."""
        self._native.reset(None if starts is None else _arrays.int64(starts, "starts", 2))

    def __repr__(self) -> str:
        rows, cols = self.shape
        return f"<MachineArray {rows} x {cols} of {self.acc}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>" + "".join(f"<td>{value}</td>" for value in row) + "</tr>" for row in self.values[:16, :16].tolist()
        )
        return f"<p>{escape(repr(self)[1:-1])}</p><table>{rows}</table>"


def _int32(array: Any, name: str, ndim: int) -> np.ndarray:
    found = _arrays.int64(array, name, ndim)
    limits = np.iinfo(np.int32)
    if found.size and (int(found.min()) < limits.min or int(found.max()) > limits.max):
        raise ValueError(f"{name} has integers of more than 32 bits")
    return found.astype(np.int32)
