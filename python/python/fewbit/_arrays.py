"""Arrays as the native part takes them."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

#: What the native part converts.
_NUMBERS = {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}


def _key(dtype: np.dtype) -> str:
    return f"{dtype.kind}{dtype.itemsize}"


def extension_format(dtype: np.dtype) -> Optional[str]:
    """The name of a number type that another package (ml_dtypes) has added to NumPy; None for NumPy's own.

    >>> extension_format(np.dtype(np.float32)) is None
    True
    """
    return dtype.name if dtype.isbuiltin == 2 else None


def native(array: Any, name: str) -> np.ndarray:
    """Any array-like in the machine's byte order."""
    found = np.asarray(array)
    if found.dtype.kind in "OSUMmc" or found.dtype.names is not None:
        raise TypeError(f"{name} has dtype {found.dtype}: expected an array of numbers")
    if not found.dtype.isnative:
        found = found.astype(found.dtype.newbyteorder("="))
    return found


def numbers(array: Any, name: str) -> np.ndarray:
    """Contiguous numbers of a type that the native part converts; nothing is copied that is so already.

    Types that are no wider than float32 become float32, which has all of their values.
    """
    found = native(array, name)
    if found.dtype.kind == "b":
        found = found.astype(np.uint8)
    elif _key(found.dtype) == "f2" or extension_format(found.dtype) is not None:
        found = found.astype(np.float32)
    if _key(found.dtype) not in _NUMBERS:
        raise TypeError(
            f"{name} has dtype {found.dtype}: expected float16, float32, float64 or an integer of at most 64 bits"
        )
    return np.ascontiguousarray(found).reshape(found.shape)


def integers(array: Any, name: str) -> np.ndarray:
    """Integers of at most 64 bits, signed where they have 64; any strides."""
    found = native(array, name)
    if found.dtype.kind == "b":
        return found.astype(np.uint8)
    if extension_format(found.dtype) is not None:
        if not found.dtype.name.startswith(("int", "uint")):
            raise TypeError(f"{name} has dtype {found.dtype}: expected integers")
        return found.astype(np.int8 if found.dtype.name.startswith("int") else np.uint8)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {found.dtype}: expected integers")
    if _key(found.dtype) == "u8":
        if found.size and int(found.max()) > np.iinfo(np.int64).max:
            raise ValueError(f"{name} has {int(found.max())}, which int64 cannot hold")
        return found.astype(np.int64)
    return found


def int64(array: Any, name: str, ndim: Optional[int] = None) -> np.ndarray:
    """The same as int64, with so many axes."""
    found = integers(array, name).astype(np.int64, copy=False)
    return axes(found, name, ndim)


def floats(array: Any, name: str, ndim: Optional[int] = None) -> np.ndarray:
    """Numbers that are all float32, as float32; a list's, which has no dtype, are rounded to it."""
    found = numbers(array, name)
    if not hasattr(array, "dtype") and found.dtype == np.float64:
        found = found.astype(np.float32)
    if found.dtype != np.float32:
        with np.errstate(over="ignore"):
            narrow = found.astype(np.float32)
        same = (narrow.astype(found.dtype) == found) | (found != found)
        if not same.all():
            place = tuple(int(i) for i in np.argwhere(~same)[0])
            raise ValueError(f"{name} has {found[place]} at {list(place)}, which is no float32: round it first")
        found = narrow
    return axes(found, name, ndim)


def axes(array: np.ndarray, name: str, ndim: Optional[int]) -> np.ndarray:
    """The array, if it has so many axes."""
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} has shape {list(array.shape)}: expected {ndim} {'axis' if ndim == 1 else 'axes'}")
    return array


def code_dtype(bits: int) -> Any:
    """The smallest unsigned type that holds codes of so many bits."""
    return np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32


def codes(array: Any, bits: int, name: str) -> np.ndarray:
    """Contiguous codes: unsigned integers, or the bits of a type of another package."""
    found = native(array, name)
    if extension_format(found.dtype) is not None:
        found = np.ascontiguousarray(found).view({1: np.uint8, 2: np.uint16, 4: np.uint32}[found.dtype.itemsize])
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {found.dtype}: codes are unsigned integers")
    if found.dtype.kind == "i" or found.dtype.itemsize > 4:
        if found.size and (int(found.min()) < 0 or int(found.max()) >= 1 << 32):
            wrong = int(found.min()) if int(found.min()) < 0 else int(found.max())
            raise ValueError(f"{name} has {wrong}: codes are unsigned integers of at most {bits} bits")
        found = found.astype(np.uint32)
    return np.ascontiguousarray(found).reshape(found.shape)


def text(value: Any, name: str) -> str:
    """A name of the grammar: text, or anything of fewbit that prints as one."""
    if isinstance(value, str):
        return value
    printed = getattr(value, "__fewbit_name__", None)
    if isinstance(printed, str):
        return printed
    raise TypeError(f"{name} is {value!r}: expected its name, a str")


def seed64(seed: int) -> int:
    """A seed of 64 bits."""
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(f"seed is {seed!r}: expected an int")
    if not 0 <= int(seed) < 1 << 64:
        raise ValueError(f"seed is {seed}: expected 0 to 2^64 - 1")
    return int(seed)


def threads_of(threads: Optional[int]) -> Optional[int]:
    """A number of threads, or None."""
    if threads is None:
        return None
    if isinstance(threads, bool) or not hasattr(threads, "__index__"):
        raise TypeError(f"threads is {threads!r}: expected an int or None")
    if not 1 <= int(threads) <= 1024:
        raise ValueError(f"threads is {threads}: expected 1 to 1024, or None for one per processor")
    return int(threads)
