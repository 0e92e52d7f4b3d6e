"""What a network of linear layers loses to an accumulator of P bits."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _arrays, _fewbit
from ._extras import pandas, pyplot


@dataclass(frozen=True)
class SweepPoint:
    """A quantized network with one accumulator.

    `constraint` is ``none`` where sums may overflow, else what keeps them from it. SQNR is in dB over the last layer's
    outputs: `sqnr_db` against an exact accumulator (None where they are equal, and under a constraint), `sqnr_float_db`
    against the float network.
    """

    constraint: str
    #: What kind of accumulator: ``wrap``, ``sat``, ...
    policy: str
    bits: int
    acc: str
    accuracy: Optional[float]
    overflow_share: float
    sqnr_db: Optional[float]
    sqnr_float_db: Optional[float]
    guaranteed: Optional[bool]


@dataclass(frozen=True)
class Sweep:
    """A whole sweep; `guaranteed_bits` is the width at which no register that sums a whole row can overflow."""

    weights: str
    acts: str
    samples: int
    float_accuracy: Optional[float]
    exact_accuracy: Optional[float]
    exact_sqnr_db: Optional[float]
    guaranteed_bits: int
    points: List[SweepPoint]

    def to_frame(self) -> Any:
        """A row per point, as a pandas DataFrame."""
        return pandas("to_frame").DataFrame([asdict(point) for point in self.points])

    def plot(self, ax: Any = None) -> Any:
        """Accuracy (without labels SQNR against the float network) against P, a curve per constraint and kind: an Axes."""
        ax = ax if ax is not None else pyplot("plot").subplots(figsize=(5.5, 3.2), layout="constrained")[1]
        key = "accuracy" if any(point.accuracy is not None for point in self.points) else "sqnr_float_db"
        curves = dict.fromkeys((point.constraint, _shape(point)) for point in self.points)
        for constraint, shape in curves:
            points = [p for p in self.points if (p.constraint, _shape(p)) == (constraint, shape)]
            label = shape if constraint == "none" else f"{shape}, {constraint}"
            ax.plot([p.bits for p in points], [getattr(p, key) for p in points], marker=".", label=label)
        ax.axvline(self.guaranteed_bits, color="0.6", linestyle=":", linewidth=1)
        ax.set_xlabel("P, bits")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel("accuracy" if key == "accuracy" else "SQNR, dB")
        ax.legend(fontsize="small")
        return ax


def _shape(point: SweepPoint) -> str:
    return point.acc.replace(f"int{point.bits}-", "int{P}-")


def sweep(
    layers: Sequence[Union[Any, Tuple[Any, Any]]],
    inputs: Any,
    *,
    labels: Any = None,
    calibration: Any = None,
    weights: str = "int4",
    acts: str = "uint8",
    acc: Union[str, Sequence[str], None] = None,
    bits: str = "8..24",
    constraint: Union[str, Sequence[str]] = ("none", "axe", "joint"),
    threads: Optional[int] = None,
) -> Sweep:
    """Quantizes a chain of linear layers, with ReLU between them, and runs it through accumulators of P bits.

    `layers` are weights [out, in], or pairs of weights and biases; `inputs` are [samples, in], `labels` the class of each
    sample. Activations' scales are calibrated on `calibration`, or the inputs. `acc` are templates with ``{P}``
    (``int{P}-wrap``, ``int{P}-sat`` and ``int{P}-sat/32,int32-wrap`` unless given).

    >>> found = sweep([[[7.0, 3.0]]], [[255.0, 255.0]], acc="int{P}-sat", bits="12..13", constraint="none")
    >>> found.guaranteed_bits  # (7 + 3) * 255 needs 13 bits, signed
    13
    >>> [point.overflow_share for point in found.points]
    [1.0, 0.0]
    """
    pairs = []
    for index, item in enumerate(layers):
        matrix, bias = item if isinstance(item, tuple) else (item, None)
        name = f"layers[{index}]"
        pairs.append(
            (
                _arrays.floats(matrix, name, 2),
                None if bias is None else _arrays.floats(bias, f"the bias of {name}", 1),
            )
        )
    classes = None
    if labels is not None:
        found = _arrays.int64(labels, "labels", 1)
        if found.size and int(found.min()) < 0:
            raise ValueError(f"labels have {int(found.min())}: expected classes from 0")
        classes = found.tolist()
    templates = [acc] if isinstance(acc, str) else acc
    told = _fewbit.sweep(
        pairs,
        _arrays.floats(inputs, "inputs", 2),
        None if calibration is None else _arrays.floats(calibration, "calibration", 2),
        classes,
        _arrays.text(weights, "weights"),
        _arrays.text(acts, "acts"),
        None if templates is None else list(templates),
        bits,
        [constraint] if isinstance(constraint, str) else list(constraint),
        _arrays.threads_of(threads),
    )
    entry = json.loads(told)
    fields = SweepPoint.__dataclass_fields__
    plain = [{"constraint": "none", "guaranteed": None, **point} for point in entry["points"]]
    kept = [{"sqnr_db": None, **point} for point in entry.get("guaranteed", [])]
    points = [SweepPoint(**{name: point[name] for name in fields}) for point in plain + kept]
    return Sweep(
        weights=entry["weights"],
        acts=entry["acts"],
        samples=entry["samples"],
        float_accuracy=entry["float"]["accuracy"],
        exact_accuracy=entry["exact"]["accuracy"],
        exact_sqnr_db=entry["exact"]["sqnr_float_db"],
        guaranteed_bits=entry["guaranteed_bits"],
        points=points,
    )
