"""What is refused, and that the refusal names it; and many threads of Python."""

import concurrent.futures
import multiprocessing
import threading
import time

import numpy as np
import pytest

import fewbit

ONES = np.ones((2, 2), np.int8)

REFUSED = [
    (lambda: fewbit.cast([1.0], "e4m3fnn"), ValueError, "e4m3fnn"),
    (lambda: fewbit.cast([1.0], 8), TypeError, "format is 8"),
    (lambda: fewbit.cast([1.0], "e4m3fn", rounding="nearest"), ValueError, "rounding: .*nearest"),
    (lambda: fewbit.cast([1.0], "e4m3fn", overflow="clip"), ValueError, "overflow: .*clip"),
    (lambda: fewbit.cast([1.0], "e4m3fn", roundings="up"), TypeError, "unexpected argument 'roundings'"),
    (lambda: fewbit.cast([1.0], "e4m3fn", nan=3), TypeError, "nan is 3"),
    (lambda: fewbit.cast(["a"], "e4m3fn"), TypeError, "x has dtype"),
    (lambda: fewbit.cast([1 + 2j], "e4m3fn"), TypeError, "complex128"),
    (lambda: fewbit.cast(np.array([1.0], dtype=object), "e4m3fn"), TypeError, "object"),
    (lambda: fewbit.cast([1.0], "e4m3fn", seed=-1), ValueError, "seed is -1"),
    (lambda: fewbit.cast([1.0], "e4m3fn", threads=0), ValueError, "threads is 0"),
    (lambda: fewbit.cast([1.0], "e4m3fn", threads=100_000), ValueError, "100000"),
    (lambda: fewbit.cast([1.0], "e4m3fn", out=np.empty(2)), ValueError, r"out has shape \[2\]"),
    (lambda: fewbit.cast([1.0], "e4m3fn", out=np.empty(1, np.int8)), TypeError, "out is int8"),
    (lambda: fewbit.cast([[1.0, np.inf]], "int8", infinity="error"), ValueError, r"element at \[0, 1\]"),
    (lambda: (lambda x: fewbit.cast(x, "int8", out=x))(np.float32([1.4, 2.6])), ValueError, "out shares memory"),
    (lambda: fewbit.encode([1.0], "mxfp4"), ValueError, "mxfp4 is a group format: fewbit.quantize"),
    (lambda: fewbit.decode([256], "e4m3fn"), ValueError, "0x100"),
    (lambda: fewbit.decode([-1], "e4m3fn"), ValueError, "-1"),
    (lambda: fewbit.decode([1.5], "e4m3fn"), TypeError, "float64"),
    (lambda: fewbit.matmul(ONES, ONES, "int1-sat"), ValueError, "2 to 64"),
    (lambda: fewbit.matmul(ONES, ONES, "int8"), ValueError, "int8"),
    (lambda: fewbit.matmul(ONES, ONES[:1], "int8-sat"), ValueError, "A is 2x2 and B is 1x2"),
    (lambda: fewbit.matmul(ONES[0], ONES, "int8-sat"), ValueError, r"a has shape \[2\]"),
    (lambda: fewbit.matmul(ONES * 1.5, ONES, "int8-sat"), TypeError, "a_format"),
    (lambda: fewbit.matmul(ONES, ONES, "int8-sat", report="all"), ValueError, "report is 'all'"),
    (lambda: fewbit.matmul(ONES, ONES, "int8-sat", init=ONES[:1]), ValueError, "1x2, and the result is 2x2"),
    (lambda: fewbit.matmul(ONES, ONES, "int8-sat", init=ONES * 1.5), TypeError, "init has dtype"),
    (lambda: fewbit.matmul(ONES, ONES, "int8-sat", init=ONES.astype(int) * 1000), ValueError, "1000"),
    (lambda: fewbit.matmul([[0.3]], [[1.0]], "f32", a_format="e4m3fn", b_format="f32"), ValueError, "a: .*0.3.*rounding="),
    (lambda: fewbit.matmul(ONES, ONES, "int8-sat", rounding="up"), ValueError, "nothing to round"),
    (lambda: fewbit.matmul(ONES, ONES, "f32", a_scales=ONES), ValueError, "both operands"),
    (lambda: fewbit.matmul(np.full((1, 1), 2**63, np.uint64), ONES[:1], "exact"), ValueError, "9223372036854775808"),
    (lambda: fewbit.matmul(np.full((1, 1), 2**62), np.full((1, 1), 4), "exact"), ValueError, "int64 cannot hold"),
    (lambda: fewbit.matmul(np.zeros((1 << 20, 0), np.int8), np.zeros((0, 1 << 30), np.int8), "exact"), ValueError, "memory"),
    (lambda: fewbit.conv2d(ONES, ONES, "int8-sat"), ValueError, r"input has shape \[2, 2\]"),
    (lambda: fewbit.conv2d(ONES[None, None], ONES[None, None], "int8-sat", stride=0), ValueError, "stride"),
    (lambda: fewbit.conv2d(ONES[None, None], ONES[None, None], "int8-sat", groups=0), ValueError, "groups is 0"),
    (lambda: fewbit.conv2d(ONES[None, None], ONES[None, None], "int8-sat", padding=-1), ValueError, "-1"),
    (lambda: fewbit.conv2d(ONES[None, None], ONES[None, None], "int8-sat", padding_code=300), ValueError, "300"),
    (lambda: fewbit.conv2d(ONES[None, None], np.ones((1, 1, 3, 3), np.int8), "int8-sat"), ValueError, "spans 3"),
    (lambda: fewbit.conv2d(ONES[None, None], ONES[None, None], "f32"), ValueError, "floating-point"),
    (lambda: fewbit.bounds(ONES, "e4m3fn"), ValueError, "e4m3fn"),
    (lambda: fewbit.bounds(ONES), ValueError, "input_range"),
    (lambda: fewbit.bounds(ONES, "uint8", bias=[1, 2, 3]), ValueError, "3 biases do not fit"),
    (lambda: fewbit.bounds(ONES, "uint8", bias_at="middle"), ValueError, "middle"),
    (lambda: fewbit.bounds(ONES, input_range=[[0, 1]] * 3), ValueError, r"\[3, 2\]"),
    (lambda: fewbit.bounds(ONES, input_range=(3, 1)), ValueError, r"\[3, 1\]"),
    (lambda: fewbit.quantize([[1.0]], "mxfp5"), ValueError, "mxfp5"),
    (lambda: fewbit.quantize([[1.0]], "mxfp4", axis=5), ValueError, "axis 5"),
    (lambda: fewbit.quantize(np.float64([0.1]), "int8"), ValueError, "0.1"),
    (lambda: fewbit.dequantize(ONES), TypeError, "ndarray"),
    (lambda: fewbit.Machine("f32").push("a"), TypeError, "must be real number, not str"),
    (lambda: fewbit.Machine("int8-sat").push(1.5), TypeError, "1.5"),
    (lambda: fewbit.Machine("int8-sat").push(1 << 130), ValueError, "127 bits"),
    (lambda: fewbit.Machine("int8-sat").push_codes(1, 2), ValueError, "Machine"),
    (lambda: fewbit.Machine("int8-sat", a="int8"), ValueError, "both a and b"),
    (lambda: fewbit.Machine("int8-sat", a="int8", b="int8").push_codes(256, 1), ValueError, "0x100"),
    (lambda: fewbit.MachineArray("f32", 2, 2), ValueError, "floating-point"),
    (lambda: fewbit.MachineArray("int8-sat", -1, 2), ValueError, "-1"),
    (lambda: fewbit.MachineArray("int8-sat", 1 << 31, 1 << 31), ValueError, "memory"),
    (lambda: fewbit.sweep([ONES * 1.0], ONES * 1.0, bits="24..8"), ValueError, "24..8"),
    (lambda: fewbit.sweep([ONES * 1.0], ONES * 1.0, acc="int8-sat"), ValueError, "{P}"),
    (lambda: fewbit.sweep([ONES * 1.0], ONES * 1.0, labels=[0]), ValueError, "1 labels for 2 samples"),
    (lambda: fewbit.sweep([ONES * np.nan], ONES * 1.0), ValueError, r"element \[0, 0\]: NaN"),
    (lambda: fewbit.formats("e99m1"), ValueError, "e99m1"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_a_refusal_names_the_value(index):
    call, kind, message = REFUSED[index]
    with pytest.raises(kind, match=message):
        call()


def test_eight_threads_of_python(rng):
    a = rng.integers(-128, 128, (64, 256), dtype=np.int8)
    x = rng.standard_normal(100_000).astype(np.float32)
    expected = fewbit.matmul(a, a.T, "int16-sat").values, fewbit.cast(x, "e4m3fn", rounding="stochastic8", seed=7)

    def work(index):
        product = fewbit.matmul(a, a.T, "int16-sat", threads=index % 3 or None)
        mac = fewbit.Machine("int16-sat")
        mac.push_group(a[0].astype(int) * a[index])
        return product.values, fewbit.cast(x, "e4m3fn", rounding="stochastic8", seed=7, threads=2), mac.drain()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for index, (values, cast, drained) in enumerate(pool.map(work, range(32))):
            np.testing.assert_array_equal(values, expected[0])
            np.testing.assert_array_equal(cast, expected[1])
            assert drained == expected[0][0, index]


def test_the_gil_is_released(rng):
    a = rng.integers(-128, 128, (600, 2000), dtype=np.int8)
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    start = time.perf_counter()
    fewbit.matmul(a, a.T, "int16-sat/7,int20-wrap", threads=1)
    end = time.perf_counter()
    done.set()
    ticker.join()
    assert sum(start < t < end for t in ticks) >= min(5, (end - start) / 0.02)


def _in_a_child(queue):
    queue.put(fewbit.matmul(ONES, ONES, "int8-sat").values.tolist())


def test_a_forked_child_has_threads_of_its_own():
    fewbit.matmul(ONES, ONES, "int8-sat")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_a_child, args=(queue,))
    child.start()
    assert queue.get(timeout=60) == [[2, 2], [2, 2]]
    child.join(timeout=60)
    assert child.exitcode == 0
