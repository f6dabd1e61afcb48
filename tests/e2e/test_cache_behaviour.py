"""The result cache as a user meets it: what runs again after which change, and what a spoilt cache does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.counted import Counted
from tests.support.program import Program, program_in

SPEC = """\
# a remark
name: counted
version: 1.0.0
args:
  who: {type: string, default: world}
  unused: {type: integer, default: 1}
state:
  schema:
    name: {type: string, merge: set_once}
    names: {type: array, items: {type: string}, merge: array_append}
    total: {type: integer}
graph:
  nodes:
    - id: first
      kind: tool
      impl: ./tools/tool.py:first
      args: {who: $args.who}
      writes: [name, names]
    - id: second
      kind: tool
      needs: [first]
      impl: ./tools/tool.py:second
      reads: [name]
      inputs: ["data/*.txt"]
      env: [MODE]
      writes: [names]
    - id: third
      kind: tool
      needs: [second]
      impl: ./tools/third.py
      reads: [names]
      produces: [made.txt]
      writes: [total]
"""
TOOL = """\
from count import count

def first(inputs, ctx):
    count("first", ctx)
    return {"state_delta": {"name": inputs["who"], "names": [inputs["who"]]}, "edge_output": {"who": inputs["who"]}}

def second(inputs, ctx):
    count("second", ctx)
    return {"names": ["second", inputs["_state"]["name"], inputs["_edge_inputs"]["first"]["who"]]}
"""
THIRD = """\
import os
from count import count
from parts import inner

def run(inputs, ctx):
    count("third", ctx)
    if os.path.exists(ctx.folder + "/broken"):
        raise ValueError("broken")
    with open(ctx.folder + "/made.txt", "w") as file:
        file.write(inner.TEXT)
    return {"total": len(inputs["_state"]["names"])}
"""
NAMES = ["first", "second", "third"]


def make(program: Program, folder: Path) -> Counted:
    """The experience in a new folder."""
    made = Counted(program, folder, SPEC, TOOL)
    made.write("tools/third.py", THIRD)
    made.write("tools/parts/__init__.py", "")
    made.write("tools/parts/inner.py", "from . import deeper\nTEXT = deeper.TEXT\n")
    made.write("tools/parts/deeper.py", "TEXT = 'made'\n")
    made.write("data/a.txt", "a")
    return made


@pytest.fixture
def counted(program: Program, tmp_path: Path) -> Counted:
    return make(program, tmp_path / "counted")


@pytest.fixture(scope="module")
def after_one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the experience after its first run."""
    place = tmp_path_factory.mktemp("once")
    made = make(program_in("checkout", place), place / "counted")
    assert made.run().names == NAMES
    return made.folder


@pytest.fixture
def once_run(after_one_run: Path, program: Program, tmp_path: Path) -> Counted:
    """A copy of it: a cache goes with its folder."""
    return Counted.at(program, Path(shutil.copytree(after_one_run, tmp_path / "counted")))


def test_a_second_run_does_nothing_and_gives_the_same(counted: Counted) -> None:
    first = counted.run()
    second = counted.run()
    assert (first.names, first.cached) == (NAMES, [])
    assert (second.names, second.cached) == ([], NAMES)
    assert first.state == second.state == {
        "name": "world", "names": ["world", "second", "world", "world"], "total": 4}
    assert "nothing ran" in second.stderr and first.result["run_id"] in second.stderr
    assert [event["node_id"] for event in counted.events("state.write")] == ["first", "first", "second", "third"]


def test_no_cache_neither_takes_nor_keeps(counted: Counted) -> None:
    assert counted.run("--no-cache").names == NAMES and counted.entries() == []
    assert counted.run().names == NAMES
    assert counted.run("--no-cache").names == NAMES
    assert counted.run(env={"OE_CACHE": "off"}).names == NAMES


def test_one_node_can_be_refreshed(once_run: Counted) -> None:
    assert once_run.run("--refresh", "second").names == ["second"]


@pytest.mark.parametrize(("path", "old", "new"), [
    ("experience.yaml", "# a remark\n", "# another one\n\n"),
    ("experience.yaml", "args: {who: $args.who}", "args:\n        who: $args.who   # who"),
    ("experience.yaml", "version: 1.0.0", "version: 1.0.1\ndescription: new"),
    ("experience.yaml", "reads: [names]", "reads: [names]\n      timeout: 1m"),
    ("experience.yaml", "reads: [names]", "reads: [names]\n      on_error: {policy: retry, attempts: 3}"),
    ("experience.yaml", "reads: [names]", "reads: [names]\n      when: length($.names) > 0"),
    ("experience.yaml", "reads: [names]", "reads: [names]\n      description: counts"),
    ("experience.yaml", "graph:", "runtime: {concurrency: 4, max_in_flight: 9, timeout: 1h}\ngraph:"),
    ("experience.yaml", "graph:", "graph:\n  edges: [{from: first, to: third}]"),
    ("tools/parts/unused.py", "", "new"),
    ("data/a.bin", "", "new"),
], ids=["remark", "layout", "version", "timeout", "attempts", "when", "description", "runtime", "edge", "module", "file"])
def test_what_cannot_change_an_output_runs_nothing(once_run: Counted, path: str, old: str, new: str) -> None:
    (once_run.folder / path).touch()
    once_run.edit(path, old, new)
    assert once_run.run().names == (["third"] if "from: first" in new else [])


@pytest.mark.parametrize(("path", "old", "new", "expected"), [
    ("tools/third.py", "import os", "import os  # remark", ["third"]),
    ("tools/parts/deeper.py", "'made'", "'other'", ["third"]),
    ("tools/parts/__init__.py", "", "# new\n", ["third"]),
    ("tools/count.py", "import json", "import json  # remark", NAMES),
    ("tools/tool.py", '["second", ', '["2nd", ', NAMES),
    ("data/a.txt", "a", "aa", ["second"]),
    ("experience.yaml", "impl: ./tools/third.py", "impl: ./tools/third.py\n      args: {more: 1}", ["third"]),
    ("experience.yaml", "default: world", "default: Ada", NAMES),
], ids=["tool", "import of an import", "package", "shared module", "shared file", "inputs", "args", "default"])
def test_what_can_change_one_runs_those_that_it_can_reach(once_run: Counted, path: str, old: str, new: str,
                                                          expected: list[str]) -> None:
    before = (once_run.folder / path).read_text(encoding="utf-8")
    once_run.edit(path, old, new)
    assert once_run.run().names == expected
    once_run.write(path, before)
    assert once_run.run().names == (["third"] if "deeper" in path else [])


def test_arguments_count_where_they_are_used(once_run: Counted) -> None:
    assert once_run.run("--arg", "unused=2").names == []
    ada = once_run.run("--arg", "who=Ada")
    assert (ada.names, ada.state["name"]) == (NAMES, "Ada")
    assert once_run.run().state["name"] == "world"


def test_files_that_come_go_and_are_renamed_are_changes_of_inputs(once_run: Counted) -> None:
    data = once_run.folder / "data"
    once_run.write("data/b.txt", "b")
    assert once_run.run().names == ["second"]
    (data / "b.txt").rename(data / "c.txt")
    assert once_run.run().names == ["second"]
    (data / "c.txt").unlink()
    assert once_run.run().names == []


def test_a_variable_counts_where_it_is_declared(once_run: Counted) -> None:
    assert once_run.run(env={"MODE": "fast"}).names == ["second"]
    assert once_run.run(env={"MODE": ""}).names == ["second"]
    assert once_run.run(env={"MODES": "fast"}).names == []


def test_values_that_a_tool_can_tell_apart_are_different(program: Program, tmp_path: Path) -> None:
    shown = Counted(program, tmp_path / "shown", SHOWN_SPEC, SHOWN_TOOL)
    for value in ("1", "true", '"1"', "1.0", "0.0", "-0.0", "[true]"):
        result = shown.run("--args", f'{{"value": {value}}}')
        assert (len(result.names), result.state["shown"]) == (1, result.names[0]), value


SHOWN_SPEC = """\
name: shown
version: 1.0.0
args: {value: {}}
state: {schema: {shown: {type: string}}}
graph:
  nodes:
    - {id: show, kind: tool, impl: ./tools/tool.py, args: {value: $args.value}, writes: [shown]}
"""
SHOWN_TOOL = """\
from count import count

def run(inputs, ctx):
    count(repr(inputs["value"]), ctx)
    return {"shown": repr(inputs["value"])}
"""


class TestProducts:
    @pytest.mark.parametrize("spoil", [
        Path.unlink, lambda path: path.write_text("other")], ids=["gone", "changed"])
    def test_one_that_is_not_as_it_was_made_is_a_miss(self, once_run: Counted, spoil: Callable[[Path], object]) -> None:
        made = once_run.folder / "made.txt"
        spoil(made)
        assert once_run.run().names == ["third"] and made.read_text() == "made"
        assert once_run.run().names == []

    def test_one_that_is_made_again_by_other_means_is_a_hit(self, once_run: Counted) -> None:
        once_run.write("made.txt", "other")
        once_run.write("made.txt", "made")
        assert once_run.run().names == []


class TestSpoiltCache:
    @pytest.mark.parametrize("spoil", [
        lambda path: path.write_bytes(path.read_bytes()[:path.stat().st_size // 2]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff\x00"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text(path.read_text().replace('"total":4', '"total":NaN')),
    ], ids=["half", "empty", "binary", "a list", "deep", "no number"])
    def test_an_entry_that_cannot_be_read_is_a_miss_and_told_once(self, once_run: Counted,
                                                                  spoil: Callable[[Path], object]) -> None:
        whole = [entry.read_bytes() for entry in once_run.entries()]
        for entry in once_run.entries():
            spoil(entry)
        spoilt = sum(entry.read_bytes() != before for entry, before in zip(once_run.entries(), whole, strict=True))
        result = once_run.run()
        assert len(result.names) == spoilt > 0 and result.exit_code == 0
        assert result.stderr.count("counts as a miss") == 1
        assert once_run.run().names == []

    @pytest.mark.parametrize(("old", "new"), [
        ('"total":4', '"total":"four"'), ('"total":4', '"total":4,"name":"x"'), ('"total":4', '"total":4,"more":1')],
        ids=["ill-typed", "not declared by the node", "not declared at all"])
    def test_an_entry_that_does_not_fit_is_a_miss(self, once_run: Counted, old: str, new: str) -> None:
        for entry in once_run.entries():
            entry.write_text(entry.read_text().replace(old, new))
        result = once_run.run()
        assert (result.names, result.state["total"], result.exit_code) == (["third"], 4, 0)

    def test_a_folder_that_cannot_be_written_costs_no_run(self, counted: Counted) -> None:
        counted.write(".openexpertise/cache", "no folder")
        for _ in range(2):
            result = counted.run()
            assert (result.names, result.exit_code) == (NAMES, 0)
            assert "cache" in result.stderr and "Traceback" not in result.stderr

    def test_a_folder_in_the_place_of_an_entry_is_no_hit_and_leaves_nothing_behind(self, once_run: Counted) -> None:
        for entry in once_run.entries():
            entry.unlink()
            entry.mkdir()
        assert once_run.run().names == NAMES
        assert [path for path in (once_run.folder / ".openexpertise/cache").iterdir() if path.suffix != ".json"] == []


class TestResume:
    @pytest.fixture
    def failed(self, counted: Counted) -> Counted:
        """The experience after a run whose last node failed."""
        counted.write("broken", "")
        result = counted.run()
        assert (result.exit_code, result.names) == (8, NAMES)
        (counted.folder / "broken").unlink()
        return counted

    @pytest.mark.parametrize(("old", "new"), [
        ("# a remark\n", ""),
        ("      reads: [name]", "      reads: [name]\n      timeout: 1m"),
        ("      reads: [name]", "      reads: [name]\n      on_error: {policy: retry, attempts: 3, base_ms: 1}"),
        ("graph:", "runtime: {concurrency: 8}\ngraph:"),
    ], ids=["remark", "timeout", "attempts", "concurrency"])
    def test_nothing_that_succeeded_runs_again(self, failed: Counted, old: str, new: str) -> None:
        failed.edit("experience.yaml", old, new)
        result = failed.resume()
        assert (result.names, result.exit_code) == (["third"], 0)
        assert result.state == {"name": "world", "names": ["world", "second", "world", "world"], "total": 4}

    def test_a_node_that_was_changed_runs_again_and_its_writes_are_replaced(self, failed: Counted) -> None:
        failed.write("data/a.txt", "aa")
        result = failed.resume()
        assert result.names == ["second", "third"]
        assert result.state["names"] == ["world", "second", "world", "world"]

    def test_without_a_cache_the_journal_is_enough(self, failed: Counted) -> None:
        shutil.rmtree(failed.folder / ".openexpertise/cache")
        assert failed.resume("--no-cache").names == ["third"]

    def test_failures_are_not_kept(self, failed: Counted) -> None:
        failed.write("broken", "")
        assert failed.run().names == ["third"]


class TestRules:
    """`cache`, `effects` and fallbacks."""

    @pytest.mark.parametrize(("rule", "second"), [
        ("cache: false", NAMES[:1]), ("effects: true", NAMES[:1]), ("cache: {ttl: 1ms}", NAMES[:1]),
        ("cache: {ttl: 1h}", []), ("cache: true", []), ("effects: true\n      cache: true", NAMES[:1]),
    ])
    def test_what_a_node_says_counts(self, counted: Counted, rule: str, second: list[str]) -> None:
        counted.edit("experience.yaml", "args: {who: $args.who}", f"args: {{who: $args.who}}\n      {rule}")
        counted.run()
        assert counted.run().names == second

    def test_a_fallback_is_never_kept(self, counted: Counted) -> None:
        counted.edit("experience.yaml", "reads: [names]", "reads: [names]\n      on_error: "
                     "{policy: continue, output: {state_delta: {total: 0}}}")
        counted.edit("experience.yaml", "      produces: [made.txt]\n", "")
        counted.write("broken", "")
        assert counted.run().state["total"] == 0
        again = counted.run()
        assert (again.names, again.state["total"]) == (["third"], 0)
        (counted.folder / "broken").unlink()
        assert counted.run().state["total"] == 4


class TestFalseHits:
    """Changes that alter an output and must not be missed."""

    def test_a_file_with_the_name_of_a_part_hides_nothing(self, program: Program, tmp_path: Path) -> None:
        lines = Counted(program, tmp_path / "lines", COMMAND_SPEC.replace("WORDS", "[cat, spec]"), "")
        lines.write("spec", "one\ntwo\n")
        assert lines.run().state["seen"] == "one\ntwo"
        lines.edit("experience.yaml", "output: text", "output: lines")
        assert lines.run().state["seen"] == ["one", "two"]

    def test_a_file_with_the_name_of_an_argument_is_not_hidden(self, program: Program, tmp_path: Path) -> None:
        shown = Counted(program, tmp_path / "shown", SHOWN_SPEC.replace("args: {value: $", "inputs: [args.value], args: {value: $"),
                        SHOWN_TOOL)
        shown.write("args.value", "a")
        shown.run("--arg", "value=1")
        shown.write("args.value", "b")
        assert shown.run("--arg", "value=1").names == ["1"]

    def test_a_file_of_the_workdir_counts(self, program: Program, tmp_path: Path) -> None:
        text = COMMAND_SPEC.replace("WORDS", "[cat, data.txt]").replace("cache: true", "cache: true, workdir: sub")
        lines = Counted(program, tmp_path / "lines", text, "")
        lines.write("sub/data.txt", "one")
        assert lines.run().state["seen"] == "one"
        lines.write("sub/data.txt", "two")
        assert lines.run().state["seen"] == "two"


COMMAND_SPEC = """\
name: lines
version: 1.0.0
state: {schema: {seen: {}}}
graph:
  nodes:
    - {id: see, kind: tool, command: WORDS, output: text, cache: true, writes: [seen]}
"""
