"""Blocks of GGUF files and their values, and values and their blocks: writes blocks.safetensors.gz.

Versions: gguf 0.19.0 (PyPI), numpy 2.4.6, Python 3.11.
Command:  python models/tests/golden/gguf/blocks.py models/tests/golden/gguf/blocks.safetensors.gz

TYPE.blocks and TYPE.values: blocks with difficult scales, and what gguf.quants.dequantize makes of them. TYPE.digest: of many blocks,
whose bytes are the stream below; of the types of two bytes, of all of them. TYPE.encoded: gguf.quants.quantize of `x`.
"""
import gzip
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize, quantize
from safetensors.numpy import save

np.seterr(all="ignore")
# Type, and where its block has scales in f16 (or, for MXFP4, a byte).
DECODED = {
    T.F16: [], T.BF16: [], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q4_K: [0, 2],
    T.Q5_K: [0, 2], T.Q6_K: [208], T.TQ2_0: [64], T.MXFP4: [],
}
ENCODED = [T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.MXFP4, T.TQ2_0]
# Zeros, subnormals, the largest, infinities, NaN, one.
SCALES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x3C00]
MANY = 4096


def stream(count):
    """Bytes of the words splitmix64(0), splitmix64(1), ..."""
    z = np.arange(-(-count // 8), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).view(np.uint8)[:count]


def digest(values):
    """The sum of every value's bits, every NaN as 0x7fc00000, times 1, 3, 5, ..., modulo 2^64."""
    bits = np.where(np.isnan(values), np.uint32(0x7FC00000), values.view(np.uint32)).astype(np.uint64)
    odd = np.arange(bits.size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return np.array([np.sum(bits.ravel() * odd, dtype=np.uint64)])


def values_of(blocks, kind):
    return np.ascontiguousarray(dequantize(blocks, kind), dtype=np.float32).ravel()


def difficult(kind, places, rng):
    """Blocks of random codes under every scale of the list, and under random ones; all bytes equal."""
    size = GGML_QUANT_SIZES[kind][1]
    blocks = rng.integers(0, 256, (len(SCALES) + 4, size), dtype=np.uint8)
    for row, scale in enumerate(SCALES):
        for turn, place in enumerate(places):
            # The second scale is another one of the list.
            scale = SCALES[(row + 5 * turn) % len(SCALES)]
            blocks[row, place : place + 2] = np.frombuffer(np.uint16(scale).tobytes(), np.uint8)
    if kind == T.MXFP4:
        blocks[: len(SCALES), 0] = [0, 1, 2, 3, 126, 127, 128, 129, 252, 253, 254, 255]
    blocks[-1], blocks[-2] = 0xFF, 0x00
    return blocks


def numbers(rng):
    """Rows to encode: normal, tiny, large, ties, a grid, constants, zeros."""
    rows = [rng.standard_normal(256) * scale for scale in (1, 1, 0.02, 1e-6, 1e4)]
    rows.append(np.round(rng.standard_normal(256) * 4) / 8)
    rows.append((np.arange(256) - 128) * 0.25)
    rows.append(np.where(np.arange(256) % 2 == 0, 2.5, -2.5))
    rows.append(np.full(256, -0.75))
    rows.append(np.zeros(256))
    rows.append(1 + np.arange(256) * 2.0**-12)
    return np.array(rows, dtype=np.float32)


def main(path):
    rng = np.random.default_rng(20)
    tensors = {}
    for kind, places in DECODED.items():
        size = GGML_QUANT_SIZES[kind][1]
        if size == 2:
            many = np.arange(65536, dtype=np.uint16).view(np.uint8).reshape(1, -1)
        else:
            many = stream(MANY * size).reshape(MANY, size)
            blocks = difficult(kind, places, rng)
            tensors[f"{kind.name}.blocks"] = blocks.ravel()
            tensors[f"{kind.name}.values"] = values_of(blocks, kind)
        tensors[f"{kind.name}.digest"] = digest(values_of(many, kind))
    x = numbers(rng)
    tensors["x"] = x
    for kind in ENCODED:
        tensors[f"{kind.name}.encoded"] = np.ascontiguousarray(quantize(x, kind)).view(np.uint8).ravel()
    with gzip.GzipFile(path, "wb", 9, mtime=0) as file:
        file.write(save(tensors))


main(sys.argv[1])
