"""S12: snapshot, tree and diagnosis of 10,000 live tasks; how long they hold up the loop when another thread takes
them; what a finished item leaves behind in the state of its run."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import NamedTuple, TypeVar

from benchmarks.measure import ROUNDS, Figure
from oe.render.tree import render_tree
from oe.state.diagnosis import diagnose
from oe.state.events import Event
from oe.state.facts import NodeFacts, UnitFacts
from oe.state.run_state import RunState
from oe.state.snapshot import Moment, Snapshot, take_snapshot

TASKS = 10_000
_NODE = NodeFacts("tool", 3, 60.0)
_FACTS = UnitFacts(_NODE, {}, (), None, is_always=False)

T = TypeVar("T")


class Busy(NamedTuple):
    """A run with 10,000 tasks going on, in a named form."""

    form: str
    state: RunState
    facts: dict[str, UnitFacts]

    def snapshot(self) -> Snapshot:
        """The run when every task is old enough for a finding."""
        return take_snapshot(self.state, self.facts, Moment("r-1", "busy", 100.0))


def fan_out() -> Busy:
    """One unit of 10,000 live items."""
    state = RunState(["wide"])
    state.apply(Event("node.started", 0.0, "wide", data={"items": TASKS}))
    for index in range(TASKS):
        state.apply(Event("node.started", 1.0, f"wide[{index}]", 1, index))
        state.apply(Event("node.progress", 2.0, f"wide[{index}]", 1, index, data={"pct": 0.5, "message": "half"}))
    return Busy("items", state, {"wide": _FACTS})


def units() -> Busy:
    """10,000 live units."""
    names = [f"node_{number}" for number in range(TASKS)]
    state = RunState(names)
    for name in names:
        state.apply(Event("node.started", 1.0, name, 1))
    return Busy("units", state, dict.fromkeys(names, _FACTS))


def seconds(job: Callable[[], T]) -> tuple[float, T]:
    """The median of some runs, and what the job gives."""
    figures = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        given = job()
        figures.append(time.perf_counter() - began)
    return median(figures), given


def longest_pause(busy: Busy) -> float:
    """The longest that a thread which does nothing but look at the clock has to wait while another one makes it all."""
    def work() -> None:
        snapshot = busy.snapshot()
        render_tree(snapshot)
        diagnose(snapshot)

    pauses = []
    for _ in range(ROUNDS):
        thread = threading.Thread(target=work)
        longest, last = 0.0, time.perf_counter()
        thread.start()
        while thread.is_alive():
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        pauses.append(longest)
    return median(pauses)


def bytes_per_item() -> float:
    """What the state of a run grows by for each item that ends."""
    state = RunState(["wide"])
    state.apply(Event("node.started", 0.0, "wide", data={"items": 2 * TASKS}))

    def settle(first: int) -> None:
        for index in range(first, first + TASKS):
            state.apply(Event("node.started", 1.0, f"wide[{index}]", 1, index))
            state.apply(Event("node.finished", 2.0, f"wide[{index}]", 1, index))

    settle(0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    settle(TASKS)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return max(0, grown) / TASKS


def measure() -> Iterator[Figure]:
    """S12, for many items and for many units."""
    for busy in (fan_out(), units()):
        taking, snapshot = seconds(busy.snapshot)
        yield Figure("S12", f"snapshot, {TASKS:,} live {busy.form}", taking * 1000, "ms", 20)
        for name, job in (("tree", partial(render_tree, snapshot)), ("diagnosis", partial(diagnose, snapshot))):
            yield Figure("S12", f"{name}, {TASKS:,} live {busy.form}", seconds(job)[0] * 1000, "ms", 20)
        yield Figure("S12", "longest pause of another thread", longest_pause(busy) * 1000, "ms", 25)
    yield Figure("S12", "left in a run's state by a finished item", bytes_per_item(), "bytes", 100)
