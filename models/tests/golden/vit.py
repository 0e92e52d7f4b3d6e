"""Writes vit.onnx, vit.quantized.onnx and vit.safetensors, which are kept compressed (gzip -9n): a small vision transformer,
what the command line makes of it at eight bits, and what ONNX Runtime computes of both.

    python vit.py FOLDER        writes vit.onnx, calibration.npz, data.npz into FOLDER; then
    fewbit ptq FOLDER/vit.onnx --calibration FOLDER/calibration.npz --data FOLDER/data.npz --out FOLDER/q \\
        --weight-quant-granularity per_channel
    python vit.py FOLDER more   writes vit.quantized.onnx and vit.safetensors into FOLDER, from what is in FOLDER/q

Written with torch 2.8.0, onnx 1.23.2, onnxruntime 1.32.0, numpy 1.26.4, safetensors; graph optimizations off. Patches by a
convolution, two layers of attention and a perceptron with GELU, layer norms, the mean over tokens, a linear layer. Weights are
random, with a fixed seed.
"""
import sys
import numpy as np
import onnxruntime as ort
import torch
from torch import nn

WIDTH, HEADS, TOKENS, CLASSES = 32, 4, 16, 10


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.gelu = nn.GELU()

    def forward(self, x):
        h = self.norm1(x)
        q, k, v = (f(h).reshape(-1, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2) for f in self.qkv)
        p = torch.softmax(q @ k.transpose(2, 3) * (WIDTH // HEADS) ** -0.5, -1)
        x = x + self.out((p @ v).transpose(1, 2).reshape(-1, TOKENS, WIDTH))
        return x + self.down(self.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, WIDTH, 4, 4)
        self.places = nn.Parameter(0.3 * torch.randn(1, TOKENS, WIDTH))
        self.layers = nn.Sequential(Layer(), Layer())
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.places
        return self.head(self.norm(self.layers(x)).mean(1))


def run(path, x):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options).run(None, {"x": x})[0]


def main(folder, more):
    torch.manual_seed(5)
    model = Transformer().eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data *= 1.7
    images = torch.randn(48, 1, 16, 16).numpy()
    path = f"{folder}/vit.onnx"
    if not more:
        torch.onnx.export(
            model, torch.zeros(2, 1, 16, 16), path, input_names=["x"], output_names=["y"], opset_version=17,
            dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}}, dynamo=False)
        np.savez(f"{folder}/calibration.npz", x=images[:32])
        np.savez(f"{folder}/data.npz", x=images[32:])
        return
    import shutil
    from safetensors.numpy import save_file
    quantized = f"{folder}/vit.quantized.onnx"
    shutil.copy(f"{folder}/q/model.onnx", quantized)
    x = images[32:]
    save_file({"x": x, "float": run(path, x), "quantized": run(quantized, x)}, f"{folder}/vit.safetensors")


main(sys.argv[1], len(sys.argv) > 2)
