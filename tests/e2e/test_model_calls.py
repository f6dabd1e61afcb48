"""Models through the whole program: a real server, keys that nobody sees, recordings, Ctrl-C; and none where none is asked."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from oe.ports.model import Answer, ModelError, Usage
from tests.support.faulty_server import Behaviour, chunk, head, serving, stalls
from tests.support.model_server import anthropic_behaviour, openai_behaviour
from tests.support.program import Program, Result

KEY = "sk-planted-secret-4711"
AGENT = """\
name: asking
version: 1.0.0
state:
  schema:
    said: {type: array, items: {type: string}, merge: array_append}
graph:
  nodes:
    - {id: ask, kind: agent, prompt: "How is {{ $item }}?", writes: [said], for_each: {source: $args.items}}
args:
  items: {type: array}
"""
TOOL_ONLY = """\
name: offline
version: 1.0.0
graph:
  nodes:
    - {id: here, kind: tool, impl: ./here.py, cache: false}
    - {id: there, kind: tool, command: [/bin/true], needs: [here], cache: false}
"""
WATCHER = """\
import os, sys

def hook(event, arguments):
    if event == "import" or event.startswith("socket."):
        what = arguments[0] if event == "import" else arguments[1:]
        os.write(3, f"{event} {what}\\n".encode())

if os.environ.get("OE_TEST_WATCHED"):
    sys.addaudithook(hook)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "asking").mkdir()
    (tmp_path / "asking" / "experience.yaml").write_text(AGENT)
    return tmp_path / "asking"


def run(program: Program, folder: Path, url: str, *options: str | Path, items: list[str] | None = None, dialect: str = "openai") -> Result:
    name = dialect.upper()
    env = {f"{name}_BASE_URL": url + ("/v1" if dialect == "openai" else ""), f"{name}_API_KEY": KEY, f"{name}_MODEL": "m-1"}
    return program.run("run", folder, "--json", "--args", json.dumps({"items": items or ["Ann", "Bob"]}), *options, env=env)


def everything(folder: Path, *results: Result) -> str:
    """All that a run wrote anywhere."""
    files = [path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]
    return "\n".join([*files, *(result.stdout + result.stderr for result in results)])


def test_both_dialects_are_asked_and_tokens_are_counted(program: Program, folder: Path) -> None:
    def script(text: str) -> Answer:
        return Answer(f"{text} fine", usage=Usage(10, 2, 3, 1))

    for dialect, behaviour in (("openai", openai_behaviour), ("anthropic", anthropic_behaviour)):
        with serving(behaviour(script)) as server:
            result = run(program, folder, server.url, dialect=dialect)
            assert result.exit_code == 0, result.stderr
            value: Any = result.json()
            assert value["state"]["said"] == ["How is Ann? fine", "How is Bob? fine"]
            assert "no price is known for model 'm-1'" in result.stderr
            assert result.stderr.count("no price is known") == 1
            assert len(server.asked) == 2


def test_a_recording_answers_without_a_server_and_without_a_key(program: Program, folder: Path, tmp_path: Path) -> None:
    recording = tmp_path / "recording.jsonl"
    with serving(openai_behaviour(lambda text: f"{text} fine")) as server:
        recorded = run(program, folder, server.url, "--record", recording)
    replayed = program.run("run", folder, "--json", "--args", '{"items": ["Ann", "Bob"]}', "--replay", recording)
    assert (recorded.exit_code, replayed.exit_code) == (0, 0), replayed.stderr
    assert recorded.json()["state"] == replayed.json()["state"]
    missed = program.run("run", folder, "--args", '{"items": ["Ann", "Cid"]}', "--replay", recording)
    assert missed.exit_code == 1
    assert "does not hold this call of 'ask[1]'" in missed.stdout + missed.stderr
    assert "in the nearest, on line 3 for 'ask[1]', the message 1 differs from character 8 on" in missed.stderr
    assert "Cid" not in missed.stderr and "Bob" not in missed.stderr
    assert KEY not in recording.read_text()


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_key_is_seen_nowhere_whatever_the_provider_says_of_it(program: Program, folder: Path, tmp_path: Path, dialect: str) -> None:
    behaviours: list[Behaviour] = [
        (anthropic_behaviour if dialect == "anthropic" else openai_behaviour)(script) for script in (
            lambda _: ModelError("model-denied", f"Incorrect API key provided: {KEY}", status=401),
            lambda _: f"your key is {KEY}")]
    for behaviour in behaviours:
        with serving(behaviour) as server:
            result = run(program, folder, server.url, "--record", tmp_path / "recording.jsonl", "--log-prompts", dialect=dialect)
            assert result.exit_code == 1
            assert KEY in str(server.asked[0].headers), "the provider got it"
        shown = everything(tmp_path, result)
        assert KEY not in shown and "[redacted]" in shown


def test_a_run_that_is_interrupted_lets_go_of_the_provider(program: Program, folder: Path) -> None:
    with serving(stalls(head(Transfer_Encoding="chunked", Content_Type="text/event-stream") + chunk(b": here\n\n"))) as server:
        process = program.start("run", folder, "--args", '{"items": ["Ann"]}', "--llm", "openai:m",
                                env={"OPENAI_BASE_URL": server.url + "/v1"})
        deadline = time.monotonic() + 100
        while not server.lines and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert server.lines[0].left.wait(60)
        process.communicate(timeout=60)
        assert process.returncode == 130


def test_a_run_that_asks_nobody_opens_no_connection_and_loads_no_network_code(program: Program, tmp_path: Path) -> None:
    (tmp_path / "experience.yaml").write_text(TOOL_ONLY)
    (tmp_path / "here.py").write_text("def run(inputs, ctx):\n    return None\n")
    (tmp_path / "watcher").mkdir()
    (tmp_path / "watcher" / "sitecustomize.py").write_text(WATCHER)
    seen = tmp_path / "seen"
    env = {"PYTHONPATH": str(tmp_path / "watcher"), "OE_TEST_WATCHED": "1", "ANTHROPIC_API_KEY": KEY}
    with seen.open("wb") as file:
        arguments = ["sh", "-c", f'exec "$@" 3>>"{file.name}"', "sh", *program.arguments("run", tmp_path)]
        result = Program(arguments, tmp_path, {**program.environment, **env}).run()
    assert result.exit_code == 0, result.stderr
    lines = seen.read_text().splitlines()
    imported = {line.removeprefix("import ") for line in lines if line.startswith("import ")}
    assert "oe.run.engine" in imported, "the watcher watches"
    assert not {name for name in imported if name.split(".")[0] in ("http", "email") or name.startswith(("urllib.request", "oe.llm", "oe.net.http"))}
    assert not [line for line in lines if line.startswith(("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname"))]
