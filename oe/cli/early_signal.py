"""SIGUSR1 while no run goes on yet, or none any more: its default would end the process."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType


def answer_early() -> None:
    """From now to the end of the process SIGUSR1 is answered in one line, but for the time in which a run is there to
    be shown (oe/signalled). Where it is ignored, it stays so."""
    if signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
        signal.signal(signal.SIGUSR1, _answer)


def _answer(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"oe: no run goes on just now\n")
