"""A stranger's experience reads and writes inside its folder: every key that holds a path, every way out of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from oe.app.experiences import read_experience
from oe.errors import OeError
from oe.llm.recording import Recording
from oe.redact import Redactor
from tests.support.program import Program

HEAD = "name: stranger\nversion: 1.0.0\nargs: {there: {type: string}}\nstate: {schema: {o: {}}}\ngraph:\n  nodes:\n"

KEYS = {
    "impl": "kind: tool, impl: PATH.py",
    "command": "kind: tool, command: [PATH.sh]",
    "python": "kind: tool, impl: ./in.py, python: PATH.sh, cache: false",
    "tool workdir": "kind: tool, command: [cat], workdir: PATH.d",
    "inputs": "kind: tool, impl: ./in.py, inputs: [PATH.md]",
    "produces": "kind: tool, impl: ./in.py, produces: [PATH.md]",
    "file": "kind: dataset, file: PATH.json",
    "sqlite path": "kind: dataset, sqlite: {path: PATH.json, query: select 1}",
    "sqlite file": "kind: dataset, sqlite: {file: PATH.json, query: select 1}",
    "sql database": "kind: sql, database: PATH.json, statement: select 1",
    "sql statement": "kind: sql, database: ./in.json, statement: PATH.sql",
    "prompt": "kind: agent, writes: [o], prompt: PATH.md",
    "system": "kind: agent, writes: [o], prompt: hello, system: PATH.md",
    "schema": "kind: agent, writes: [o], prompt: hello, schema: PATH.json",
    "skill": "kind: skill, writes: [o], impl: PATH.d, prompt: hello",
    "include": "kind: skill, writes: [o], impl: ./skill, include: [PATH.md], prompt: hello",
    "skill schema": "kind: skill, writes: [o], impl: ./skill, prompt: hello, schema: PATH.json",
    "nested file": "kind: experience, impl: PATH.yaml",
    "nested folder": "kind: experience, impl: PATH.d",
    "cli-agent prompt": "kind: cli-agent, provider: codex, prompt: PATH.md",
    "cli-agent program": "kind: cli-agent, provider: codex, prompt: hello, program: PATH.sh",
    "cli-agent command": "kind: cli-agent, command: [PATH.sh], prompt: hello",
    "cli-agent workdir": "kind: cli-agent, provider: codex, prompt: hello, workdir: PATH.d",
    "cli-agent schema": "kind: cli-agent, provider: codex, prompt: hello, schema: PATH.json, writes: [o]",
}
WAYS = {"up": "../outside/x", "down and up": "./skill/../../outside/x", "absolute": "/OUTSIDE/x", "link": "./link",
        "link to a folder": "./links/x"}
PROGRAMS = {"command", "python", "cli-agent program", "cli-agent command"}
"""They are code with the user's rights: an absolute path names any, as a shell's PATH does, and a virtual environment's
Python is a link."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for place in (outside / "x.d", inside / "skill"):
        place.mkdir(parents=True)
        (place / "SKILL.md").write_text("---\nname: s\ndescription: d\n---\nbody\n")
    (outside / "x.d/experience.yaml").write_text(HEAD + "    - {id: n, kind: tool, command: [\"true\"]}\n")
    for name, text in {"x.py": "def run(inputs, ctx):\n    pass\n", "x.sh": "#!/bin/sh\n", "x.md": "stolen",
                       "x.json": '{"type": "object"}', "x.sql": "select 1", "x.yaml": (outside / "x.d/experience.yaml").read_text()}.items():
        (outside / name).write_text(text)
    (inside / "in.py").write_text("def run(inputs, ctx):\n    pass\n")
    (inside / "in.json").write_text("")
    for path in outside.iterdir():
        (inside / f"link{path.suffix}").symlink_to(path)
    (inside / "links").symlink_to(outside)
    return inside


def validated(folder: Path, node: str, name: str = "experience.yaml") -> list[str]:
    (folder / name).write_text(f"{HEAD}    - {{id: n, {node}}}\n")
    return [problem.code for problem in read_experience(str(folder / name)).problems]


@pytest.mark.parametrize(("key", "way"), [(key, way) for key in KEYS for way in WAYS
                                          if key not in PROGRAMS or way.endswith("up")])
def test_no_key_leads_outside(folder: Path, key: str, way: str) -> None:
    path = WAYS[way].replace("/OUTSIDE", str(folder.parent / "outside"))
    codes = validated(folder, KEYS[key].replace("PATH", path))
    unseen = {"inputs": "empty-glob", "include": "missing-file"}  # by patterns, which are relative to a folder
    if key in unseen and "up" not in way:
        assert set(codes) & {unseen[key], "path-outside"}
    else:
        assert "path-outside" in codes


@pytest.mark.parametrize("key", KEYS)
def test_the_same_keys_do_work_inside(folder: Path, key: str) -> None:
    for path in (folder.parent / "outside").iterdir():
        path.rename(folder / path.name)
    (folder / "x.sh").chmod(0o700)
    (folder / "skill/x.md").write_text("more")
    node = KEYS[key].replace("PATH", "./x").replace("impl: ./x.d, prompt", "impl: ./skill, prompt")
    errors = set(validated(folder, node)) - {"cached-for-ever", "view-warning", "unpriced-agent"}
    assert errors <= {"program-not-found"}, errors


@pytest.mark.parametrize(("node", "argument"), [
    ("kind: dataset, file: $args.there", "x.json"),
    ("kind: dataset, sqlite: {path: $args.there, query: select 1}", "x.json"),
    ("kind: tool, command: [pwd], output: text, workdir: $args.there", "x.d"),
    ("kind: cli-agent, command: [pwd], prompt: hello, workdir: $args.there", "x.d"),
])
@pytest.mark.parametrize("way", ["../outside/", "links/", "/OUTSIDE/"])
def test_data_cannot_lead_outside_either(program: Program, folder: Path, node: str, argument: str, way: str) -> None:
    path = way.replace("/OUTSIDE", str(folder.parent / "outside")) + argument
    assert validated(folder, f"{node}, writes: [o]") == []
    done = program.run("run", "--json", "--arg", f"there={path}", cwd=folder)
    assert done.exit_code == 1
    assert "outside the experience" in done.json()["nodes"][0]["error"]


def test_a_nested_experience_has_its_own_folder(folder: Path) -> None:
    (folder / "child").mkdir()
    (folder / "child/experience.yaml").write_text(f"{HEAD}    - {{id: n, kind: dataset, file: ../in.json}}\n")
    (folder / "in.json").write_text("1")
    assert "path-outside" in validated(folder, "kind: experience, impl: ./child")


def test_a_schema_file_does_not_refer_outside(folder: Path) -> None:
    (folder / "s.json").write_text('{"$ref": "../outside/x.json"}')
    assert "bad-reference" in validated(folder, "kind: agent, writes: [o], prompt: hello, schema: ./s.json")


def test_a_tool_imports_what_it_likes_but_its_key_reads_nothing_outside(program: Program, folder: Path) -> None:
    """Tools are code. What is read of them without running them, for keys, stays inside."""
    (folder / "in.py").write_text("from links.x import run\n")
    assert validated(folder, "kind: tool, impl: ./in.py, cache: true") in ([], ["tool-no-function"])
    assert program.run("plan", cwd=folder).exit_code in (0, 3)
    assert not (folder / ".openexpertise").exists()


@pytest.mark.parametrize("arguments", [
    ("run", "--run-id", "ID"), ("resume", "--run-id", "ID"), ("inspect", "ID"), ("inspect", "ID", "--tree"),
    ("inspect", "ID", "--html", "r.html"), ("logs", "ID"), ("dump", "ID"), ("cancel", "ID"), ("runs", "--before", "ID"),
    ("explain", "n", "--run-id", "ID"), ("state", "--run-id", "ID"),
])
@pytest.mark.parametrize("run_id", ["../../../victim", "/victim"])
def test_a_run_id_is_no_path(program: Program, folder: Path, arguments: tuple[str, ...], run_id: str) -> None:
    assert validated(folder, "kind: tool, impl: ./in.py, cache: false") == []
    assert program.run("run", cwd=folder).exit_code == 0
    before = everything_below(folder.parent)
    done = program.run(*(run_id if word == "ID" else word for word in arguments), cwd=folder)
    assert done.exit_code in (2, 5), done
    assert everything_below(folder.parent) == before


@pytest.mark.parametrize("arguments", [("show",), ("rm",)])
def test_a_cache_key_is_no_path(program: Program, folder: Path, arguments: tuple[str, ...]) -> None:
    victim = folder / "victim.json"
    victim.write_text('{"state_delta": {}, "meta": {"ts": 1}}')
    validated(folder, "kind: tool, impl: ./in.py, cache: true")
    assert program.run("run", cwd=folder).exit_code == 0
    done = program.run("cache", *arguments, "../../victim", cwd=folder)
    assert done.exit_code in (2, 5), done
    assert victim.exists()


@pytest.mark.parametrize("name", [".openexpertise", ".openexpertise/runs", ".openexpertise/cache",
                                  ".openexpertise/state.sqlite"])
@pytest.mark.parametrize("arguments", [("run",), ("cache", "clear", "--yes"), ("gc", "--older-than", "1d"), ("reset-state", "--yes"), ("runs",)])
def test_a_link_that_came_along_is_not_followed(program: Program, folder: Path, name: str,
                                                arguments: tuple[str, ...]) -> None:
    target = folder.parent / "target"
    target.mkdir()
    (target / ("a" * 64 + ".json")).write_text("{}")
    assert validated(folder, "kind: tool, impl: ./in.py, cache: true") == []
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(target)
    before = everything_below(target)
    done = program.run(*arguments, cwd=folder)
    assert done.exit_code != 0 and "is a link" in done.stderr, done
    assert everything_below(target) == before


def test_pruning_deletes_nothing_through_the_folder_of_a_run_that_came_along(program: Program, folder: Path) -> None:
    target = folder.parent / "target"
    target.mkdir()
    (target / "precious").write_text("kept")
    os.utime(target / "precious", (0, 0))
    assert validated(folder, "kind: tool, impl: ./in.py, cache: true") == []
    assert program.run("run", cwd=folder).exit_code == 0
    (folder / ".openexpertise/runs/r-old").symlink_to(target)
    os.utime(folder / ".openexpertise/runs/r-old", (0, 0), follow_symlinks=False)
    done = program.run("gc", "--older-than", "1d", cwd=folder)
    assert done.exit_code != 0 and "is a link" in done.stderr, done
    assert everything_below(target) == {str(target / "precious"): b"kept"}


def test_a_data_folder_that_the_user_names_may_be_a_link(program: Program, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "large")
    assert validated(folder, "kind: tool, impl: ./in.py, cache: false") == []
    assert program.run("run", "--data-dir", tmp_path / "data", cwd=folder).exit_code == 0
    assert (tmp_path / "large/state.sqlite").exists()


def test_results_are_not_written_through_a_link(program: Program, folder: Path) -> None:
    """`report.html` and `recording.jsonl` may have come with the experience."""
    precious = folder.parent / "outside/x.md"
    (folder / "report.html").symlink_to(precious)
    assert validated(folder, "kind: tool, impl: ./in.py, cache: false") == []
    assert program.run("run", cwd=folder).exit_code == 0
    done = program.run("inspect", "latest", "--html", "report.html", cwd=folder)
    assert (done.exit_code, "it is a link" in done.stderr) == (1, True), done
    with pytest.raises(OeError, match="it is a link"):
        Recording(str(folder / "report.html"), Redactor())
    assert precious.read_text() == "stolen"


def test_a_link_to_nothing_does_not_make_something_of_it(program: Program, folder: Path) -> None:
    (folder / "report.html").symlink_to(folder.parent / "outside/new")
    assert validated(folder, "kind: tool, impl: ./in.py, cache: false") == []
    assert program.run("run", cwd=folder).exit_code == 0
    done = program.run("inspect", "latest", "--html", "report.html", cwd=folder)
    assert (done.exit_code, "it is a link" in done.stderr) == (1, True), done
    with pytest.raises(OeError, match="it is a link"):
        Recording(str(folder / "report.html"), Redactor())
    assert not (folder.parent / "outside/new").exists()


def test_node_logs_and_artifacts_stay_in_the_folder_of_their_run(program: Program, folder: Path) -> None:
    (folder / "in.py").write_text("""\
def run(inputs, ctx):
    print("printed")
    refused = []
    for name in ("../x", "/tmp/x", "a/../../x", "", "a\\0b"):
        try:
            ctx.artifact(name)
        except Exception as error:
            refused.append(str(error))
    return {"o": refused}
""")
    assert validated(folder, 'kind: tool, impl: ./in.py, cache: false, for_each: {source: ["../../x", "a/b"]}, '
                     "writes: [o]") == []
    done = program.run("run", "--json", "--run-id", "one", cwd=folder)
    assert done.exit_code == 0, done
    shown: Any = done.json()["state"]["o"]
    assert len(shown) == 5 and all("inside the run's folder" in each for each in shown), json.dumps(shown)
    assert {path.name for path in (folder / ".openexpertise/runs/one").iterdir()} <= {
        "lock", "artifacts", "n[0].log", "n[1].log"}


def everything_below(folder: Path) -> dict[str, bytes | None]:
    """Every file with its contents, but for what SQLite keeps beside an open database, and that itself."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))
            if "state.sqlite" not in path.name and not os.path.islink(path)}
