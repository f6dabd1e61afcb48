"""docs/reference/semantics.md: every example is run, and gives what the page says."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from oe import CacheStore, RunResult, load_experience, load_yaml, run_experience
from oe.app.launch import RunOptions, resume_run
from oe.state.status import RunStatus
from tests.support.pages import Page

PAGE = Page("semantics.md")
(TOOL,) = (block.text for block in PAGE.blocks("python"))
EXAMPLES: dict[str, tuple[str, list[dict[str, Any]]]] = {}
for block in PAGE.blocks("yaml", "json"):
    if block.language == "json":
        EXAMPLES[list(EXAMPLES)[-1]][1].append(json.loads(block.text))
    elif block.text.startswith("name: "):
        EXAMPLES[block.text.split()[1]] = (block.text, [])
KEPT = PAGE.blocks("yaml")[-1].text


def folder_with(tmp_path: Path, text: str) -> Path:
    (tmp_path / "experience.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "tool.py").write_text(TOOL, encoding="utf-8")
    return tmp_path


def run(folder: Path, **options: Any) -> RunResult:
    return asyncio.run(run_experience(folder, **{"cache": False, **options}))


def summary(result: RunResult) -> dict[str, Any]:
    units = {str(unit["id"]): f"{unit['status']}: {unit['reason']}" if "reason" in unit else unit["status"]
             for unit in result.nodes}
    return {"status": result.status, "state": result.state, "units": units}


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in ("published", "resumed")])
def test_an_example_gives_what_the_page_says(tmp_path: Path, name: str, concurrency: int) -> None:
    text, (expected,) = EXAMPLES[name]
    result = run(folder_with(tmp_path, text), concurrency=concurrency)
    assert summary(result) == expected, result.nodes


def test_persistent_fields_are_published(tmp_path: Path) -> None:
    text, (expected,) = EXAMPLES["published"]
    folder = folder_with(tmp_path, text)
    assert summary(run(folder)) != expected
    assert summary(run(folder)) == expected


def test_a_resumed_run_goes_on(tmp_path: Path) -> None:
    text, (before, after) = EXAMPLES["resumed"]
    folder = folder_with(tmp_path, text)
    assert "oe resume" in PAGE.text
    first = run(folder.resolve(), data_dir=str(tmp_path / "data"))
    assert summary(first)["units"] == before["units"] and first.status == before["status"]
    (folder / "ready").write_text("yes", encoding="utf-8")
    resumed = asyncio.run(resume_run(load_experience(folder), RunOptions(data_dir=str(tmp_path / "data"))))
    assert summary(resumed.result) == after


@pytest.fixture(autouse=True)
def in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("key", "runs_again"), PAGE.rows("key", "runs again"))
def test_a_change_runs_the_node_again_or_not(tmp_path: Path, key: str, runs_again: str) -> None:
    node, change = load_yaml(KEPT), load_yaml(key)
    assert isinstance(node, dict) and isinstance(change, dict)
    others = [{"id": "first", "kind": "tool", "impl": "./tool.py:give", "args": {"value": {}}, "cache": False},
              {"id": "other", "kind": "tool", "impl": "./tool.py:give", "args": {"value": {"edge_output": 1}},
               "cache": False}]
    experience = {"name": "kept", "version": "1.0.0", "state": {"schema": {"out": {}, "seen": {"default": 1}}}}
    cache = CacheStore(dir=tmp_path / "kept")
    cached = []
    for each in (node, node, {**node, **change}):
        folder_with(tmp_path, json.dumps({**experience, "graph": {"nodes": [*others, each]}}))
        (unit,) = (unit for unit in run(tmp_path, cache=cache).nodes if unit["id"] == "kept")
        cached.append(unit["cached"])
    assert cached == [False, True, runs_again.startswith("no")]


def test_the_parts_of_a_key_are_those_of_the_table(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, json.dumps({
        "name": "parts", "version": "1.0.0", "state": {"schema": {"out": {}, "seen": {"default": 1}}},
        "graph": {"nodes": [
            {"id": "first", "kind": "tool", "impl": "./tool.py:give", "args": {"value": {"edge_output": "tool.py"}}},
            {"id": "kept", "kind": "tool", "command": ["true", "$index", "$inputs.first"], "args": {"value": 1},
             "needs": ["first"], "reads": ["seen"], "env": ["PATH"], "inputs": ["tool.py"], "for_each": {"source": [1]}}]}}))
    run(folder, cache=CacheStore(dir=tmp_path / "kept"))
    entries = [json.loads(path.read_text()) for path in (tmp_path / "kept").glob("*.json")]
    (found,) = (set(entry["meta"]["parts"]) for entry in entries if entry["meta"]["slot"] == "kept[0]")
    listed = {part for row in PAGE.rows("part", "what") for part in re.findall(r"[$\w][\w.$:]*", row[0].replace("`", ""))}
    kinds = {"args.value": "args.NAME", "$.seen": "$.FIELD", "$inputs.first": "$inputs.UNIT", "env.PATH": "env.NAME",
             "file:tool.py": "file:PATH"}
    assert {kinds.get(part, part) for part in found} == listed - {"any", "other", "reference"}


def test_every_status_is_in_the_table() -> None:
    assert sorted(row[0] for row in PAGE.rows("status", "when")) == sorted(get_args(RunStatus))
