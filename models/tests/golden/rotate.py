"""Networks before and after a rotation, computed with NumPy alone: writes rotate.json.

Versions: numpy 1.26.4, Python 3.11.
Command:  python models/tests/golden/rotate.py models/tests/golden/rotate.json

"fused": an embedding T, a residual product W1, a last product W2, with normalizations between, and all three rotated by
H / sqrt(8), H being Sylvester's matrix. "expanded": a product of 5 inputs, its weights and one row of inputs padded to 12 and rotated by
Paley's matrix of 12, made here from squares modulo 11. Numbers are float32, computed in float64 and rounded once.
"""
import json
import sys

import numpy as np

rng = np.random.default_rng(7)


def f32(x):
    return np.asarray(x, np.float32)


def sylvester(n):
    h = np.ones((1, 1))
    while len(h) < n:
        h = np.kron(h, [[1, 1], [1, -1]])
    return h


def paley(p):
    squares = {i * i % p for i in range(1, p)}
    q = [[0 if i == j else 1 if (i - j) % p in squares else -1 for j in range(p)] for i in range(p)]
    h = np.ones((p + 1, p + 1))
    h[1:, 0] = -1
    h[1:, 1:] = np.array(q) + np.eye(p)
    assert np.array_equal(h @ h.T, (p + 1) * np.eye(p + 1))
    return h


def norm(x):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)


def network(t, w1, w2, ids):
    x = t.astype(np.float64)[ids]
    x = x + norm(x) @ w1.astype(np.float64).T
    return norm(x) @ w2.astype(np.float64).T


t, w1, w2 = f32(rng.normal(size=(5, 8))), f32(rng.normal(size=(8, 8))), f32(rng.normal(size=(6, 8)))
t[:, 3] *= 50  # an outlier channel
ids = np.array([4, 0, 3])
r = sylvester(8) / np.sqrt(8)
wide = [x.astype(np.float64) for x in (t, w1, w2)]
rotated = [f32(wide[0] @ r), f32(r.T @ wide[1] @ r), f32(wide[2] @ r)]
y = network(t, w1, w2, ids)
assert np.allclose(y, network(*rotated, ids), atol=1e-4)

w, x = f32(rng.normal(size=(3, 5))), f32(rng.normal(size=(2, 5)))
r = paley(11)[:5] / np.sqrt(12)
out = {
    "fused": {
        "ids": ids.tolist(),
        "before": [a.tolist() for a in (t, w1, w2)],
        "after": [a.tolist() for a in rotated],
        "y": f32(y).tolist(),
    },
    "expanded": {
        "w": w.tolist(),
        "x": x.tolist(),
        "w_rotated": f32(w.astype(np.float64) @ r).tolist(),
        "x_rotated": f32(x.astype(np.float64) @ r).tolist(),
        "y": f32(x.astype(np.float64) @ w.astype(np.float64).T).tolist(),
    },
}
with open(sys.argv[1], "w") as file:
    json.dump(out, file, indent=1)
    file.write("\n")
