"""Prints what Brevitas's algorithms take on two threads, one linear layer, 4 bits per channel.

    python tests/golden/brevitas_algorithms/timing.py OUT IN SAMPLES [ALGORITHM ...]

Seconds of the processor over both threads: on a machine that does other work too, those of the clock say little.
"""

import sys
import time

import layers
import solvers
import torch

torch.set_num_threads(2)
outputs, inputs, samples = map(int, sys.argv[1:4])
w = layers.weights(1, outputs, inputs)
generator = torch.Generator().manual_seed(1)
x = torch.randn(samples, inputs, generator=generator).numpy()
xq = x + 0.3 * torch.randn(samples, inputs, generator=generator).numpy()
for name in sys.argv[4:] or ("gptq", "qronos", "gpfq"):
    _, statistics, seconds = solvers.solve(name, w, x, xq, 4, batch=2048, clock=time.process_time)
    print(f"{name} {outputs}x{inputs}, {samples} samples: statistics {statistics:.2f} s, solver {seconds:.2f} s")
