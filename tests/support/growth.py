"""How much longer a larger job takes, told so that a busy machine cannot make a linear job look like a quadratic one."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

ROUNDS = 8


def growth(job: Callable[[int], Callable[[], object]], small: int, large: int, *, most: float) -> float:
    """CPU time of the large job over that of the small one, as a multiple of the ratio of the sizes.

    `job` prepares a job of a size. The two are measured in turns, without the garbage collector (it looks through the
    objects of every other test too), and the best of each counts; rounds end as soon as the answer is at most `most`,
    so that noise costs rounds, where a job that really grows faster stays above it in all of them.
    """
    best_small = best_large = value = float("inf")
    for _ in range(ROUNDS):
        best_small = min(best_small, _seconds(job(small)))
        best_large = min(best_large, _seconds(job(large)))
        value = best_large / best_small / (large / small)
        if value <= most:
            break
    return value


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        work()
        return max(time.process_time() - began, 0.0005)
    finally:
        gc.enable()
