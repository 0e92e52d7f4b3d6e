"""Searches the four circulants of the Goethals-Seidel array.

Usage: python hadamard_rows.py N MULTIPLIER

Prints four first rows a, b, c, d of N signs whose periodic autocorrelations add up to zero at every shift, constant on
the orbits of the multiplier in Z_N. Such rows give a Hadamard matrix of order 4N (Goethals and Seidel 1967, "Orthogonal
matrices with zero diagonal").
"""

import itertools
import sys

import numpy as np

n, h = int(sys.argv[1]), int(sys.argv[2])
orbits, seen = [], set()
for start in range(n):
    if start in seen:
        continue
    orbit, x = [], start
    while x not in orbit:
        orbit.append(x)
        x = x * h % n
    seen.update(orbit)
    orbits.append(orbit)
basis = np.zeros((len(orbits), n), dtype=np.int64)
for i, orbit in enumerate(orbits):
    basis[i, orbit] = 1
k = len(orbits)
# Rows that start with + (the sign of a row does not matter).
bits = (np.arange(2 ** (k - 1))[:, None] >> np.arange(k - 1)) & 1
rows = (1 - 2 * np.concatenate([np.zeros((len(bits), 1), dtype=np.int64), bits], axis=1)) @ basis
power = np.abs(np.fft.fft(rows, axis=1)) ** 2
good = np.all(power[:, 1:] <= 4 * n + 1e-6, axis=1)
rows = rows[good]
spectrum = np.fft.fft(rows, axis=1)
correlation = np.rint(np.fft.ifft(np.abs(spectrum) ** 2, axis=1).real).astype(np.int64)
# Autocorrelations are constant on orbits and symmetric.
shifts = sorted({min(min(x, n - x) for x in o if x) for o in orbits if o != [0]})
correlation = correlation[:, shifts]
sums = np.abs(rows.sum(axis=1))
by_sum = {s: np.flatnonzero(sums == s) for s in set(sums.tolist())}
for s in itertools.combinations_with_replacement(sorted(by_sum, reverse=True), 4):
    if sum(x * x for x in s) != 4 * n:
        continue
    left, right = [by_sum[x] for x in s[:2]], [by_sum[x] for x in s[2:]]
    weight = np.array([pow(1000003, i, 2**61 - 1) for i in range(len(shifts))], dtype=np.int64)
    key = (correlation * weight).sum(axis=1)
    keys = (key[right[0]][:, None] + key[right[1]][None, :]).ravel()
    order = np.argsort(keys)
    ordered = keys[order]
    for i in left[0]:
        wanted = -(key[i] + key[left[1]])
        at = np.searchsorted(ordered, wanted)
        hit = np.flatnonzero((at < len(ordered)) & (ordered[np.minimum(at, len(ordered) - 1)] == wanted))
        for j in hit:
            c, d = divmod(order[at[j]], len(right[1]))
            quadruple = [i, left[1][j], right[0][c], right[1][d]]
            if not np.any(correlation[quadruple].sum(axis=0)):
                for index in quadruple:
                    print("".join("+" if x > 0 else "-" for x in rows[index]))
                sys.exit(0)
print("none")
