"""What a product through an accumulator reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Dict, List, Optional, Union

from ._extras import pandas, pyplot
from ._stage import entry_of


@dataclass(frozen=True)
class FirstEvent:
    """The first overflow of the first output, in row-major order, that had one.

    `k` is the last product of the step, `value` the exact sum that the register could not hold; a sum that no float has is
    hexadecimal text. An output of a convolution is row ``n * O + o``, column ``i * columns + j``.
    """

    row: int
    col: int
    k: int
    value: Union[int, float, str]


@dataclass(frozen=True)
class StageReport:
    """One stage of integers.

    Without a full report the last four are None. `min` and `max` are the extremes before wrapping or saturating;
    `required_bits` and `histogram` (width: outputs) are those of the exact trajectory, in which no stage wraps or saturates.
    """

    stage: str
    events: int
    outputs: int
    first: Optional[FirstEvent]
    min: Optional[int] = None
    max: Optional[int] = None
    required_bits: Optional[int] = None
    histogram: Optional[Dict[int, int]] = None

    def overflowing(self, bits: int) -> int:
        """How many outputs need more than `bits` bits.

        >>> StageReport("exact", 0, 0, None, 0, 300, 10, {5: 10, 10: 2}).overflowing(9)
        2
        """
        if self.histogram is None:
            raise ValueError("there is no histogram: report='full' makes one")
        return sum(outputs for width, outputs in self.histogram.items() if width > bits)


@dataclass(frozen=True)
class FloatStageReport:
    """One stage of a product of any numbers; `absorbed` counts steps that left the register as it was (swamping)."""

    stage: str
    events: int
    outputs: int
    first: Optional[FirstEvent]
    min: Union[int, float, str]
    max: Union[int, float, str]
    steps: int
    inexact: int
    underflows: int
    absorbed: int
    invalid: int


class _Stages:
    stages: List[Any]

    @property
    def events(self) -> int:
        """Overflow events over all stages."""
        return sum(stage.events for stage in self.stages)

    def to_frame(self) -> Any:
        """A row per stage, as a pandas DataFrame."""
        rows = []
        for stage in self.stages:
            row = asdict(stage)
            first = row.pop("first")
            row.pop("histogram", None)
            row["first_row"] = first and first["row"]
            row["first_col"] = first and first["col"]
            row["first_k"] = first and first["k"]
            row["first_value"] = first and first["value"]
            rows.append(row)
        return pandas("to_frame").DataFrame(rows).set_index("stage")

    def _columns(self) -> List[str]:
        names = [name for name in self.stages[0].__dataclass_fields__ if name != "histogram"] if self.stages else []
        return [name for name in names if any(getattr(stage, name) is not None for stage in self.stages)]

    def __str__(self) -> str:
        columns = self._columns()
        rows = [columns] + [[_cell(getattr(stage, name)) for name in columns] for stage in self.stages]
        widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        columns = self._columns()
        head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(getattr(stage, name)))}</td>" for name in columns) + "</tr>"
            for stage in self.stages
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if isinstance(value, FirstEvent):
        return f"{value.value} at ({value.row}, {value.col}), k = {value.k}"
    return "none" if value is None else str(value)


@dataclass(frozen=True)
class Report(_Stages):
    """What happened in every stage of integers, innermost first.

    >>> report = Report([StageReport("int8-sat", 1, 1, FirstEvent(0, 0, 1, 200), 0, 200, 9, {9: 1})])
    >>> report.events
    1
    >>> print(report)
    stage     events  outputs  first                 min  max  required_bits
    int8-sat  1       1        200 at (0, 0), k = 1  0    200  9
    """

    stages: List[StageReport]

    def plot(self, ax: Any = None) -> Any:
        """How many outputs need more than P bits, against P, per stage: a matplotlib Axes.

        A register's own width is a dotted line. One run answers for every P of a first stage, and for those of outer stages
        as long as no inner one overflows.
        """
        if any(stage.histogram is None for stage in self.stages):
            raise ValueError("there is nothing to plot without histograms: report='full' makes them")
        ax = ax if ax is not None else pyplot("plot").subplots(figsize=(5.5, 3.2), layout="constrained")[1]
        most = max((stage.required_bits or 1 for stage in self.stages), default=1)
        least = min((min(stage.histogram or [1]) for stage in self.stages), default=1)
        widths = range(max(1, least - 2), most + 2)
        for stage in self.stages:
            line = ax.step(widths, [stage.overflowing(bits) for bits in widths], where="mid", label=stage.stage)[0]
            register = entry_of(stage.stage.split("/")[0]).stages[0].bits
            if register is not None and register <= most + 1:
                ax.axvline(register, color=line.get_color(), linestyle=":", linewidth=1)
        ax.set_xlabel("P, bits")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel("outputs that need more")
        ax.set_ylim(bottom=0)
        ax.legend()
        return ax


@dataclass(frozen=True)
class FloatReport(_Stages):
    """What happened in every stage of a product of any numbers, innermost first."""

    stages: List[FloatStageReport]

    def plot(self, ax: Any = None) -> Any:
        """The share of steps that were inexact, absorbed and overflowed, per stage: a matplotlib Axes."""
        ax = ax if ax is not None else pyplot("plot").subplots(figsize=(5.5, 3.2), layout="constrained")[1]
        kinds = ["inexact", "absorbed", "underflows", "events"]
        for index, stage in enumerate(self.stages):
            places = [i + index * 0.8 / len(self.stages) for i in range(len(kinds))]
            heights = [getattr(stage, kind) / max(stage.steps, 1) for kind in kinds]
            ax.bar(places, heights, width=0.8 / len(self.stages), align="edge", label=stage.stage)
        ax.set_xticks([i + 0.4 for i in range(len(kinds))], kinds)
        ax.set_ylabel("share of steps")
        ax.legend()
        return ax


def report_of(made: Dict[str, Any]) -> Union[Report, FloatReport, None]:
    """The report in what the native part tells of a product."""
    if made["stages"] is None:
        return None
    return stages_of(made["stages"], made["kind"])


def stages_of(stages: List[Dict[str, Any]], kind: str) -> Union[Report, FloatReport]:
    """A report of stages."""
    entries = [{**stage, "first": stage["first"] and FirstEvent(**stage["first"])} for stage in stages]
    if kind == "float":
        return FloatReport([FloatStageReport(**entry) for entry in entries])
    for entry in entries:
        if "histogram" in entry:
            entry["histogram"] = {int(width): outputs for width, outputs in entry["histogram"].items()}
    return Report([StageReport(**entry) for entry in entries])
