"""Layers for comparing algorithms, made of counted random numbers so that any program can make the same ones.

Word i of a stream is SplitMix64's output function of `seed + (i + 1) * 0x9e3779b97f4a7c15`; a normal variable is the sum
of twelve uniform ones less 6. All arithmetic is elementwise in float64, in the order written, rounded to float32 at the
end: the same numbers everywhere, to the bit.
"""

import numpy as np

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def words(seed, count):
    index = np.arange(1, count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + index * GAMMA
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniforms(seed, count):
    return (words(seed, count) >> np.uint64(11)).astype(np.float64) / 2.0**53


def normals(seed, rows, cols):
    u = uniforms(seed, rows * cols * 12).reshape(rows * cols, 12)
    total = u[:, 0].copy()
    for k in range(1, 12):
        total = total + u[:, k]
    return (total - 6.0).reshape(rows, cols)


def weights(seed, outputs, inputs):
    return normals(seed * 100 + 1, outputs, inputs).astype(np.float32)


def inputs(seed, part, samples, inputs):
    """Float inputs X, correlated along the channels, some channels large; and X~ = X + noise."""
    size = 1.0 + 3.0 * uniforms(seed * 100 + 2, inputs) ** 4
    z = normals(seed * 100 + 10 + part, samples, inputs)
    x = np.empty_like(z)
    x[:, 0] = z[:, 0]
    for j in range(1, inputs):
        x[:, j] = 0.8 * x[:, j - 1] + 0.6 * z[:, j]
    noise = normals(seed * 100 + 20 + part, samples, inputs)
    return (x * size).astype(np.float32), (x * size + 0.3 * noise).astype(np.float32)


def unsigned_inputs(seed, part, samples, width):
    """Inputs after ReLU, and X~ as the uint8 codes of scale 1/32 of noisy ones."""
    x, noisy = inputs(seed, part, samples, width)
    x = np.maximum(x.astype(np.float64) + 0.5, 0.0).astype(np.float32)
    codes = np.clip(np.rint((noisy.astype(np.float64) + 0.5) * 32.0), 0.0, 255.0)
    return x, (codes / 32.0).astype(np.float32)


def relative_error(x, xq, w, q):
    wanted = x.astype(np.float64) @ w.astype(np.float64).T
    got = xq.astype(np.float64) @ q.astype(np.float64).T
    return np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
