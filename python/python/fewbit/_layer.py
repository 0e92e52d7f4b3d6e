"""One layer's weights from numbers to codes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from . import _arrays, _fewbit
from ._extras import pandas, pyplot
from ._tensor import QuantTensor


@dataclass(frozen=True)
class StageVerdict:
    """What one stage of the accumulator did, and can do."""

    stage: str
    guaranteed_bits: int
    observed_bits: int
    events: int
    guaranteed: bool


@dataclass(frozen=True)
class LayerCandidate:
    """What one algorithm chose: codes, and what they do to the outputs and in the accumulator.

    `relative_error` is ``|X W^T - X~ Q^T| / |X W^T|``. `guaranteed_bits` and `observed_bits` are the widths of the first
    stage that no input, and that these inputs, overflow; they and `events`, `guaranteed` and `stages` are None without
    formats of activations. `values` are those of the codes; `effective` is the matrix that acts on the inputs as they were
    before an equalization or rotation.
    """

    algorithm: str
    tensor: QuantTensor = field(repr=False)
    values: np.ndarray = field(repr=False)
    effective: np.ndarray = field(repr=False)
    relative_error: float
    sqnr_db: Optional[float]
    guaranteed_bits: Optional[int]
    observed_bits: Optional[int]
    events: Optional[int]
    guaranteed: Optional[bool]
    stages: Optional[List[StageVerdict]]
    seconds: float
    zero_weights: float


@dataclass(frozen=True)
class LayerResult:
    """A candidate per algorithm, and the scale and zero point of the activations' codes where there are any."""

    weights: str
    candidates: List[LayerCandidate]
    activations: Optional[Dict[str, float]]
    statistics_seconds: float

    @property
    def best(self) -> LayerCandidate:
        """The candidate with the least error; of equal ones the first."""
        return min(self.candidates, key=lambda candidate: candidate.relative_error)

    def to_frame(self) -> Any:
        """A row per algorithm, as a pandas DataFrame."""
        dropped = ("tensor", "values", "effective", "stages")
        rows = [
            {name: getattr(candidate, name) for name in candidate.__dataclass_fields__ if name not in dropped}
            for candidate in self.candidates
        ]
        return pandas("to_frame").DataFrame(rows).set_index("algorithm")

    def plot(self, ax: Any = None) -> Any:
        """The relative error per algorithm: a matplotlib Axes."""
        ax = ax if ax is not None else pyplot("plot").subplots(figsize=(5.5, 3.2), layout="constrained")[1]
        names = [candidate.algorithm for candidate in self.candidates]
        ax.bar(names, [candidate.relative_error for candidate in self.candidates])
        ax.set_ylabel("relative error of the outputs")
        return ax


def layer(
    weights: Any,
    inputs: Any,
    *,
    to: str = "int4",
    algorithm: Union[str, Sequence[str]] = "gptq",
    input_quantized: Any = None,
    granularity: Optional[str] = None,
    scale: Union[str, np.ndarray, None] = None,
    equalize: Optional[str] = None,
    alpha: float = 0.5,
    rotate: Optional[str] = None,
    acts: Optional[str] = None,
    quantize_input: bool = False,
    acc: Any = None,
    constraint: Optional[str] = None,
    effort: Optional[int] = None,
    act_order: bool = False,
    damping: Optional[float] = None,
    precision: Optional[str] = None,
    seed: int = 0,
    threads: Optional[int] = None,
) -> LayerResult:
    """Chooses the codes of a layer's weights [out, in], seeing its inputs [samples, in].

    `algorithm` is one or several of ``rtn``, ``gptq``, ``gpfq``, ``qronos``, ``gptaq``, ``beacon``, ``a2q``, ``a2q-plus``,
    each on the same statistics. `to` is a format, or a group format. `granularity` is ``tensor``, ``channel`` or
    ``group:N``; `scale` a rule (``absmax``, ``mse``, ``hqo``, ``piso``, ``loss``, ``constrained``, ...) or the scales.

    `acts` is the integer format of the activations' codes; with `acc` no input can make that accumulator overflow, by
    `constraint` (``joint``, ``axe``, ``axe-strict``; ``none`` counts overflows instead). The other arguments are those of
    ``fewbit layer``.

    >>> found = layer([[4.0, -8.0]], [[255.0, 0.0], [1.0, 2.0]], algorithm="rtn", acts="uint8", acc="int12-sat")
    >>> rtn = found.best
    >>> rtn.values
    array([[ 4., -8.]], dtype=float32)
    >>> rtn.guaranteed_bits, rtn.events, rtn.guaranteed
    (12, 0, True)
    """
    algorithms = [algorithm] if isinstance(algorithm, str) else list(algorithm)
    if not algorithms:
        raise ValueError("algorithm is empty: expected at least one")
    if equalize is None and alpha != 0.5:
        raise ValueError("alpha is how much equalize moves, and there is none")
    if scale is not None and not isinstance(scale, str):
        scale = _arrays.floats(scale, "scale")
    asked = {
        "algorithms": [_arrays.text(name, "algorithm") for name in algorithms],
        "weights": _arrays.text(to, "to"),
        "granularity": granularity,
        "scale": scale,
        "equalize": equalize,
        "alpha": float(alpha),
        "rotate": rotate,
        "acts": None if acts is None else _arrays.text(acts, "acts"),
        "quantize_input": bool(quantize_input),
        "acc": None if acc is None else _arrays.text(acc, "acc"),
        "constraint": constraint,
        "effort": effort,
        "act_order": bool(act_order),
        "damping": damping,
        "precision": precision,
        "seed": _arrays.seed64(seed),
    }
    quantized = None if input_quantized is None else _arrays.floats(input_quantized, "input_quantized", 2)
    told, arrays = _fewbit.layer(
        _arrays.floats(weights, "weights", 2),
        _arrays.floats(inputs, "inputs", 2),
        quantized,
        asked,
        _arrays.threads_of(threads),
    )
    entry = json.loads(told)
    names = [name for name in LayerCandidate.__dataclass_fields__ if name not in ("tensor", "values", "effective", "stages")]
    candidates = []
    for found, (tensor, values, effective) in zip(entry["candidates"], arrays):
        stages = found.get("stages")
        candidates.append(
            LayerCandidate(
                tensor=QuantTensor._of(tensor),
                values=values,
                effective=effective,
                stages=stages and [StageVerdict(**stage) for stage in stages],
                **{name: found.get(name) for name in names},
            )
        )
    return LayerResult(entry["weights"], candidates, entry["activations"], entry["statistics_seconds"])
