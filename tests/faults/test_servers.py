"""Model servers on their worst days, through the whole program: the stated error, the exit code, what was committed kept,
an end in bounded time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.experiences import write_experience
from tests.support.faulty_server import (
    Asked,
    Behaviour,
    FaultyServer,
    Line,
    chunk,
    endless,
    head,
    raw,
    says,
    serving,
    stalls,
    streams,
)
from tests.support.model_server import openai_behaviour
from tests.support.program import Program

KEY = "sk-planted-secret-4711"
SPEC = """\
name: asking
version: 1.0.0
state: {schema: {before: {type: string}, said: {type: string}}}
runtime: {llm: {provider: openai, model: m, tries: 2, idle_timeout: 100s}}
graph:
  nodes:
    - {id: first, kind: tool, command: [echo, '{"before": "kept"}'], writes: [before]}
    - {id: ask, kind: agent, needs: [first], prompt: hello, writes: [said]}
"""
EVENTS = {"Content_Type": "text/event-stream"}


def in_a_ring(line: Line, asked: Asked) -> None:
    """Whoever follows never arrives, and would give its key away at each turn."""
    says("", 307, Location=asked.target)(line, asked)


def elsewhere(url: str) -> Behaviour:
    return says("", 308, Location=f"{url}/v1/chat/completions")


FAULTS: dict[str, tuple[Behaviour, str, int]] = {
    "stalls": (stalls(), "was silent for 0.3s", 2),
    "stalls amid the answer": (stalls(head(Transfer_Encoding="chunked", **EVENTS), chunk(b"data: {}\n\n")), "was silent for 0.3s", 2),
    "drops": (raw(b""), "before it began", 2),
    "resets": (lambda line, _: line.reset(), "broke off before it began", 2),
    "sends half a body": (streams(b'data: {"choices": [{"delta"', end=b""), "before its declared end", 2),
    "says a wrong length": (raw(head(Content_Length="900", Content_Type="application/json") + b"{}"), "before its declared end", 2),
    "says another wrong length": (raw(head(Content_Length="-5", **EVENTS) + b"{}"), "", 2),
    "never ends": (endless(head(Transfer_Encoding="chunked", **EVENTS), chunk(b": wait\n\n" * 4096)), "longer than", 2),
    "sends one line without end": (endless(head(**EVENTS), b"x" * 65536), "an event without end", 2),
    "redirects in a ring": (in_a_ring, "307", 1),
    "is busy for ever": (says('{"error": {"message": "slow down"}}', 429, Retry_After="0"), "429", 2),
    "fails for ever": (says("<html>bad gateway</html>", 502), "502", 2),
    "speaks something else": (raw(b"SSH-2.0-OpenSSH_9\r\n"), "does not answer in HTTP", 2),
    "answers with nonsense": (says(b"\xff\xfe\0", Content_Type="application/json"), "", 2),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_experience(tmp_path / "asking", SPEC)


def environment(server: FaultyServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": KEY}


@pytest.mark.parametrize("fault", [pytest.param(fault, marks=pytest.mark.long) if fault == "never ends" else fault
                                   for fault in FAULTS])
def test_a_server_that(program: Program, folder: Path, fault: str) -> None:
    behaviour, words, most_asked = FAULTS[fault]
    if fault.startswith("stalls"):
        (folder / "experience.yaml").write_text(SPEC.replace("100s", "300ms"))
    with serving(behaviour) as server:
        done = program.run("run", "--json", "--run-id", "r", cwd=folder, env=environment(server))
        nodes = {node["id"]: node for node in done.json()["nodes"]}
        assert done.exit_code == 8, done
        assert (nodes["first"]["status"], nodes["ask"]["status"]) == ("success", "failed")
        assert words in nodes["ask"]["error"], nodes["ask"]["error"]
        assert 1 <= len(server.asked) <= most_asked, "as often as the experience says, and no more"
        assert "Traceback" not in done.stderr and KEY not in done.stdout + done.stderr
    (folder / "experience.yaml").write_text(SPEC)  # a server that is well may still be slow
    with serving(openai_behaviour(lambda _: "well again")) as server:
        again = program.run("resume", "--json", cwd=folder, env=environment(server))
        assert (again.exit_code, again.json()["state"]) == (0, {"before": "kept", "said": "well again"})


def test_a_key_is_not_sent_on_after_a_redirect(program: Program, folder: Path) -> None:
    with serving(openai_behaviour(lambda _: "stolen")) as thief, serving(elsewhere(thief.url)) as server:
        done = program.run("run", "--json", cwd=folder, env=environment(server))
        assert done.exit_code == 8
        assert "308" in done.json()["nodes"][1]["error"]
        assert thief.asked == []


def test_a_busy_server_is_given_the_time_that_it_asks_for(program: Program, folder: Path) -> None:
    """But not an hour: then the node fails at once."""
    with serving(says("{}", 429, Retry_After="3600")) as server:
        done = program.run("run", "--json", cwd=folder, env=environment(server))
        assert done.exit_code == 8, done
        assert "429" in done.json()["nodes"][1]["error"]
        assert len(server.asked) == 1


