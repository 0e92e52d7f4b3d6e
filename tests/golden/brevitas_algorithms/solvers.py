"""Brevitas's algorithms on one linear layer with given float inputs X and quantized inputs X~."""

import time

import torch
from brevitas.graph.gpfq import GPFQ, gpfq_mode
from brevitas.graph.gptq import GPTQ, gptq_mode
from brevitas.graph.qronos import Qronos
from brevitas.nn import QuantLinear
from brevitas.quant import Int8WeightPerChannelFloat
from brevitas.quant.scaled_int import Uint8ActPerTensorFloat
from brevitas_examples.common.axe import A2GPFQ, A2GPTQ


class Pair(torch.nn.Module):
    """A layer that sees X~ while its weights are quantized, and X while they are not."""

    def __init__(self, w, x, xq, bits, act_scale):
        super().__init__()
        acts = {}
        if act_scale is not None:
            acts = dict(
                input_quant=Uint8ActPerTensorFloat,
                input_scaling_impl_type="const",
                input_scaling_init=act_scale * 255.0,
            )
        self.layer = QuantLinear(
            w.shape[1],
            w.shape[0],
            bias=False,
            weight_quant=Int8WeightPerChannelFloat,
            weight_bit_width=bits,
            weight_narrow_range=False,
            weight_scaling_impl_type="parameter_from_stats",
            **acts,
        )
        self.layer.weight.data = torch.tensor(w)
        self.x, self.xq = torch.tensor(x), torch.tensor(xq)
        self.eval()

    def forward(self, rows):
        quantized = self.layer.weight_quant.is_quant_enabled
        return self.layer((self.xq if quantized else self.x)[rows])


def solve(name, w, x, xq, bits, act_order=False, act_scale=None, acc_bits=None, tile=None, batch=None, clock=time.perf_counter):
    """Codes times scales, the scales, seconds of statistics, seconds of the solver."""
    with torch.no_grad():
        model = Pair(w, x, xq, bits, act_scale)
        samples = x.shape[0]
        model(slice(0, 2))  # freezes the scales of the float weights
        if name == "rtn":
            return model.layer.quant_weight().value.numpy(), 0.0, 0.0
        axe = dict(max_accumulator_bit_width=acc_bits, max_accumulator_tile_size=tile)
        # The context managers construct their algorithm from a class; these bind what they do not pass on.
        if name == "gptq" and acc_bits is None:
            context = gptq_mode(model, act_order=act_order, gptq_class=GPTQ)
        elif name == "gptq":
            context = gptq_mode(model, act_order=act_order, gptq_class=lambda **kw: A2GPTQ(**kw, **axe))
        elif name == "gpfq" and acc_bits is not None:
            context = gpfq_mode(model, act_order=act_order, algorithm_impl=lambda **kw: A2GPFQ(**kw, **axe))
        else:
            context = gpfq_mode(model, act_order=act_order, algorithm_impl={"gpfq": GPFQ, "qronos": Qronos}[name])
        with context as mode:
            start = clock()
            for first in range(0, samples, batch or samples):
                mode.model(slice(first, first + (batch or samples)))
            middle = clock()
            mode.update()
            end = clock()
        return model.layer.quant_weight().value.numpy(), middle - start, end - middle
