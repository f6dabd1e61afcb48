"""The same graph gives the same state at any concurrency and in any order of events (semantics §4)."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from tests.support.scenario import Scenario, Script, fails, gives


def random_graph(seed: int) -> tuple[str, Mapping[str, Script]]:
    """A layered graph of 5 to 40 nodes with joins, conditions, failures and every merge rule."""
    rng = random.Random(seed)
    count = rng.randrange(5, 40)
    lines = ["state:\n  schema:\n    last: {type: integer}\n    log: {type: array, merge: array_append}\n"
             "    once: {type: integer, merge: set_once}\ngraph:\n  nodes:\n"]
    scripts: dict[str, Script] = {}
    for number in range(count):
        needs = rng.sample(range(number), min(number, rng.choice((0, 1, 1, 2, 3)))) if number else []
        extra = rng.choice(("", "", "", ", join: any", ", join: always"))
        if needs and rng.random() < 0.2:
            extra += ", when: \"$.last % 2 == 0\", reads: [last]"
        writes = "[last, log]" if number else "[last, log, once]"
        lines.append(f"    - {{id: n{number}, kind: step, needs: [{', '.join(f'n{n}' for n in sorted(needs))}], "
                     f"writes: {writes}{extra}}}\n")
        delta: dict[str, object] = {"last": number, "log": [number]}
        if not number:
            delta["once"] = 1
        after = rng.random() * 10
        scripts[f"n{number}"] = fails(after=after) if rng.random() < 0.1 and number else gives(delta, after=after)
    return "".join(lines).replace("when: \"$.last", "when: \"default($.last, 1)"), scripts


@pytest.mark.parametrize("seed", range(40))
def test_final_state_and_statuses_are_the_same_at_every_concurrency(seed: int) -> None:
    text, scripts = random_graph(seed)
    outcomes = []
    for concurrency, shuffle in ((1, None), (2, 1), (8, 2), (64, 3), (64, 4)):
        result = Scenario(text, scripts).run(concurrency=concurrency, seed=shuffle)
        outcomes.append((result.status, result.state, {str(node["id"]): node["status"] for node in result.nodes}))
    assert all(outcome == outcomes[0] for outcome in outcomes)
