"""Accumulators, convolutions and requantization in plain Python integers, from their definitions."""

import numpy as np


class Stage:
    """A register of so many bits that wraps or saturates, `width` inputs a step, `count` inputs a tile."""

    def __init__(self, bits=None, overflow="wrap", width=1, count=None):
        self.bits, self.overflow, self.width, self.count = bits, overflow, width, count

    def fit(self, value):
        """The register's value for an exact sum, and whether it overflowed."""
        if self.bits is None:
            return value, False
        low, high = -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        if low <= value <= high:
            return value, False
        if self.overflow == "sat":
            return (high if value > high else low), True
        return (value - low) % (1 << self.bits) + low, True


def through(stages, products):
    """One output: its value, and per stage the events, the first one (k, exact sum) and the extremes.

    Whole lists of inputs go from stage to stage, each tagged with the last product that is in it.
    """
    inputs = [(k, int(product)) for k, product in enumerate(products)]
    told = []
    for stage in stages:
        count = stage.count or max(len(inputs), 1)
        events, first, least, most = 0, None, 0, 0
        handed = []
        for start in range(0, len(inputs), count):
            register, tile = 0, inputs[start : start + count]
            for begin in range(0, len(tile), stage.width):
                group = tile[begin : begin + stage.width]
                exact = register + sum(value for _, value in group)
                least, most = min(least, exact), max(most, exact)
                register, overflowed = stage.fit(exact)
                if overflowed:
                    events += 1
                    first = first or (group[-1][0], exact)
            handed.append((tile[-1][0], register))
        told.append({"events": events, "first": first, "min": least, "max": most})
        inputs = handed or [(0, 0)]
    return inputs[-1][1], told


def matmul(stages, a, b):
    """The values, and per stage the sums of events and outputs, the first event and the extremes."""
    values = np.zeros((a.shape[0], b.shape[1]), dtype=object)
    report = [{"events": 0, "outputs": 0, "first": None, "min": 0, "max": 0} for _ in stages]
    for row in range(a.shape[0]):
        for col in range(b.shape[1]):
            products = [int(x) * int(y) for x, y in zip(a[row], b[:, col])]
            values[row, col], told = through(stages, products)
            for entry, one in zip(report, told):
                entry["events"] += one["events"]
                entry["outputs"] += one["events"] > 0
                if one["first"] and entry["first"] is None:
                    entry["first"] = (row, col, *one["first"])
                entry["min"] = min(entry["min"], one["min"])
                entry["max"] = max(entry["max"], one["max"])
    return values.astype(np.int64), report


def conv2d(stages, x, w, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1, padding_code=0):
    """Loops over images, outputs, positions; products in ascending (channel, row, column) of the kernel."""
    images, _, height, width = x.shape
    outputs, depth, u, v = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=padding_code)
    rows = (padded.shape[2] - ((u - 1) * dilation[0] + 1)) // stride[0] + 1
    cols = (padded.shape[3] - ((v - 1) * dilation[1] + 1)) // stride[1] + 1
    values = np.zeros((images, outputs, rows, cols), dtype=np.int64)
    events = 0
    for n in range(images):
        for o in range(outputs):
            first = o // (outputs // groups) * depth
            for i in range(rows):
                for j in range(cols):
                    products = [
                        int(w[o, c, p, q])
                        * int(padded[n, first + c, i * stride[0] + p * dilation[0], j * stride[1] + q * dilation[1]])
                        for c in range(depth)
                        for p in range(u)
                        for q in range(v)
                    ]
                    values[n, o, i, j], told = through(stages, products)
                    events += sum(stage["events"] for stage in told)
    return values, events


def apply_scale_32(value, multiplier, shift, double_round):
    """TOSA 1.0's apply_scale_32, from the specification's text."""
    assert multiplier >= 0 and 2 <= shift <= 62
    rounding = 1 << (shift - 1)
    if double_round and shift > 31:
        rounding += (1 << 30) if value >= 0 else -(1 << 30)
    return (value * multiplier + rounding) >> shift
