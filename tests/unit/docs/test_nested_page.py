"""docs/reference/nested.md: its example gives what the page says, and its numbers and codes are those of the program."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from oe import EventBus, run_experience
from oe.app.workspace import Workspace
from oe.run.nested import MOST_LEVELS
from tests.support.pages import Page

PAGE = Page("nested.md")
PARENT, CHILD = (block.text for block in PAGE.blocks("yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "region").mkdir()
    (tmp_path / "experience.yaml").write_text(PARENT, encoding="utf-8")
    (tmp_path / "region/experience.yaml").write_text(CHILD, encoding="utf-8")
    (tmp_path / "region/tool.py").write_text(PAGE.blocks("python")[0].text, encoding="utf-8")
    return tmp_path


def test_the_example_gives_what_the_page_says(folder: Path) -> None:
    bus, ended = EventBus(), []
    bus.subscribe(lambda event: ended.append(event["slot"]) if event["type"] == "node.finished" else None)
    result = asyncio.run(run_experience(folder, cache=False, events=bus))
    assert {"status": result.status, "state": result.state, "slots": ended,
            "units": {unit["id"]: unit["status"] for unit in result.nodes}} == json.loads(PAGE.blocks("json")[0].text)
    with Workspace(str(folder / "region/experience.yaml"), str(folder / ".openexpertise"), read_only=True) as workspace:
        assert workspace.store.workspace(workspace.key) == {"seen": ["north", "south"]}


def test_it_can_be_run_by_itself(folder: Path) -> None:
    result = asyncio.run(run_experience(folder / "region", args={"region": "west"}, cache=False))
    assert result.state == {"sum": 4, "seen": ["west"]}


def test_the_codes_are_those_of_the_page_on_errors() -> None:
    known = {row[0]: row[1] for row in Page("errors.md").rows("code", "tried again", "what")}
    for code, again, _ in PAGE.rows("code", "tried again", "what"):
        if code != "invalid-arguments":
            assert known[code] == again


def test_the_depth_is_that_of_the_program() -> None:
    assert f"nested {MOST_LEVELS} deep" in PAGE.text and f"more than {MOST_LEVELS} deep" in PAGE.text
