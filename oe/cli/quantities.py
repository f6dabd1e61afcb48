"""Ages and sizes on the command line, as types of options."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from oe.errors import UsageError
from oe.text import parse_duration

if TYPE_CHECKING:
    from oe.spec.model import Budget

DEFAULT_AGE_SECONDS = 30 * 86400.0
"""From what age on things are old where nobody says."""

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s?([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def age_seconds(text: str) -> float:
    """Seconds of `30d`, `12h`, `90m`, `45s`; a bare number would leave open of what."""
    seconds = parse_duration(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no age: write 30d, 12h or 90m")
    return seconds


def size_bytes(text: str) -> int:
    """Bytes of `1G`, `500M`, `1.5GiB`, `4096`; units are powers of 1,024."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no size: write 1G, 500M or a number of bytes")
    return int(float(match[1]) * 1024 ** _UNITS[match[2].upper()])


def whole_number(text: str) -> int:
    """The type of options that may be none at all."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number")
    return int(text[:18])


def budget(text: str) -> Budget:
    """The limits of `usd=0.50,tokens=100000,calls=20`."""
    from oe.app.models import budget_of  # not on the way of commands that only count

    values: dict[str, float | int] = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        try:
            values[name] = int(number) if number.isdecimal() and number.isascii() else float(number)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is no budget: write usd=0.50,tokens=100000") from None
    try:
        return budget_of(values)
    except UsageError as error:
        raise argparse.ArgumentTypeError(error.message) from None
