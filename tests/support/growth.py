"""How long a job takes, and how much longer a larger one, told so that a busy machine cannot make a quick job look slow
or a linear one quadratic."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

ROUNDS = 8


def growth(job: Callable[[int], Callable[[], object]], small: int, large: int, *, most: float) -> float:
    """CPU time of the large job over that of the small one, as a multiple of the ratio of the sizes. `job` prepares a
    job of a size."""
    ratio = large / small
    return times_as_long(lambda: job(large), lambda: job(small), most=most * ratio) / ratio


def times_as_long(job: Callable[[], Callable[[], object]], other: Callable[[], Callable[[], object]], *,
                  most: float) -> float:
    """CPU time of a job over that of another; each is prepared by a call.

    The two are measured in turns, without the garbage collector (it looks through the objects of every other test too),
    and the best of each counts; rounds end as soon as the answer is at most `most`, so that noise costs rounds, where a
    job that really takes longer stays above it in all of them.
    """
    best_other = best = value = float("inf")
    for _ in range(ROUNDS):
        best_other = min(best_other, _seconds(other()))
        best = min(best, _seconds(job()))
        value = best / best_other
        if value <= most:
            break
    return value


def quickest(work: Callable[[], object], *, most: float) -> float:
    """Seconds of CPU time of the quickest of several rounds, which end as soon as one takes at most `most`. What takes
    exponential time does so in all of them; a bound is meant to be far above what the job takes on any machine."""
    value = float("inf")
    for _ in range(ROUNDS):
        value = min(value, _seconds(work))
        if value <= most:
            break
    return value


def _seconds(work: Callable[[], object]) -> float:
    """Of this thread alone: others may be at work for tests that are over."""
    gc.collect()
    gc.disable()
    try:
        began = time.thread_time()
        work()
        return max(time.thread_time() - began, 0.0005)
    finally:
        gc.enable()
