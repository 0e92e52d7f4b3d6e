"""The rate of fewbit.cast and fewbit.encode beside the Rust calls that they make.

    cargo build --release --example rates      # here, in python/
    python bench.py ../target/python/release/examples/rates

Both run by turns, so that what else the machine does meets both; a line has million elements per second of each (the best
of all rounds) and Python's share. 16 million float32, in formats of 8 and 16 bits, on one thread and two.
"""

import subprocess
import sys
import time

import numpy as np

import fewbit

ELEMENTS, ROUNDS, TURNS = 1 << 24, 15, 3


def least(run):
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return ELEMENTS / best / 1e6


def python_rates(x):
    rates = {}
    for threads in (1, 2):
        for format in ("e4m3fn", "int8", "bf16"):
            out = np.empty_like(x)
            calls = {
                "cast-out": lambda: fewbit.cast(x, format, threads=threads, out=out),
                "cast": lambda: fewbit.cast(x, format, threads=threads),
                "encode": lambda: fewbit.encode(x, format, threads=threads),
            }
            for name, call in calls.items():
                rates[name, format, threads] = least(call)
    return rates


def rust_rates(program):
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split("\n")
    rows = (line.split() for line in lines if line)
    return {(name, format, int(threads)): float(rate) for name, format, threads, rate in rows}


def main(program):
    x = np.random.default_rng(1).uniform(-4, 4, ELEMENTS).astype(np.float32)
    best = {"python": {}, "rust": {}}
    for _ in range(TURNS):
        for who, rates in (("rust", rust_rates(program)), ("python", python_rates(x))):
            for key, rate in rates.items():
                best[who][key] = max(rate, best[who].get(key, 0))
    for key, rust in best["rust"].items():
        name, format, threads = key
        python = best["python"][key]
        print(f"{name:9} {format:7} {threads} thread(s)  Python {python:7.1f}  Rust {rust:7.1f}  {python / rust:.2f}")


if __name__ == "__main__":
    main(sys.argv[1])
