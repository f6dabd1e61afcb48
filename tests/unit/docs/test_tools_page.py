"""docs/reference/tools.md: its example gives what the page says, and its tables are what tools find."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from oe import run_experience
from oe.kinds.tool_context import SCOPE_KINDS, ToolContext
from oe.ports.process import Command
from tests.support.pages import Page

PAGE = Page("tools.md")
FACTS = {"run_id": "r", "slot": "s", "attempt": 1, "folder": "/"}


def test_the_example_gives_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for language, name in (("yaml", "experience.yaml"), ("python", "tools/words.py"), ("sh", "tools/first.sh")):
        (tmp_path / name).write_text(PAGE.blocks(language)[0].text, encoding="utf-8")
    result = asyncio.run(run_experience(tmp_path))
    assert (result.status, result.state) == ("success", json.loads(PAGE.blocks("json")[0].text))
    assert [artifact["name"] for artifact in result.artifacts] == ["longest.txt"]


def test_ctx_has_what_the_page_says_and_nothing_else() -> None:
    told = {word.partition("(")[0] for row in PAGE.rows("of `ctx`", "what it is") for word in row[0].replace("`", "").split()
            if word.isidentifier() or "(" in word}
    assert told == {name for name in dir(ToolContext(None, FACTS, {})) if not name.startswith("_")}


def test_inputs_hold_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "experience.yaml").write_text("""
name: given
version: 1.0.0
state: {schema: {a: {default: 1}, given: {}}}
graph:
  nodes:
    - {id: before, kind: tool, command: [echo, '{"edge_output": 2}'], output: json}
    - {id: look, kind: tool, impl: ./tool.py, needs: [before], reads: [a], args: {own: 3}, for_each: {source: [4]},
       writes: [given]}
""", encoding="utf-8")
    (tmp_path / "tool.py").write_text("def run(inputs):\n    return {'given': dict(inputs)}\n", encoding="utf-8")
    given = asyncio.run(run_experience(tmp_path)).state["given"]
    assert given == {"own": 3, "$item": 4, "$index": 0, "_state": {"a": 1}, "_edge_inputs": {"before": 2}}
    assert [row[0] for row in PAGE.rows("name in `inputs`", "value")] == ["each key of `args`", *list(given)[1:]]


def test_its_kinds_and_its_grace_are_those_of_the_program() -> None:
    assert "`kind` is " + ", ".join(f"`{kind}`" for kind in SCOPE_KINDS[:-1]) + f" or `{SCOPE_KINDS[-1]}`" in PAGE.text
    assert (Command._field_defaults["grace_seconds"], "SIGKILL five\nseconds later" in PAGE.text) == (5, True)
