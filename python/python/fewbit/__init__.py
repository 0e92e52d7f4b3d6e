"""Number formats, narrow accumulators and quantization, bit for bit, on NumPy arrays.

What is computed is the Rust library's: the same bits on every machine and any number of threads. Long calls release the
GIL. Every function names its policies by the words of the command line (``ties-even``, ``saturate``, ``int16-sat/64,int24-wrap``).

>>> import fewbit, numpy as np
>>> fewbit.cast(np.float32([0.3, -2.6, 100.0]), "e2m1fn")
array([ 0.5, -3. ,  6. ], dtype=float32)
>>> a = np.full((1, 40), 127, dtype=np.int8)
>>> product = fewbit.matmul(a, a.T, "int18-sat")
>>> product.values
array([[131071]])
>>> product.report.events
32

========================================  ==========================================================================
`cast`, `encode`, `decode`                values to a format's values, to codes, codes to values
`quantize`, `dequantize`                  with scales: `Quantizer`, `QuantTensor`, group formats such as ``mxfp4``
`matmul`, `conv2d`                        products through any accumulator, with a `Report`
`bounds`                                  what given weights can do to a register at worst, and the input that does it
`requantize`                              from an accumulator's value to the next layer's integer
`layer`, `sweep`                          a layer's codes under an accumulator; accuracy against accumulator bits
`Accumulator`, `Machine`, `MachineArray`  accumulators as a state that is stepped
`formats`, `presets`                      what there is
`fewbit.torch`, `fewbit.brevitas`         an operator for PyTorch; quantized Brevitas models through an accumulator
`fewbit.cocotb`                           packing, comparison and a scoreboard for testbenches
========================================  ==========================================================================
"""

from ._accumulator import Accumulator, Stage
from ._bounds import Bounds, StageBound, bounds
from ._convert import cast, decode, encode
from ._fewbit import __version__
from ._formats import FormatInfo, PresetInfo, formats, presets
from ._layer import LayerCandidate, LayerResult, layer
from ._machine import Machine, MachineArray, MachineStage, Step
from ._product import Product, conv2d, matmul
from ._report import FirstEvent, FloatReport, FloatStageReport, Report, StageReport
from ._requantize import requantize
from ._sweep import Sweep, SweepPoint, sweep
from ._tensor import Quantizer, QuantTensor, dequantize, quantize

__all__ = [
    "Accumulator",
    "Bounds",
    "FirstEvent",
    "FloatReport",
    "FloatStageReport",
    "FormatInfo",
    "LayerCandidate",
    "LayerResult",
    "Machine",
    "MachineArray",
    "MachineStage",
    "PresetInfo",
    "Product",
    "QuantTensor",
    "Quantizer",
    "Report",
    "Stage",
    "StageBound",
    "StageReport",
    "Step",
    "Sweep",
    "SweepPoint",
    "__version__",
    "bounds",
    "cast",
    "conv2d",
    "decode",
    "dequantize",
    "encode",
    "formats",
    "layer",
    "matmul",
    "presets",
    "quantize",
    "requantize",
    "sweep",
]
