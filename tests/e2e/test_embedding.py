"""docs/embedding.md from a user's chair: every program in it runs and prints what the page says."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import oe
from oe import EventBus, OeError, SpecError, load_experience, load_yaml, run_experience
from tests.support.experiences import write_experience
from tests.support.program import ROOT, Program

PAGE = (ROOT / "docs/embedding.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```\n\nIt prints:\n\n```text\n(.*?)```", PAGE, flags=re.S)
FILE = re.compile(r"`greeting/([\w.]+)`:\n\n```\w+\n(.*?)```", re.S)

GATED = """\
name: gated
version: 1.0.0
state: {schema: {done: {type: boolean}}}
graph:
  nodes:
    - {id: before, kind: tool, impl: ./tool.py:before, cache: false}
    - {id: wait, kind: tool, impl: ./tool.py:wait, needs: [before], writes: [done], cache: false}
"""
GATED_TOOL = """\
import asyncio, os

async def before(inputs, ctx):
    pass

async def wait(inputs, ctx):
    if not os.path.exists("open"):
        await asyncio.Event().wait()
    return {"done": True}
"""


@pytest.fixture
def greeting(tmp_path: Path) -> Path:
    """The folder that holds README.md's experience."""
    for name, text in FILE.findall(README):
        (tmp_path / "greeting").mkdir(exist_ok=True)
        (tmp_path / "greeting" / name).write_text(text, encoding="utf-8")
    return tmp_path


def run_code(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env={"PATH": os.environ["PATH"], **environment},
                          capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_of_the_page_prints_what_it_says(greeting: Path, number: int) -> None:
    code, shown = PROGRAMS[number]
    done = run_code(code, greeting, PYTHONPATH=str(ROOT))
    assert done.stdout.replace("Darwin", "Linux") == shown, done.stderr
    expected = "oe: event subscriber 'broken' failed: ValueError: no disk left\n" if "broken" in code else ""
    assert done.stderr == expected


def test_every_program_of_the_page_is_run() -> None:
    assert len(PROGRAMS) == PAGE.count("```python") >= 4


@pytest.mark.parametrize("start", ["", "import runpy; runpy.run_path(sys.path[0])"])
def test_the_one_file_serves_as_a_library(greeting: Path, archive: Path, start: str) -> None:
    done = run_code(f"import sys; sys.path.insert(0, {str(archive)!r}); {start}\n" + PROGRAMS[0][0], greeting)
    assert (done.stdout.replace("Darwin", "Linux"), done.stderr) == (PROGRAMS[0][1], "")


def test_the_table_holds_the_public_names() -> None:
    table = PAGE.partition("|---|---|")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(?:await )?(\w+)(?:\([^`]*)?`", table)) == set(oe.__all__) == set(dir(oe))


def test_what_is_no_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'oe' has no attribute 'nothing'"):
        _ = oe.nothing


def test_importing_it_brings_in_nothing_heavy() -> None:
    code = "import sys, oe; print(sorted({'asyncio', 'sqlite3', 'oe.run'} & set(sys.modules)))"
    assert run_code(code, ROOT).stdout == "[]\n"


def test_a_cancelled_task_leaves_a_run_that_can_be_resumed(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "gated", GATED, tool=GATED_TOOL)

    async def begin_and_cancel() -> None:
        begun = asyncio.Event()
        bus = EventBus()
        bus.subscribe(lambda event: begun.set() if event["type"] == "node.started" and event["slot"] == "wait" else None)
        task = asyncio.create_task(run_experience(folder, events=bus))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(begin_and_cancel())
    assert program.run("runs", "--json", cwd=folder).json()["runs"][0]["status"] in {"cancelled", "interrupted"}
    (folder / "open").touch()
    resumed = program.run("resume", "--json", cwd=folder)
    assert (resumed.exit_code, resumed.json()["state"]) == (0, {"done": True})


def test_runs_in_one_loop_do_not_mix(greeting: Path) -> None:
    async def all_of_them() -> list[object]:
        experience = load_experience(greeting / "greeting")
        results = await asyncio.gather(*(run_experience(experience, args={"name": f"n{number}"}, concurrency=2)
                                         for number in range(8)))
        return [result.state["greeting"] for result in results]

    found = asyncio.run(all_of_them())
    assert [str(text).split(",")[1] for text in found] == [f" n{number}" for number in range(8)]


def test_a_failed_run_is_a_result(tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "gated", GATED, tool="def before(inputs):\n    return inputs['no']\n"
                                                                "def wait(inputs): pass\n")
    result = asyncio.run(run_experience(folder))
    assert (result.status, result.exit_code) == ("failed", 1)
    assert result.nodes[0]["error"] == "KeyError: 'no' (tool.py:2)"
    assert result.as_object()["run_id"] == result.run_id


async def _unawaited(event: object) -> None:
    """A subscriber that nobody would await."""


@pytest.mark.parametrize(("call", "kind", "message"), [
    (lambda folder: load_experience(folder / "none"), OeError, "no such file or directory: "),
    (lambda folder: load_yaml("a: [1"), SpecError, "<string>:1:4: error"),
    (lambda folder: asyncio.run(run_experience(folder / "greeting", concurrency=0)), OeError,
     "concurrency must be at least 1, found 0"),
    (lambda folder: asyncio.run(run_experience(folder / "greeting", cache="yes")), OeError,  # type: ignore[arg-type]
     "cache must be true, false or a CacheStore, found 'yes'"),
    (lambda folder: asyncio.run(run_experience(folder / "greeting", events=print)), OeError,  # type: ignore[arg-type]
     "events must be an EventBus, found "),
    (lambda folder: asyncio.run(run_experience(folder / "greeting", args=[1])), OeError,  # type: ignore[arg-type]
     "args must be a mapping of names to values, found [1]"),
    (lambda folder: asyncio.run(run_experience({"name": "x"})), OeError,  # type: ignore[arg-type]
     "an experience must be a path or come of load_experience, found {'name': 'x'}"),
    (lambda folder: EventBus().subscribe(_unawaited), OeError, "a subscriber must be a plain function, found "),
    (lambda folder: EventBus().subscribe("print"), OeError,  # type: ignore[arg-type]
     "a subscriber must be a plain function, found 'print'"),
    (lambda folder: asyncio.run(run_experience(folder / "greeting", args={"name": 1})), OeError,
     "argument 'name': expected string, found integer 1"),
])
def test_refusals_are_one_sentence(greeting: Path, call: Callable[[Path], object], kind: type[OeError],
                                   message: str) -> None:
    with pytest.raises(kind) as caught:
        call(greeting)
    assert message in str(caught.value)
    assert not (greeting / "greeting/.openexpertise").exists()
