"""The unit beside a machine per lane, step by step."""

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import fewbit
import fewbit.cocotb as bench

LANES, P = 4, 18


@cocotb.test()
async def every_step_is_the_machine(dut):
    rng = bench.random_generator()
    machines = [fewbit.Machine(f"int{P}-sat") for _ in range(LANES)]
    board = bench.Scoreboard(f"int{P}", lanes=LANES, name="sat_mac")
    Clock(dut.clk, 10, unit="ns").start()
    dut.rst.value, dut.valid.value, dut.a.value, dut.b.value = 1, 0, 0, 0
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    for step in range(400):
        # Runs of one sign reach both ends of the register; random operands in between.
        sign = (1, -1, 0)[step // 40 % 3]
        a = rng.integers(-128, 128, LANES) if sign == 0 else np.full(LANES, 127)
        b = rng.integers(-128, 128, LANES) if sign == 0 else sign * rng.integers(100, 128, LANES)
        dut.valid.value = 1
        dut.a.value, dut.b.value = bench.pack(a, 8), bench.pack(b, 8)
        for machine, x, y in zip(machines, a, b):
            machine.push(int(x) * int(y))
        board.expect([machine.value for machine in machines], context=f"step {step}")
        await FallingEdge(dut.clk)
        board.observe(dut.acc.value)
    assert sum(machine.events for machine in machines) > 0, "the stimuli never reached an end"
    dut._log.info(board.report())
    board.assert_clean()
