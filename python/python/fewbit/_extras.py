"""Packages that are taken where they are there."""

from __future__ import annotations

from typing import Any


def pandas(what: str) -> Any:
    """pandas, for `what`."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"{what} needs pandas: pip install pandas") from error
    return pandas


def pyplot(what: str) -> Any:
    """matplotlib.pyplot, for `what`."""
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError(f"{what} needs matplotlib: pip install matplotlib") from error
    return matplotlib.pyplot
