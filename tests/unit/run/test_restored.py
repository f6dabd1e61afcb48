"""What is known of the journal of a run that is resumed, and what that costs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from oe.ports.store import Mark
from oe.run.restored import Restored
from tests.contract.builders import outcome


def test_the_last_outcome_that_counts_decides() -> None:
    restored = Restored([
        Mark(2, "a", 1, "success", True), Mark(3, "a", 2, "success", False), Mark(4, "b", 1, "success", True),
        Mark(5, "b", 2, "failed", True)])
    assert restored.has_success("a")
    assert not restored.has_success("b")
    assert restored.outdated == [4], "two outcomes of 'b' count"
    assert (restored.tried("a"), restored.tried("b"), restored.tried("c")) == (2, 2, 0)


def test_slots_are_told_apart() -> None:
    slots = ["x", "x[0]", "x[1]", "x[0]/y", "x[1]/y", "x[1]/z", "x/y[1]", "x[1]/y[1]"]
    marks = [Mark(number, slot, number, "success", True) for number, slot in enumerate(slots, start=2)]
    restored = Restored(marks, lambda number: outcome(slots[number - 2]))
    for number, slot in enumerate(slots, start=2):
        found = restored.find_success(slot)
        assert found is not None
        assert found.slot == slot
        assert restored.tried(slot) == number
    for slot in ("x[2]", "x[2]/y", "y", "x[0]/z"):
        assert not restored.has_success(slot)


def test_what_is_taken_or_replaced_is_not_left() -> None:
    restored = Restored(Mark(2 + index, f"x[{index}]", 1, "success", True) for index in range(4))
    restored.take("x[1]")
    assert restored.replace("x[2]") == [4]
    assert restored.replace("x[2]") == []
    assert list(restored.left()) == [2, 5]
    assert restored.left() == []
    assert restored.tried("x[1]") == 1


def test_units_are_forgotten_with_all_that_is_inside() -> None:
    slots = ["x", "x[0]", "x[0]/y", "x/y", "xy", "y[0]/x"]
    restored = Restored(Mark(number, slot, 1, "success", True) for number, slot in enumerate(slots, start=2))
    assert sorted(restored.forget({"x"})) == [2, 3, 4, 5]
    assert sorted(restored.left()) == [6, 7]


def test_a_finished_item_costs_a_few_bytes() -> None:
    count = 20_000

    def marks() -> Iterator[Mark]:
        for index in range(count):
            yield Mark(2 + index, f"each[{index}]", 1, "success", True)
    tracemalloc.start()
    restored = Restored(marks())
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert restored.has_success(f"each[{count - 1}]")
    assert grown / count <= 32
