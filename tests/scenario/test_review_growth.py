"""Work that may not grow faster than what is worked on: counted in steps, not in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oe.digests import Part, part_of
from oe.run.attempt import Result
from oe.run.items import ItemRule, Items
from oe.store.sqlite_store import SqliteStore
from oe.values import Json
from tests.support.scenario import Scenario, fails, gives

MOST = 1.3
"""How much faster than the size the work may grow."""


def growth(work: Callable[[int], float], small: int, large: int) -> float:
    """Work for the large size over work for the small one, as a multiple of the ratio of the sizes."""
    return work(large) / work(small) / (large / small)


def test_resuming_a_fan_out_whose_key_has_changed(tmp_path: Path) -> None:
    def work(count: int) -> float:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0
        scenario = Scenario(f"""
state: {{schema: {{w: {{type: array, default: {list(range(count))}}}}}}}
graph:
  nodes:
    - {{id: each, kind: step, for_each: {{source: $.w}}}}
    - {{id: bad, kind: step, needs: [each]}}
""", {"bad": fails()})
        store = SqliteStore.open(tmp_path / f"{count}.sqlite")
        scenario.store = store  # type: ignore[assignment]
        scenario.run()
        scenario.kind.contents = {"each": {"./each.py": "changed"}}
        store._connection.set_progress_handler(step, 100)
        scenario.resume()
        store.close()
        return steps
    assert growth(work, 100, 400) <= MOST


def test_items_that_all_fail() -> None:
    compared = 0

    class Counted(int):
        def __lt__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return int(self) < int(other)  # type: ignore[call-overload, no-any-return]

    async def carry(index: int) -> Result:
        raise AssertionError

    def work(count: int) -> float:
        nonlocal compared
        compared = 1
        items = Items("each", count, ItemRule(None, "continue"), carry)
        for index in range(count):
            items.fail(Counted(index), "broken")
        items.metrics()
        return compared
    assert growth(work, 200, 800) <= 2, "sorting them once is all that is needed"


@pytest.mark.parametrize("unit", ["for_each", "pipeline"])
def test_a_list_along_an_edge_is_digested_once(monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    text = """
graph:
  nodes:
    - {id: listing, kind: step}
    - {id: each, kind: step, FOR_EACH}
""".replace("FOR_EACH", "needs: [listing], for_each: {source: $inputs.listing}" if unit == "for_each" else "args: {x: 1}")
    if unit == "pipeline":
        text += "  pipelines:\n    - {id: pipe, needs: [listing], items: $inputs.listing, stages: [each]}\n"
    digested = 0

    def counting(value: Json) -> Part:
        nonlocal digested
        part = part_of(value)
        digested += part.size
        return part
    monkeypatch.setattr("oe.run.keys.part_of", counting)

    def work(count: int) -> float:
        nonlocal digested
        digested = 0
        Scenario(text, {"listing": gives(edge=list(range(1000, 1000 + count)))}).run()
        return digested
    assert growth(work, 100, 400) <= MOST
