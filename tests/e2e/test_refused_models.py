"""What is named for models and cannot be used is refused before a run: recordings, prices, models without a price."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.experiences import write_experience
from tests.support.program import Program

KEY = {"OPENAI_API_KEY": "key-value-1", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
ASKS_NOBODY = """
name: asks nobody
version: 1.0.0
graph: {nodes: [{id: work, kind: tool, command: ["true"], cache: false}]}
"""


@pytest.mark.parametrize(("command", "options", "exit_code"), [
    ("run", ("--replay", "nowhere.jsonl"), 5), ("plan", ("--replay", "nowhere.jsonl"), 5), ("run", ("--replay", "."), 2),
    ("run", ("--record", "no/where.jsonl"), 2), ("run", ("--record", "."), 2),
])
def test_recordings_that_cannot_be_opened_are_refused_also_where_no_node_asks(program: Program, tmp_path: Path, command: str,
                                                                              options: tuple[str, ...], exit_code: int) -> None:
    result = program.run(command, write_experience(tmp_path, ASKS_NOBODY), *options)
    assert (result.exit_code, "the recording" in result.stderr or "no recording" in result.stderr) == (exit_code, True)
    assert not (tmp_path / ".openexpertise").exists()


def test_a_run_that_is_refused_leaves_the_recording_of_another_alone(program: Program, tmp_path: Path) -> None:
    given = ("run", write_experience(tmp_path, ASKS_NOBODY), "--quiet", "--run-id", "one", "--record", tmp_path / "r.jsonl")
    assert program.run(*given).exit_code == 0
    (tmp_path / "r.jsonl").write_text("what another run has recorded", encoding="utf-8")
    assert program.run(*given).exit_code == 2, "there is a run of that id"
    assert (tmp_path / "r.jsonl").read_text(encoding="utf-8") == "what another run has recorded"


def test_a_resumed_run_goes_on_with_its_recording(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path, ASKS_NOBODY.replace("true", "false"))
    recording = tmp_path / "r.jsonl"
    assert program.run("run", folder, "--quiet", "--record", recording).exit_code == 1
    first = recording.read_text(encoding="utf-8")
    recording.write_text(first + "\n", encoding="utf-8")
    assert program.run("resume", folder, "--quiet", "--record", recording).exit_code == 1
    assert recording.read_text(encoding="utf-8") == first + "\n"


def test_prices_that_cannot_be_read_are_refused_before_a_node_asks(program: Program, tmp_path: Path) -> None:
    write_experience(tmp_path, """
        name: asks
        version: 1.0.0
        state: {schema: {said: {type: string}}}
        graph: {nodes: [{id: ask, kind: agent, prompt: Hi, writes: [said]}]}
        """)
    result = program.run("run", tmp_path, "--llm", "openai:m", env={**KEY, "OE_PRICES": "nowhere.json"})
    assert (result.exit_code, "cannot read the prices in 'nowhere.json'" in result.stderr) == (2, True)
    assert not (tmp_path / ".openexpertise").exists()


NESTED_NODES = {
    "model": ("{id: ask, kind: agent, prompt: Hi, writes: [said]}", "model 'stand-in' of node 'ask' has no known price"),
    "program": ("{id: ask, kind: cli-agent, command: [cat], prompt: Hi, writes: [said]}",
                "cli-agent 'ask' has no known price"),
}


@pytest.mark.parametrize("node", NESTED_NODES)
@pytest.mark.parametrize(("above", "runtime", "options"), [
    ("budget: {usd: 1}", "", ()), ("", "budget: {usd: 1}, ", ()), ("", "", ("--budget", "usd=1")),
])
def test_calls_without_a_price_are_refused_in_nested_experiences_too(program: Program, tmp_path: Path,
                                                                      node: str, above: str, runtime: str,
                                                                      options: tuple[str, ...]) -> None:
    text, message = NESTED_NODES[node]
    write_experience(tmp_path, f"""
        name: outer
        version: 1.0.0
        graph: {{nodes: [{{id: inner, kind: experience, impl: ./middle, {above}}}]}}
        runtime: {{{runtime}llm: {{provider: openai, model: stand-in}}}}
        """)
    write_experience(tmp_path / "middle", """
        name: middle
        version: 1.0.0
        graph: {nodes: [{id: deep, kind: experience, impl: ./deep}]}
        """)
    write_experience(tmp_path / "middle" / "deep", f"""
        name: deep
        version: 1.0.0
        state: {{schema: {{said: {{type: string}}}}}}
        graph:
          nodes:
            - {text}
        """)
    for command in ["run"] if options else ["run", "plan", "validate"]:
        result = program.run(command, tmp_path.name, *options, cwd=tmp_path.parent, env=KEY)
        assert (result.exit_code, message in result.stdout + result.stderr) == (3, True)
        assert f"{tmp_path.name}/middle/deep/experience.yaml:7:15: error" in result.stdout + result.stderr
    assert not (tmp_path / ".openexpertise").exists()
    assert program.run("validate", tmp_path / "middle", env=KEY).exit_code == 0, "it has no budget by itself"
