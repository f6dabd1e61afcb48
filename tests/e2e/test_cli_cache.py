"""`oe cache` and `oe gc` through the real program."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.test_cli_terminal import at_terminal
from tests.support.experiences import held_run, write_experience
from tests.support.program import Program
from tests.support.shapes import check_shape

SPEC = """\
name: two
version: 1.0.0
args: {who: {type: string, default: a}}
state: {schema: {one: {type: string}, two: {type: string}}}
graph:
  nodes:
    - {id: first, kind: tool, impl: ./t.py, args: {who: $args.who}, writes: [one]}
    - {id: second, kind: tool, impl: ./t.py:second, needs: [first], reads: [one], writes: [two]}
"""
TOOL = "def run(inputs, ctx):\n    return {'one': inputs['who']}\n\ndef second(inputs, ctx):\n    return {'two': 'x'}\n"


@pytest.fixture
def done(program: Program, tmp_path: Path) -> Path:
    """An experience that has been run once: two entries."""
    folder = write_experience(tmp_path / "two", SPEC, t=TOOL)
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    return folder


def entries(program: Program, folder: Path) -> list[dict[str, object]]:
    result = program.run("cache", "ls", "--json", cwd=folder)
    assert (result.exit_code, result.stderr) == (0, "")
    check_shape(result.json(), "cache ls")
    found: list[dict[str, object]] = result.json()["entries"]
    assert result.json()["bytes"] == sum(int(str(entry["bytes"])) for entry in found)
    return found


def keys(folder: Path) -> set[str]:
    return {path.stem for path in (folder / ".openexpertise" / "cache").glob("*.json")}


@pytest.mark.every_form
def test_the_cache_is_listed_newest_first(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "two", SPEC, t=TOOL)
    assert program.run("cache", "list", cwd=folder).exit_code == 2, "a word that is no action and no path is refused"
    assert program.run("cache", folder) == (0, "", "the cache is empty\n"), "a path stands where it does elsewhere"
    assert program.run("cache", "ls", folder) == (0, "", "the cache is empty\n")
    program.run("run", "--quiet", cwd=folder)
    assert [entry["slot"] for entry in entries(program, folder)] == ["second", "first"]
    shown = program.run("cache", "-e", folder)
    header, *lines = shown.stdout.splitlines()
    assert header.split() == ["KEY", "SLOT", "AGE", "SIZE", "RUN"]
    assert [line.split()[1] for line in lines] == ["second", "first"]
    assert {line.split()[0] for line in lines} == {key[:12] for key in keys(folder)}
    assert shown.stderr.startswith("2 entries, ")


def test_an_entry_is_shown_by_its_beginning(program: Program, done: Path) -> None:
    first = next(entry for entry in entries(program, done) if entry["slot"] == "first")
    shown = program.run("cache", "show", str(first["key"])[:8], cwd=done)
    assert shown.exit_code == 0
    value = shown.json()
    check_shape(value, "cache show")
    assert (value["key"], value["state_delta"]) == (first["key"], {"one": "a"})
    assert value["meta"]["run_id"] == first["run_id"]


def test_what_is_taken_out_runs_again(program: Program, done: Path) -> None:
    first = next(str(entry["key"]) for entry in entries(program, done) if entry["slot"] == "first")
    removed = program.run("cache", "rm", first[:20], first, cwd=done)
    assert (removed.exit_code, removed.stderr) == (0, "")
    assert removed.stdout.startswith(f"removed 1 entry {first[:12]}: ")
    assert first not in keys(done)
    again = program.run("run", "--json", "--quiet", cwd=done).json()
    assert [(node["id"], node["cached"]) for node in again["nodes"]] == [("first", False), ("second", True)]


@pytest.mark.parametrize(("arguments", "code", "text"), [
    (("show",), 2, "show takes one KEY"), (("rm",), 2, "rm takes at least one KEY"),
    (("show", "zz"), 5, "no cache entry 'zz'"), (("rm", "../../state"), 5, "no cache entry"), (("rm", ""), 2, "KEY is empty"),
    (("lss",), 2, "did you mean 'ls'?"), (("ls", "a", "b"), 2, "ls takes no KEY"), (("ls", "--max-size", "1G"), 2, "belong to gc"),
    (("gc", "--older-than", "30"), 2, "is no age"), (("gc", "--max-size", "1Q"), 2, "is no size"), (("ls", "nowhere"), 5, "no such file"),
    (("clear",), 2, "--yes clears without asking"), (("clear", "--json"), 2, "nobody can be asked"),
])
def test_wrong_calls_take_nothing_out(program: Program, done: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    before = keys(done)
    result = program.run("cache", *arguments, cwd=done)
    assert result.exit_code == code
    assert text in result.stdout + result.stderr
    assert keys(done) == before


def test_an_ambiguous_key_takes_nothing_out(program: Program, done: Path) -> None:
    cache = done / ".openexpertise" / "cache"
    for letter in "ab":
        (cache / f"{'0' * 63}{letter}.json").write_text("{}")
    result = program.run("cache", "rm", "0" * 63, *keys(done), cwd=done)
    assert result.exit_code == 2
    assert "is the beginning of 2 cache keys" in result.stderr
    assert len(keys(done)) == 4


def test_a_corrupt_entry_is_shown_as_such_and_can_be_removed(program: Program, done: Path) -> None:
    torn = done / ".openexpertise" / "cache" / f"{'f' * 64}.json"
    torn.write_text('{"state_del')
    assert {(entry["slot"], entry["fault"] is None) for entry in entries(program, done)} == {
        ("first", True), ("second", True), (None, False)}
    assert "ffffffffffff  (cannot be read)" in program.run("cache", cwd=done).stdout
    shown = program.run("cache", "show", "ff", cwd=done)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "`oe cache rm ffffffffffff` takes it out" in shown.stderr
    assert program.run("cache", "rm", "ff", cwd=done).exit_code == 0
    assert not torn.exists()


def test_clear_asks_a_person_and_takes_all(program: Program, done: Path) -> None:
    code, shown = at_terminal(program, "cache", "clear", cwd=done, typed="n\n", prompt="[y/N]")
    assert (code, shown.splitlines()[-1], len(keys(done))) == (130, "nothing was cleared", 2)
    (done / ".openexpertise" / "cache" / f"{'a' * 64}.json.99999999").write_text("half")
    cleared = program.run("cache", "clear", "--yes", "--json", cwd=done).json()
    check_shape(cleared, "cache rm")
    assert len(cleared["removed"]) == 2
    assert os.listdir(done / ".openexpertise" / "cache") == []
    assert program.run("run", "--quiet", cwd=done).exit_code == 0


def test_gc_goes_by_age_then_by_size(program: Program, done: Path) -> None:
    cache = done / ".openexpertise" / "cache"
    found = {str(entry["slot"]): cache / f"{entry['key']}.json" for entry in entries(program, done)}
    record = json.loads(found["first"].read_text())
    record["meta"]["ts"] -= 31 * 86400
    found["first"].write_text(json.dumps(record))
    (cache / f"{'a' * 64}.json.99999999").write_text("half")
    foreseen = program.run("cache", "gc", "--dry-run", cwd=done)
    assert foreseen.stdout.startswith("would remove 1 entry and 1 half-written file: ")
    assert len(os.listdir(cache)) == 3
    assert program.run("cache", "gc", "--older-than", "40d", "--json", cwd=done).json()["removed"] == []
    collected = program.run("cache", "gc", cwd=done)
    assert collected.stdout.startswith("removed 1 entry: ")
    assert keys(done) == {found["second"].stem}
    size = found["second"].stat().st_size
    assert program.run("cache", "gc", "--max-size", str(size), "--json", cwd=done).json()["removed"] == []
    assert program.run("cache", "gc", "--max-size", str(size - 1), "--json", cwd=done).json()["removed"] == [found["second"].stem]


def test_looking_at_a_cache_that_is_not_there_makes_nothing(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "two", SPEC, t=TOOL)
    for action in ("ls", "gc", "clear"):
        assert program.run("cache", action, cwd=folder).exit_code == 0
    assert program.run("gc", cwd=folder).exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["experience.yaml", "t.py"]


@pytest.mark.every_form
def test_gc_prunes_runs_with_their_files(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "two", SPEC, t=TOOL)
    for _ in range(3):
        program.run("run", "--quiet", cwd=folder)
    runs = [run["run_id"] for run in program.run("runs", "--json", cwd=folder).json()["runs"]]
    foreseen = program.run("gc", "--keep", "1", "--dry-run", "--json", cwd=folder).json()
    check_shape(foreseen, "gc")
    assert [run["run_id"] for run in foreseen["runs"]] == runs[1:]
    assert len(program.run("runs", "--json", cwd=folder).json()["runs"]) == 3
    pruned = program.run("gc", folder, "--keep", "1", "--json", cwd=tmp_path)
    assert (pruned.exit_code, pruned.stderr) == (0, "")
    check_shape(pruned.json(), "gc")
    assert pruned.json()["kept"] == {"running": 0, "resumable": 0, "recent": 1}
    assert pruned.json()["freed"] > 0
    assert [run["run_id"] for run in program.run("runs", "--json", cwd=folder).json()["runs"]] == runs[:1]
    assert {path.name.removesuffix(".jsonl") for path in (folder / ".openexpertise" / "runs").iterdir()} == {runs[0]}
    assert program.run("gc", cwd=folder).stdout.startswith("removed 0 runs, 0 kept results: 0 B, ")


def test_gc_beside_a_live_run_leaves_it_alone_and_it_goes_on(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path / "held") as held:
        pruned = program.run("gc", "--keep", "0", "--force", cwd=held.folder)
        assert (pruned.exit_code, pruned.stderr) == (0, "kept 1 run that is going on\n")
        assert pruned.stdout.startswith("removed 0 runs, ")
        assert held.end() == 0
    assert program.run("state", "total", cwd=held.folder).json() == 7


def test_gc_keeps_what_can_be_resumed_unless_forced(program: Program, tmp_path: Path) -> None:
    with held_run(program, tmp_path / "held") as held:
        held.kill()
    kept = program.run("gc", "--keep", "0", cwd=held.folder)
    assert (kept.exit_code, kept.stderr) == (0, "kept 1 run that can be resumed; --force removes them too\n")
    forced = program.run("gc", "--keep", "0", "--force", "--json", cwd=held.folder).json()
    assert [run["status"] for run in forced["runs"]] == ["interrupted"]
    assert program.run("runs", "--json", cwd=held.folder).json()["runs"] == []
    assert os.listdir(held.folder / ".openexpertise" / "runs") == []
