"""Random graphs with every form of unit, whose nodes write what they see: any dependence on timing shows in the state.

A graph comes from its seed alone. So does what a slot does: how long it takes, whether it fails, what it writes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

from oe.errors import NodeError
from oe.ports.kind import NodeContext, NodeOutput, Request
from tests.support.scenario import HEAD, Scenario, Script

STATE = """\
state:
  schema:
    last: {type: integer, default: 0}
    log: {type: array, merge: array_append, default: [], persist: true}
    once: {type: integer, merge: set_once}
    words: {type: array, default: [a, b, c, d, e]}
"""
CHILD = HEAD + """\
state:
  schema:
    sum: {type: integer, default: 0}
    kept: {type: array, merge: array_append, default: [], persist: true}
graph:
  nodes:
    - {id: one, kind: step, reads: [kept], writes: [kept, sum]}
    - {id: many, kind: step, needs: [one], for_each: {source: [1, 2, 3], concurrency: 2}, reads: [sum], writes: [kept]}
    - {id: two, kind: step, needs: [many], reads: [sum, kept], writes: [sum]}
"""
FORMS = ("node", "node", "node", "fan_out", "pipeline", "loop", "experience", "experiences")


class Graph(NamedTuple):
    """An experience, its files beside it, and what its nodes do."""

    text: str
    files: Mapping[str, str]
    scripts: Mapping[str, Script]

    def scenario(self) -> Scenario:
        """A scenario of it, with a store of its own."""
        return Scenario(self.text, self.scripts, files=self.files)


def random_graph(seed: int, most_units: int = 14, failures: float = 0.05) -> Graph:
    """A graph of at least 4 units, each of a random form, with joins, conditions and failures."""
    rng = random.Random(seed)
    nodes = ["    - {id: n0, kind: step, writes: [last, log, once]}"]
    edges: list[str] = []
    groups: dict[str, list[str]] = {"pipelines": [], "loops": []}
    count = rng.randrange(4, most_units)
    scripts: dict[str, Script] = {"n0": worker(seed, 0.0)}
    for number in range(1, count):
        for source in {0, *rng.sample(range(number), min(number, rng.choice((1, 1, 2, 3))))}:
            when = f", when: {rng.choice(('$.last % 2 == 0', 'length($.log) > 1'))!r}" if rng.random() < 0.1 else ""
            edges.append(f"    - {{from: n{source}, to: n{number}{when}}}")
        _add_unit(rng, number, nodes, groups)
        for name in (f"n{number}", f"s{number}", f"t{number}"):
            scripts[name] = worker(seed, failures)
    scripts |= {name: worker(seed, failures / 4, {"kept": "log", "sum": "last"}) for name in ("one", "many", "two")}
    text = STATE + "\n".join(["graph:", "  nodes:", *nodes, "  edges:", *edges])
    for name, lines in groups.items():
        text += "".join([f"\n  {name}:\n" + "\n".join(lines)] if lines else [])
    return Graph(text + "\n", {"child.yaml": CHILD}, scripts)


def _add_unit(rng: random.Random, number: int, nodes: list[str], groups: dict[str, list[str]]) -> None:
    """One unit of a random form: its nodes, and its line where it is no node itself."""
    form = rng.choice(FORMS)
    join = rng.choice(("", "", "", ", join: any", ", join: always"))
    rest = "kind: step, reads: [last, log], writes: [last, log]"
    many = f"for_each: {{source: $.words, concurrency: {rng.randrange(1, 5)}, on_item_error: continue}}"
    child = "kind: experience, impl: child.yaml, outputs: {last: sum, log: kept}, writes: [last, log]"
    if form in ("pipeline", "loop"):
        nodes += [f"    - {{id: s{number}, {rest}}}", f"    - {{id: t{number}, {rest}}}"]
        groups["pipelines" if form == "pipeline" else "loops"].append(
            f"    - {{id: n{number}, items: $.words, stages: [s{number}, t{number}], on_item_error: continue}}"
            if form == "pipeline" else
            f"    - {{id: n{number}, body: [s{number}, t{number}], max_iters: 4, until: \"$.last % 5 == 0\"}}")
    elif form.startswith("experience"):
        nodes.append(f"    - {{id: n{number}, {child}{', ' + many if form == 'experiences' else ''}{join}}}")
    else:
        nodes.append(f"    - {{id: n{number}, {rest}{', ' + many if form == 'fan_out' else ''}{join}}}")


def worker(seed: int, failures: float, fields: Mapping[str, str] | None = None) -> Script:
    """A node that takes a random while and writes to each of its fields what it saw. `fields` are other names for
    `log` and `last`."""
    names = fields or {}

    async def script(request: Request, context: NodeContext) -> NodeOutput:
        rng = random.Random(crc32(f"{seed} {context.slot}".encode()))
        await asyncio.sleep(rng.random() * 10)
        if rng.random() < failures:
            raise NodeError("broken", name="Broken")
        seen = crc32(repr((context.slot, sorted(request.view.items()), request.scope.item)).encode()) % 1000
        values: dict[str, Any] = {"last": seen, "log": [f"{context.slot} {seen}"], "once": 1}
        return NodeOutput({name: values[names.get(name, name)] for name in request.declared})
    return script
