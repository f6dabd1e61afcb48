"""Fan-outs as a user meets them: lists of any length, items that fail, lists that grow, processes that are killed."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.counted import Counted
from tests.support.program import Program, program_in

SPEC = """\
name: fan-out
version: 1.0.0
state:
  schema:
    words: {type: array}
    holder: {type: object}
    out: {type: array, merge: array_append, default: []}
    gathered: {type: array}
graph:
  nodes:
    - {id: listing, kind: tool, impl: ./tools/tool.py:listing, cache: false, writes: [words, holder]}
    - id: each
      kind: tool
      needs: [listing]
      for_each: {source: $.words, concurrency: 4}
      impl: ./tools/tool.py:item
      writes: [out]
    - {id: gather, kind: tool, impl: ./tools/tool.py:gather, needs: [each], writes: [gathered], cache: false}
"""
TOOL = """\
import json
import os
import signal
from count import count

def read(name, ctx):
    path = ctx.folder + "/" + name
    return json.load(open(path)) if os.path.exists(path) else None

def listing(inputs, ctx):
    words = read("words.json", ctx)
    delta = {"words": words} if isinstance(words, list) else {"holder": {"words": words}}
    return {"state_delta": delta, "edge_output": words} if read("along.json", ctx) else delta

def item(inputs, ctx):
    item = inputs["$item"]
    count(item, ctx)
    if item in (read("bad.json", ctx) or []):
        raise ValueError(f"item {item} is bad")
    if item in (read("deadly.json", ctx) or []):
        os.kill(os.getpid(), signal.SIGKILL)
    if item in (read("interrupting.json", ctx) or []):
        os.kill(os.getpid(), signal.SIGINT)
    return {"state_delta": {"out": [item]}, "edge_output": {"item": item}}

def gather(inputs, ctx):
    return {"gathered": [each and each["item"] for each in inputs["_edge_inputs"]["each"]]}
"""


INDEXED = """\
from count import count

def run(inputs, ctx):
    count(inputs["$item"], ctx)
    return {"out": [[inputs["$index"], inputs["$item"]]]}
"""


class FanOut(Counted):
    """The experience, whose list and bad items a test writes."""

    def words(self, words: Any) -> None:
        """What is listed from now on."""
        self.write("words.json", json.dumps(words))

    def bad(self, *items: Any) -> None:
        """Which items fail from now on."""
        self.write("bad.json", json.dumps(items))

    def rule(self, rule: str) -> None:
        """Replaces the `for_each`."""
        text = (self.folder / "experience.yaml").read_text(encoding="utf-8")
        before = next(line for line in text.splitlines() if "for_each:" in line)
        self.write("experience.yaml", text.replace(before, f"      for_each: {{{rule}}}"))


@pytest.fixture
def fan_out(program: Program, tmp_path: Path) -> FanOut:
    return FanOut(program, tmp_path / "fan-out", SPEC, TOOL)


@pytest.mark.parametrize("count", [0, 1, 2, 1001, pytest.param(20_000, marks=pytest.mark.long)])
def test_lists_of_any_length(fan_out: FanOut, count: int) -> None:
    words = list(range(count))
    fan_out.words(words)
    for expected in (words, []):
        result = fan_out.run()
        assert (result.exit_code, sorted(result.names)) == (0, expected)
        assert result.state["out"] == result.state["gathered"] == words
        assert result.node("each")["items"] == count
    assert len(fan_out.entries()) == (count if count <= 1000 else 0)
    fan_out.words([*words, "one more"])
    assert fan_out.run().names == ["one more"]


@pytest.mark.long
def test_a_long_list_has_a_cache_file_an_item_where_it_says_so(fan_out: FanOut) -> None:
    fan_out.edit("experience.yaml", "tool.py:item", "tool.py:item\n      cache: true")
    fan_out.words(list(range(1001)))
    fan_out.run()
    assert fan_out.run().names == [] and len(fan_out.entries()) > 1000


@pytest.mark.parametrize("count", [1000, 1001])
def test_a_list_may_grow_or_shrink_over_the_number_where_files_end(fan_out: FanOut, count: int) -> None:
    fan_out.words(list(range(count)))
    fan_out.run()
    fan_out.words(list(range(2001 - count)))
    assert fan_out.run().names == ([1000] if count == 1000 else [])


@pytest.mark.parametrize("count", [3, 1001])
def test_a_result_is_as_old_as_the_run_that_made_it(fan_out: FanOut, count: int) -> None:
    fan_out.words(list(range(count)))
    maker = fan_out.run().result["run_id"]
    fan_out.run()
    assert f"{count} results came from the cache ({maker}, " in fan_out.run().stderr


@pytest.mark.parametrize("count", [3, 1001])
def test_items_that_produce_a_file(fan_out: FanOut, count: int) -> None:
    fan_out.edit("tools/tool.py", "    count(item, ctx)", "    count(item, ctx)\n    open(ctx.folder + '/made', 'w').write('x')")
    fan_out.edit("experience.yaml", "tool.py:item", "tool.py:item\n      produces: [made]")
    fan_out.rule("source: $.words, concurrency: 1")  # all items make the same file
    fan_out.words(list(range(count)))
    fan_out.run()
    assert fan_out.run().names == []


@pytest.mark.parametrize("count", [3, 1001])
def test_what_must_not_be_kept_is_not_kept(fan_out: FanOut, count: int) -> None:
    fan_out.words(list(range(count)))
    assert len(fan_out.run("--no-cache").names) == count
    fan_out.edit("experience.yaml", "tool.py:item", "tool.py:item\n      on_error: "
                 "{policy: continue, output: {state_delta: {out: [0]}}}")
    fan_out.bad(*range(count))
    assert fan_out.run().state["out"] == [0] * count
    fan_out.bad()
    assert fan_out.run().state["out"] == list(range(count))


def test_any_value_may_be_an_item(fan_out: FanOut) -> None:
    words: list[Any] = [None, "", [], {}, 0, False, 0.0, -1, "x" * 100_000, {"a": [1]}, "\N{SNOWMAN}", 2**70]
    fan_out.words(words)
    result = fan_out.run()
    assert len(result.names) == len(words) and result.state["out"] == words
    assert list(map(type, result.state["out"])) == list(map(type, words))
    assert fan_out.run().names == []


@pytest.mark.parametrize(("words", "kind"), [("text", "a string"), ({"a": 1}, "an object"), (7, "an integer"), (None, "null")])
def test_what_is_no_list_fails_the_node_and_is_named(fan_out: FanOut, words: Any, kind: str) -> None:
    fan_out.rule("source: $.holder.words")
    fan_out.words(words)
    result = fan_out.run()
    assert (result.exit_code, result.names, result.node("each")["status"]) == (8, [], "failed")
    assert f"for_each needs a list, its source is {kind}" in result.node("each")["error"]


@pytest.fixture(scope="module")
def after_one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the experience after a run over 1, 2, 3."""
    place = tmp_path_factory.mktemp("once")
    made = FanOut(program_in("checkout", place), place / "fan-out", SPEC, TOOL)
    made.words([1, 2, 3])
    assert made.run().names == [1, 2, 3]
    return made.folder


@pytest.fixture
def done(after_one_run: Path, program: Program, tmp_path: Path) -> FanOut:
    """A copy of it: a cache goes with its folder."""
    return FanOut.at(program, Path(shutil.copytree(after_one_run, tmp_path / "done")))


class TestLists:
    """What runs again when the list has changed."""

    @pytest.mark.parametrize(("words", "ran"), [
        ([1, 2, 3, 4], [4]), ([0, 1, 2, 3], [0]), ([3, 2, 1], []), ([1, 3], []), ([1, 2, 2, 3], []), ([1, True, 1.0], [1.0, True])])
    def test_only_new_items_run(self, done: FanOut, words: list[Any], ran: list[Any]) -> None:
        done.words(words)
        result = done.run()
        assert result.names == ran and result.state["out"] == result.state["gathered"] == words

    def test_a_list_that_comes_along_the_edge(self, done: FanOut) -> None:
        done.write("along.json", "true")
        done.rule("source: $inputs.listing")
        done.run()
        done.words([1, 2, 3, 4])
        assert done.run().names == [4]

    def test_an_index_that_a_tool_uses_is_the_right_one(self, done: FanOut) -> None:
        done.write("tools/indexed.py", INDEXED)
        done.edit("experience.yaml", "tool.py:item", "indexed.py")
        done.edit("experience.yaml", "    - {id: gather, kind: tool, impl: ./tools/tool.py:gather, needs: [each], "
                    "writes: [gathered], cache: false}\n", "")
        done.run()
        done.words([2, 3])
        assert done.run().state["out"] == [[0, 2], [1, 3]]

    def test_where_the_index_is_an_argument_all_behind_a_new_item_run(self, done: FanOut) -> None:
        done.edit("experience.yaml", "tool.py:item", "tool.py:item\n      args: {number: $index}")
        done.run()
        done.words([1, 7, 2, 3])
        assert done.run().names == [2, 3, 7]

    def test_a_list_inside_a_field_that_is_not_read(self, done: FanOut) -> None:
        done.edit("tools/tool.py", 'delta = {"words": words} if isinstance(words, list) else ', "delta = ")
        done.rule("source: $.holder.words")
        done.run()
        done.words([1, 2, 3, 4])
        assert done.run().names == [4]

    @pytest.mark.parametrize("rule", [
        "source: $.words, concurrency: 1", "source: $.words, concurrency: 64", "source: $.words, on_item_error: continue, min_success: 1"])
    def test_how_items_are_carried_out_is_no_part_of_their_keys(self, done: FanOut, rule: str) -> None:
        done.rule(rule)
        assert done.run().names == []


class TestFailures:
    def test_a_failed_item_fails_the_node_and_resume_runs_it_alone(self, fan_out: FanOut) -> None:
        fan_out.words(list(range(10)))
        fan_out.bad(3, 5)
        result = fan_out.run()
        assert (result.exit_code, result.node("gather")["status"]) == (8, "skipped")
        assert result.state["out"] == [0, 1, 2, 4, 6, 7, 8, 9]
        assert "2 of 10 items failed; first each[3]: ValueError: item 3 is bad" in result.node("each")["error"]
        assert fan_out.resume().names == [3, 5]
        fan_out.bad()
        assert fan_out.resume("--concurrency", "1").state["out"] == list(range(10))
        assert fan_out.ran() == []

    def test_tolerated_failures_leave_a_gap_and_run_again_in_the_next_run(self, fan_out: FanOut) -> None:
        fan_out.rule("source: $.words, on_item_error: continue, min_success: 8")
        fan_out.words(list(range(10)))
        fan_out.bad(3, 5)
        result = fan_out.run()
        assert (result.exit_code, result.state["gathered"]) == (0, [0, 1, 2, None, 4, None, 6, 7, 8, 9])
        assert fan_out.resume().names == []
        assert fan_out.run().names == [3, 5]

    def test_too_few_successes_fail_the_node_until_the_bound_is_lowered(self, fan_out: FanOut) -> None:
        fan_out.rule("source: $.words, on_item_error: continue, min_success: 9")
        fan_out.words(list(range(10)))
        fan_out.bad(3, 5)
        result = fan_out.run()
        assert result.exit_code == 8 and "8 of 10 items succeeded, min_success is 9" in result.node("each")["error"]
        fan_out.rule("source: $.words, on_item_error: continue, min_success: 8")
        assert fan_out.resume().exit_code == 0

    def test_tolerated_failures_are_counted(self, fan_out: FanOut) -> None:
        fan_out.rule("source: $.words, on_item_error: continue")
        fan_out.words([1, 2, 3])
        fan_out.bad(2)
        assert fan_out.run().node("each")["items_failed"] == 1

    @pytest.mark.parametrize("key", [
        "timeout: 1m", "on_error: {policy: retry, attempts: 2, base_ms: 1}", "description: new"])
    def test_what_has_succeeded_survives_new_limits(self, fan_out: FanOut, key: str) -> None:
        fan_out.words(list(range(6)))
        fan_out.bad(3)
        fan_out.run()
        fan_out.edit("experience.yaml", "      impl: ./tools/tool.py:item", f"      impl: ./tools/tool.py:item\n      {key}")
        assert set(fan_out.resume("--no-cache").names) == {3}

    def test_a_retry_of_an_item_is_one_of_that_item(self, fan_out: FanOut) -> None:
        fan_out.edit("experience.yaml", "      impl: ./tools/tool.py:item",
                     "      impl: ./tools/tool.py:item\n      on_error: {policy: retry, attempts: 3, base_ms: 1}")
        fan_out.words([1, 2, 3])
        fan_out.bad(2)
        assert fan_out.run().names == [1, 2, 2, 2, 3]
        assert Counter(event["slot"] for event in fan_out.events("node.retrying")) == {"each[1]": 2}

    def test_an_item_that_takes_too_long_is_the_only_one_to_fail(self, fan_out: FanOut) -> None:
        fan_out.edit("tools/tool.py", "    count(item, ctx)", "    count(item, ctx)\n    if item == 2: os.read(os.pipe()[0], 1)")
        fan_out.edit("experience.yaml", "      impl: ./tools/tool.py:item", "      impl: ./tools/tool.py:item\n      timeout: 8s")
        fan_out.words([1, 2, 3])
        result = fan_out.run()
        assert result.state["out"] == [1, 3] and "timeout" in result.node("each")["error"]


class TestKills:
    @pytest.mark.parametrize("count", [20, pytest.param(5000, marks=pytest.mark.long)])
    def test_after_a_kill_only_what_was_not_committed_runs(self, fan_out: FanOut, count: int) -> None:
        words = list(range(count))
        fan_out.words(words)
        fan_out.write("deadly.json", f"[{count // 2}]")
        killed = fan_out.start("run", "--json")
        assert killed.wait(60) == -signal.SIGKILL
        before = fan_out.ran()
        (fan_out.folder / "deadly.json").unlink()
        result = fan_out.resume("--no-cache")
        repeated = set(before) & set(result.names)
        assert set(before) | set(result.names) == set(words) and len(repeated) <= 4
        assert result.state["out"] == result.state["gathered"] == words

    def test_a_grown_list_after_a_kill(self, fan_out: FanOut) -> None:
        fan_out.words(list(range(10)))
        fan_out.write("deadly.json", "[9]")
        fan_out.start("run", "--json").wait(60)
        fan_out.ran()
        (fan_out.folder / "deadly.json").unlink()
        fan_out.words(list(range(12)))
        assert fan_out.resume().state["out"] == list(range(10))  # the committed list stands

    def test_retry_of_a_finished_node_runs_all_its_items_once_more(self, fan_out: FanOut) -> None:
        fan_out.edit("tools/tool.py", "def gather(inputs, ctx):", "def gather(inputs, ctx):\n    count('gather', ctx)\n"
                     "    if not os.path.exists(ctx.folder + '/go'):\n        raise ValueError('not yet')")
        fan_out.words(list(range(10)))
        fan_out.run()
        again = fan_out.resume("--retry", "each")
        assert sorted(map(str, again.names)) == [*map(str, range(10)), "gather"]
        (fan_out.folder / "go").touch()
        last = fan_out.resume()
        assert (last.names, last.exit_code) == (["gather"], 0)
        assert last.state["out"] == last.state["gathered"] == list(range(10))
        attempts = [event["attempt"] for event in fan_out.events("node.finished") if event["slot"] == "each[4]"]
        assert attempts == [1, 2]

    def test_an_interrupted_run_is_resumed_where_it_was(self, fan_out: FanOut) -> None:
        fan_out.words(list(range(12)))
        fan_out.write("interrupting.json", "[6]")
        assert fan_out.start("run", "--json").wait(60) == 130
        before = fan_out.ran()
        (fan_out.folder / "interrupting.json").unlink()
        result = fan_out.resume("--no-cache")
        assert result.exit_code == 0 and result.state["out"] == list(range(12))
        assert 6 in before and len(set(before) & set(result.names)) <= 4
