"""What runs of a part of a graph (`--only`, `--from`) begin with and publish, with what they reuse of earlier runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.counted import Counted
from tests.support.program import Program

OUTER = """\
name: outer
version: 1.0.0
args: {list: {type: array, default: [1, 2]}}
state:
  schema:
    log: {type: array, merge: array_append, persist: true}
    seen: {type: array}
graph:
  nodes:
    - {id: inner, kind: experience, impl: ./child, writes: [seen], outputs: {seen: log}}
    - {id: each, kind: tool, impl: ./tools/tool.py:each, writes: [log], for_each: {source: $args.list}, cache: CACHE}
    - {id: last, kind: tool, impl: ./tools/tool.py:last, writes: [log], needs: [inner, each], cache: false}
"""
CHILD = """\
name: child
version: 1.0.0
state: {schema: {log: {type: array, merge: array_append, persist: true, default: [base]}}}
graph:
  nodes:
    - {id: one, kind: tool, impl: ./tool.py:give, args: {log: [one]}, writes: [log], cache: CACHE}
    - {id: two, kind: tool, impl: ./tool.py:give, args: {log: [two]}, writes: [log], cache: CACHE}
"""
GIVE = 'def give(inputs):\n    return {"log": inputs["log"]}\n'
TOOL = """\
import os

def each(inputs):
    return {"log": [inputs["$item"]]}

def last(inputs, ctx):
    if os.path.exists(ctx.folder + "/broken"):
        raise ValueError("broken")
    return {"log": ["last"]}
"""


class Outer(Counted):
    """The experience above, and what its workspace and that of its child hold."""

    @property
    def published(self) -> tuple[object, object]:
        """The list of the outer workspace and that of the child's."""
        child = ("-e", "child", "--data-dir", ".openexpertise")
        return (self._program.run("state", "log", "--workspace", cwd=self.folder).json(),
                self._program.run("state", "log", "--workspace", *child, cwd=self.folder).json())


@pytest.fixture(params=["true", "false"])
def outer(program: Program, tmp_path: Path, request: pytest.FixtureRequest) -> Outer:
    made = Outer(program, tmp_path / "outer", OUTER.replace("CACHE", request.param), TOOL)
    made.write("child/experience.yaml", CHILD.replace("CACHE", request.param))
    made.write("child/tool.py", GIVE)
    assert made.run().exit_code == 0
    return made


def test_a_nested_list_holds_what_is_reused_once(outer: Outer) -> None:
    for option in ("--from", "--only", "--from"):
        assert outer.run(option, "last").state == {"log": [1, 2, "last"], "seen": ["base", "one", "two"]}
    assert outer.published == ([1, 2, *["last"] * 4], ["base", "one", "two"])


def test_a_nested_list_begins_with_what_the_workspace_has_where_nothing_is_reused(outer: Outer) -> None:
    assert outer.run().state["seen"] == ["base", "one", "two", "one", "two"]
    assert outer.run("--from", "last").state["seen"] == ["base", "one", "two", "one", "two"]
    assert outer.published[1] == ["base", "one", "two", "one", "two"]


def test_what_a_failed_run_reused_is_not_published_by_the_next(outer: Outer) -> None:
    outer.write("broken", "")
    assert outer.run("--from", "last").exit_code == 8
    (outer.folder / "broken").unlink()
    assert outer.run("--from", "last").exit_code == 0
    assert outer.published == ([1, 2, "last", "last"], ["base", "one", "two"])


def test_what_a_failed_run_did_is_published_by_the_next_that_reuses_it(outer: Outer) -> None:
    outer.write("broken", "")
    assert outer.run("--args", '{"list": [1, 2, 3]}', "--refresh", "inner").exit_code == 8
    (outer.folder / "broken").unlink()
    assert outer.run("--args", '{"list": [1, 2, 3]}', "--from", "last").exit_code == 0
    assert outer.published == ([1, 2, "last", 1, 2, 3, "last"], ["base", "one", "two", "one", "two"])


def test_of_a_unit_that_is_reused_in_part_the_new_part_alone_is_published(outer: Outer) -> None:
    outer.edit("child/experience.yaml", "[two]", "[TWO]")
    result = outer.run("--args", '{"list": [1, 3, 2]}', "--from", "last")
    assert result.state == {"log": [1, 3, 2, "last"], "seen": ["base", "one", "TWO"]}
    assert outer.published == ([1, 2, "last", 3, "last"], ["base", "one", "two", "TWO"])


def test_a_unit_that_was_run_alone_is_published_by_the_run_that_reuses_it(outer: Outer) -> None:
    outer.run("--args", '{"list": [7]}', "--only", "each")
    assert outer.published[0] == [1, 2, "last"], "a run of a part publishes nothing"
    assert outer.run("--args", '{"list": [7]}', "--from", "last").exit_code == 0
    assert outer.published[0] == [1, 2, "last", 7, "last"]


def test_a_run_that_reuses_says_which_run_made_it(outer: Outer) -> None:
    first = outer._program.run("runs", "--json", cwd=outer.folder).json()["runs"][0]["run_id"]
    for _ in range(2):
        outer.run("--from", "last")
    assert {event["run"] for event in outer.events("node.cached")} == {first}


COUNTER = """\
name: counter
version: 1.0.0
state:
  schema:
    n: {type: integer, default: 0, persist: true}
    title: {type: string, merge: set_once, persist: true}
    free: {type: integer, default: 0, persist: true}
graph:
  nodes:
    - {id: add, kind: tool, impl: ./tools/tool.py:add, args: {n: $.n, title: $.title ?? null}, writes: [n, title], cache: CACHE}
    - {id: see, kind: tool, impl: ./tools/tool.py:see, args: {n: $.n, free: $.free}, needs: [add], writes: [free], cache: false}
"""
ADD = """\
from count import count

def add(inputs, ctx):
    count("add", ctx)
    return {"n": inputs["n"] + 1, "title": "t"}

def see(inputs, ctx):
    count(["see", inputs["n"]], ctx)
    return {"free": inputs["free"] + 1}
"""


@pytest.mark.parametrize("cache", ["true", "false"])
def test_what_reused_nodes_saw_of_persistent_fields_is_what_they_see_again(program: Program, tmp_path: Path,
                                                                           cache: str) -> None:
    made = Counted(program, tmp_path / "counter", COUNTER.replace("CACHE", cache), ADD)
    assert made.run().names == ["add", ["see", 1]]
    for free, option in enumerate(("--only", "--from", "--from"), start=2):
        again = made.run(option, "see")
        assert (again.names, again.exit_code) == ([["see", 1]], 0)
        assert again.state == {"n": 1, "title": "t", "free": free}
    assert made.run().state == {"n": 2, "title": "t", "free": 5}, "a whole run goes on from the workspace"


NESTING = """\
name: nesting
version: 1.0.0
state: {schema: {seen: {type: integer}}}
graph:
  nodes:
    - {id: inner, kind: experience, impl: ./inner, outputs: {seen: n}, writes: [seen]}
    - {id: last, kind: tool, impl: ./tools/tool.py:last, args: {n: $.seen}, needs: [inner], cache: false}
"""
LAST = """\
from count import count

def last(inputs, ctx):
    count(["last", inputs["n"]], ctx)
    return {}
"""


def test_what_reused_nested_nodes_saw_of_persistent_fields_is_what_they_see_again(program: Program,
                                                                                  tmp_path: Path) -> None:
    made = Counted(program, tmp_path / "nesting", NESTING, LAST)
    inner = Counted(program, made.folder / "inner", COUNTER.replace("CACHE", "false"), ADD)
    assert made.run().state == {"seen": 1}
    inner.ran()
    for option in ("--only", "--from", "--from"):
        again = made.run(option, "last")
        assert (again.names, inner.ran(), again.state) == ([["last", 1]], [], {"seen": 1})
    assert made.run().state == {"seen": 2}
    assert inner.ran() == ["add", ["see", 2]]
