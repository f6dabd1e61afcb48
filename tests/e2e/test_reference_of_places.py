"""docs/reference/files.md and environment.md against a real run: which files there are, and what programs get."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.experiences import held_run, write_experience
from tests.support.pages import Page
from tests.support.program import Program

FILES = [row[0] for row in Page("files.md").rows("path", "what it holds")]
KEEPING = """\
name: keeping
version: 1.0.0
state: {schema: {seen: {type: object}}}
graph:
  nodes:
    - {id: look, kind: tool, impl: ./look.py, isolation: process, writes: [seen], cache: true}
"""
LOOK = """\
import os

def run(inputs, ctx):
    print("looked")
    open(ctx.artifact("made.txt"), "w").close()
    return {"seen": dict(os.environ)}
"""


def pattern_of(path: str) -> str:
    text = re.escape(path).replace("RUN", r"r-[\w-]+").replace("SLOT", r"[\w.\[\]-]+").replace("KEY", "[0-9a-f]{64}")
    return text + ".*" if path.endswith("/") else text


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_files_of_a_run_are_those_of_the_table(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "held"
    with held_run(program, folder) as held:
        while not list(folder.glob(".openexpertise/runs/*.live")):  # which is there after a quarter of a second
            assert program.run("dump", cwd=folder).exit_code == 0
        live = files_below(folder / ".openexpertise")
        held.end()
    write_experience(folder, KEEPING, look=LOOK)
    assert program.run("run", "-q", "--if-running", "fail", cwd=folder).exit_code == 0
    found = live | files_below(folder / ".openexpertise")
    patterns = {path: pattern_of(path) for path in FILES}
    assert [path for path in found if not any(re.fullmatch(pattern, path) for pattern in patterns.values())] == []
    assert [path for path, pattern in patterns.items() if not any(re.fullmatch(pattern, each) for each in found)] == []


def test_a_program_gets_the_variables_of_the_page(program: Program, tmp_path: Path) -> None:
    page = Page("environment.md")
    section = page.section("What programs get")
    given = {row[0] for row in page.rows("variable", "what it holds")}
    passed_on = set(re.findall(r"`([A-Z]+)`", section.partition("`LC_`")[0]))
    write_experience(tmp_path, KEEPING, look=LOOK)
    environment = {name: "x" for name in passed_on - {"PATH", "HOME"}} | {"LC_ALL": "C.UTF-8", "OTHER": "x", "SOME_API_KEY": "secret"}
    seen = set(program.run("run", "--json", cwd=tmp_path, env=environment).json()["state"]["seen"])
    mine = {"OE_OWNER", "OE_MESSAGE_FD"}
    assert given | passed_on | {"LC_ALL"} <= seen <= given | passed_on | {"LC_ALL", "LC_CTYPE"} | mine
    assert mine <= set(re.findall(r"`(OE_\w+)`", section))
