"""What Brevitas's graph transformations make of small networks: writes passes.safetensors.gz.

Versions: brevitas 0.12.1, torch 2.8.0 (CPU, one thread), accelerate 1.10.1, numpy 1.26.4, Python 3.11.
Command:  TQDM_DISABLE=1 python models/tests/golden/passes.py models/tests/golden/passes.safetensors.gz

Tensors are named CASE/NAME: weights before (w1, b1, ...) and after (w1', ...), inputs x, and what else a case has.
"""
import copy
import gzip
import json
import struct
import sys
import warnings

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
import brevitas.nn as qnn
from brevitas.fx import symbolic_trace
from brevitas.graph.calibrate import norm_correction_mode
from brevitas.graph.channel_splitting import GraphChannelSplitting
from brevitas.graph.equalize import LayerNormToRMS, MergeLnAffine, activation_equalization_mode
from brevitas.graph.magr import magr_mode
from brevitas.quant import Int8WeightPerChannelFloat
from brevitas_examples.common.learned_round.learned_round_method import RegularisedMSELoss, MSELoss
from brevitas_examples.common.learned_round.learned_round_parser import parse_learned_round
from brevitas_examples.common.learned_round.learned_round_optimizer import LearnedRoundOptimizer, get_blocks
from brevitas_examples.imagenet_classification.ptq.learned_round_utils import (CacheVision, is_layer,
                                                                               vision_block_forward)

torch.set_num_threads(1)
torch.manual_seed(21)
TENSORS = {}


def put(case, **tensors):
    for name, tensor in tensors.items():
        name = name.replace("_after", "'")
        TENSORS[f"{case}/{name}"] = np.ascontiguousarray(tensor.detach().numpy().astype(np.float32))


def convolutions(depthwise=False):
    """Two convolutions with a ReLU between them, and a third one; the middle one depthwise on demand."""
    net = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(6, 6, 3, padding=1, groups=6) if depthwise else nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(6 if depthwise else 8, 4, 1))
    for layer in net:
        if hasattr(layer, "weight"):
            layer.weight.data *= torch.exp(torch.randn(layer.weight.shape[0]))[:, None, None, None]
    return net


def layers(net):
    return [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear, nn.LayerNorm))]


def save(case, net, mark):
    for index, layer in enumerate(layers(net), 1):
        put(case, **{f"w{index}{mark}": layer.weight})
        if getattr(layer, "bias", None) is not None:
            put(case, **{f"b{index}{mark}": layer.bias})


# 1. Activation equalization.
for flow in ("fx", "layerwise"):
    for depthwise in (False, True):
        case = f"act_{flow}_{'depthwise' if depthwise else 'dense'}"
        net, xs = convolutions(depthwise).eval(), [torch.randn(4, 2, 6, 6) * 3 for _ in range(2)]
        save(case, net, "")
        graph = symbolic_trace(net)
        with torch.no_grad(), activation_equalization_mode(graph, 0.5, layerwise=flow == "layerwise",
                                                           add_mul_node=flow == "layerwise"):
            for x in xs:
                graph(x)
        save(case, graph, "_after")
        put(case, x1=xs[0], x2=xs[1])
        for index, (_, m) in enumerate([(n, m) for n, m in graph.named_modules() if type(m).__name__ == "EqualizedModule"], 1):
            put(case, **{f"m{index}": m.scale.weight if hasattr(m, "scale") else m.scale_module.weight})


class Block(nn.Module):
    """A normalization and the products that take it."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.q, self.k = nn.Linear(8, 6), nn.Linear(8, 5, bias=False)

    def forward(self, x):
        x = self.norm(x)
        return self.q(x), self.k(x)


def block():
    net = Block().eval()
    net.norm.weight.data = torch.rand(8) + 0.5
    net.norm.bias.data = torch.randn(8)
    return net


net, x = block(), torch.randn(3, 7, 8) * torch.exp(torch.randn(8))
save("act_fx_norm", net, "")
graph = symbolic_trace(net)
with torch.no_grad(), activation_equalization_mode(graph, 0.5, layerwise=False, add_mul_node=False):
    graph(x)
save("act_fx_norm", graph, "_after")
put("act_fx_norm", x1=x)

# 2. Factors of normalizations into products.
class Single(nn.Module):
    """A normalization and one product that takes it."""

    def __init__(self, norm, linear):
        super().__init__()
        self.norm, self.linear = norm, linear

    def forward(self, x):
        return self.linear(self.norm(x))


net = block()
save("merge_norm", net, "")
for index, linear in ((2, net.q), (3, net.k)):
    graph = MergeLnAffine().apply(symbolic_trace(copy.deepcopy(Single(net.norm, linear))))
    put("merge_norm", w1_after=graph.norm.weight,
        **{f"w{index}_after": graph.linear.weight, f"b{index}_after": graph.linear.bias})
# With two products behind one normalization Brevitas divides the summands by the factors once per product, so that the second gets
# another bias: the network computes something else. Each product on its own is right.
graph, x = MergeLnAffine().apply(symbolic_trace(copy.deepcopy(net))), torch.randn(3, 7, 8)
with torch.no_grad():
    changes = [float((a - b).abs().max()) for a, b in zip(net(x), graph(x))]
print("changes of the outputs of two merged products:", changes)
assert max(changes) > 0.1


class Stream(nn.Module):
    """A residual stream: a projection, a branch, normalizations."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 8)
        self.norm1 = nn.LayerNorm(8, bias=False)
        self.branch = nn.Linear(8, 8)
        self.norm2 = nn.LayerNorm(8, bias=False)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        x = self.first(x)
        x = x + self.branch(self.norm1(x))
        return self.last(self.norm2(x))


net, x = Stream().eval(), torch.randn(2, 4, 5)
net.norm1.weight.data, net.norm2.weight.data = torch.rand(8) + 0.5, torch.rand(8) + 0.5
save("layer_norm_to_rms", net, "")
with torch.no_grad():
    put("layer_norm_to_rms", x1=x, y1=net(x))
for norm in (net.norm1, net.norm2):  # what the transformation takes away must be there
    norm.bias = nn.Parameter(torch.zeros(8))
graph = LayerNormToRMS().apply(symbolic_trace(net))
for name, index in (("first", 1), ("branch", 3), ("last", 5)):
    layer = getattr(graph, name)
    put("layer_norm_to_rms", **{f"w{index}_after": layer.weight, f"b{index}_after": layer.bias})
assert type(graph.norm1).__name__ == "RMSNorm"

# 3. Channel splitting.
for split_input in (False, True):
    case = f"split_{'inputs' if split_input else 'outputs'}"
    net = convolutions().eval()
    save(case, net, "")
    graph = GraphChannelSplitting(split_ratio=0.3, split_input=split_input).apply(symbolic_trace(net))
    save(case, graph, "_after")
    x = torch.randn(2, 2, 6, 6)
    put(case, x1=x, y1=graph(x))

# 4. Statistics of batch normalization.
bn = nn.BatchNorm2d(5).eval()
bn.running_mean, bn.running_var = torch.randn(5), torch.rand(5) + 0.5
xs = [torch.randn(4, 5, 3, 3) * 2 + 1 for _ in range(3)]
put("norm_correction", mean=bn.running_mean, variance=bn.running_var, **{f"x{i}": x for i, x in enumerate(xs, 1)})
with torch.no_grad(), norm_correction_mode(nn.Sequential(bn)):
    for x in xs:
        bn(x)
put("norm_correction", mean_after=bn.running_mean, variance_after=bn.running_var)

# 5. Magnitude reduction.
layer = qnn.QuantLinear(12, 7, bias=False, weight_quant=Int8WeightPerChannelFloat).eval()
xs = [torch.randn(40, 12) * torch.linspace(0.2, 2, 12) for _ in range(2)]
put("magr", w1=layer.weight, x1=xs[0], x2=xs[1])
net = nn.Sequential(layer)
with torch.no_grad(), magr_mode(net, alpha=0.05, num_steps=50) as magr:
    for _ in range(magr.num_layers):
        for x in xs:
            magr.model(x)
        magr.update()
put("magr", w1_after=net[0].weight)

# 6. Learned rounding, all samples in every step, in double precision.
for method in ("hard_sigmoid_round", "sigmoid_round", "linear_round"):
    for loss in ("regularised_mse", "mse"):
        if (method, loss) == ("linear_round", "regularised_mse"):
            continue
        case = f"learned_{method}_{loss}"
        torch.manual_seed(5)
        layer = qnn.QuantLinear(24, 10, bias=False, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=3).double().eval()
        net = nn.Sequential(layer)
        x = (torch.randn(64, 24) @ (torch.eye(24) + 0.4 * torch.randn(24, 24))).double()
        put(case, w1=layer.weight, x1=x, scale=layer.quant_weight().scale.reshape(-1))
        optimizer = LearnedRoundOptimizer(
            learned_round=parse_learned_round(method),
            learned_round_loss_class=RegularisedMSELoss if loss == "regularised_mse" else MSELoss,
            optimizer_class=torch.optim.Adam, batch_size=64, iters=400, use_best_model=False, loss_scaling_factor=1.0,
            learned_round_loss_kwargs={"max_count": 400} if loss == "regularised_mse" else None,
            optimizer_kwargs={"lr": 0.01})
        optimizer.apply_learned_round(
            model=net, model_forward=lambda model, inputs: model(inputs), block_forward=vision_block_forward,
            data_loader=[x], cache=CacheVision(), get_blocks_fn=lambda model: get_blocks(model, is_layer), keep_gpu=True)
        put(case, codes=torch.round(layer.quant_weight().value / layer.quant_weight().scale))

# 7. Learned rounding of a block, its error alone: three convolutions, all samples in every step, in double precision.
for case, depthwise in (("block_dense", False), ("block_depthwise", True)):
    for method in ("linear_round", "sigmoid_round"):
        torch.manual_seed(11)
        net = convolutions(depthwise)
        x = torch.randn(24, 2, 6, 6)
        if method == "linear_round":
            save(case, net, "")
            put(case, x1=x)
        block = nn.Sequential()
        for layer in net:
            if isinstance(layer, nn.Conv2d):
                other = qnn.QuantConv2d(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding,
                                        groups=layer.groups, weight_quant=Int8WeightPerChannelFloat, weight_bit_width=3)
                other.load_state_dict(layer.state_dict(), strict=False)
                layer = other
            block.append(layer)
        model = nn.Sequential(block).double().eval()
        optimizer = LearnedRoundOptimizer(
            learned_round=parse_learned_round(method), learned_round_loss_class=MSELoss, optimizer_class=torch.optim.Adam,
            batch_size=24, iters=400, use_best_model=True, loss_scaling_factor=1.0, optimizer_kwargs={"lr": 0.01})
        optimizer.apply_learned_round(
            model=model, model_forward=lambda model, inputs: model(inputs), block_forward=vision_block_forward,
            data_loader=[x.double()], cache=CacheVision(), get_blocks_fn=lambda model: [model[0]], keep_gpu=True)
        convs = [layer for layer in block if isinstance(layer, qnn.QuantConv2d)]
        for index, layer in enumerate(convs, 1):
            found = layer.quant_weight()
            put(case, **{f"{method}{index}": found.value})

# 8. The file.
header, body = {}, b""
for name, array in TENSORS.items():
    raw = array.tobytes()
    header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(raw)]}
    body += raw
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
packed = gzip.compress(struct.pack("<Q", len(text)) + text + body, 9, mtime=0)
with open(sys.argv[1], "wb") as file:
    file.write(packed)
print(len(TENSORS), "tensors", len(packed), "bytes")
