"""Models by the real program against a real HTTP server: keys, recordings, budgets, plans, and where secrets never are."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from oe import OeError, run_experience
from tests.support.experiences import write_experience
from tests.support.program import Program

KEY = "sk-planted-key-0123456789"
SECRET = "planted-argument-value"
EXPERIENCE = """
name: asks
version: 1.0.0
args:
  token: {type: string, secret: true, required: true}
  words: {type: integer, default: 5}
state: {schema: {first: {type: string}, second: {type: string}}}
graph:
  nodes:
    - {id: one, kind: agent, prompt: 'Use {{ token }} for {{ words }} words', max_tokens: 50, writes: [first]}
    - {id: two, kind: agent, needs: [one], prompt: 'And again', max_tokens: 50, writes: [second]}
runtime: {llm: {provider: openai, model: stand-in}}
"""


class Provider:
    """An OpenAI-compatible server that answers `fine` and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.status = 200
        self.stalls = threading.Event()
        self.pauses = threading.Event()
        self.reached = threading.Event()
        self.released = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                provider.asked.append((self.headers["authorization"], body))
                if provider.stalls.is_set():
                    provider.reached.set()
                    provider.released.wait(60)
                said = "fine" if not provider.pauses.is_set() else "It began " + "on a dark night " * 20
                events = [{"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": "stop"}]},
                          {"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 10}}]
                data = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
                if provider.status != 200:
                    data = json.dumps({"error": {"message": f"no key {self.headers['authorization']}"}})
                self.send_response(provider.status)
                self.send_header("content-type", "text/event-stream")
                self.send_header("content-length", str(len(data.encode())))
                self.end_headers()
                whole = data.encode()
                first = whole[:whole.index(b"\n\n") + 2] if provider.pauses.is_set() else b""
                self.wfile.write(first)
                self.wfile.flush()
                if first:
                    provider.released.wait(60)
                self.wfile.write(whole[len(first):])

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.environment = {"OPENAI_BASE_URL": f"http://127.0.0.1:{self.server.server_port}/v1", "OPENAI_API_KEY": KEY}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A server of a test's own."""
    found = Provider()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An experience that asks twice."""
    (tmp_path / "asks").mkdir()
    (tmp_path / "asks" / "experience.yaml").write_text(EXPERIENCE, encoding="utf-8")
    return tmp_path / "asks"


def everything_below(folder: Path) -> str:
    """What stands in all files, names too."""
    return "\n".join(str(path) + path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("status", [200, 401])
def test_no_key_and_no_secret_is_left_anywhere(program: Program, provider: Provider, folder: Path, status: int) -> None:
    provider.status = status
    result = program.run("run", folder, "--arg", "token=env:TOKEN_VALUE", "--record", folder / "record.jsonl", "--log-prompts",
                         env={**provider.environment, "TOKEN_VALUE": SECRET})
    assert result.exit_code == (0 if status == 200 else 1), result.stderr
    assert provider.asked[0][0] == f"Bearer {KEY}"
    assert SECRET in provider.asked[0][1]["messages"][-1]["content"]
    left = everything_below(folder) + result.stdout + result.stderr
    assert "record.jsonl" in left
    for planted in (KEY, SECRET):
        assert planted not in left


def test_what_was_recorded_is_replayed_without_a_key(program: Program, provider: Provider, folder: Path) -> None:
    arguments = ("run", folder, "--arg", f"token={SECRET}", "--json")
    program.run(*arguments, "--record", folder / "record.jsonl", env=provider.environment)
    again = program.run(*arguments, "--replay", folder / "record.jsonl")
    assert again.json()["state"] == {"first": "fine", "second": "fine"}
    assert "answers are replayed from" in again.stderr
    assert len(provider.asked) == 2


def test_equal_questions_are_replayed_with_the_answers_that_each_of_them_got(program: Program, tmp_path: Path) -> None:
    ask = "{id: ask, kind: agent, prompt: Say a number, llm: {provider: replay}, writes: [said]"
    state = "state: {schema: {said: {type: array, merge: array_append}}}"
    write_experience(tmp_path, f"""
        name: twins
        version: 1.0.0
        {state}
        graph: {{nodes: [{ask}, for_each: {{source: [1, 1]}}}},
            {{id: other, kind: experience, impl: ./other, outputs: {{said: said}}, writes: [said], needs: [ask]}}]}}
        """)
    write_experience(tmp_path / "other", f"""
        name: other
        version: 1.0.0
        {state}
        graph: {{nodes: [{ask}, for_each: {{source: [1]}}}}]}}
        """)
    request = {"system": "", "messages": [{"role": "user", "text": "Say a number"}]}
    exchanges = [{"slot": slot, "request": request, "answer": {"text": f"for {slot}"}}
                 for slot in ("ask[0]", "ask[1]", "other/ask[0]")]
    (tmp_path / "recording.jsonl").write_text("\n".join(map(json.dumps, [{"oe_recording": 1}, *exchanges])))
    for cached in (False, True):
        result = program.run("run", tmp_path, "--json").json()
        assert result["state"] == {"said": ["for ask[0]", "for ask[1]", "for other/ask[0]"]}
        assert [node["cached"] for node in result["nodes"]] == [cached, cached]
    assert {node["action"] for node in program.run("plan", tmp_path, "--json").json()["nodes"]} == {"cached"}


CACHED = """
name: keeps
version: 1.0.0
state: {schema: {first: {type: string}, second: {type: string}}}
graph:
  nodes:
    - {id: one, kind: agent, prompt: Hi, writes: [first]}
    - {id: two, kind: agent, prompt: Ho, MORE, writes: [second]}
runtime: {llm: {provider: openai, model: stand-in}}
"""


def test_only_what_can_change_an_answer_is_a_part_of_its_key(program: Program, provider: Provider, tmp_path: Path) -> None:
    def planned(more: str) -> list[str]:
        write_experience(tmp_path, CACHED.replace("MORE", more))
        nodes = program.run("plan", tmp_path, "--json", env=provider.environment).json()["nodes"]
        return [node["reason"] if node["action"] == "run" else node["action"] for node in nodes]

    write_experience(tmp_path, CACHED.replace("MORE", "max_tokens: 50"))
    assert program.run("run", tmp_path, env=provider.environment).exit_code == 0
    assert planned("llm: {idle_timeout: 9s, tries: 2, concurrency: 1, max_tokens: 50}, repair: 3") == ["cached", "cached"]
    assert planned("max_tokens: 50, llm: {provider: openai, model: stand-in}") == ["cached", "cached"]
    for change in ("max_tokens: 51", "max_tokens: 50, temperature: 0.5", "max_tokens: 50, model: other"):
        assert planned(change) == ["cached", "changed: model"]
    assert planned("max_tokens: 50, system: Be brief") == ["cached", "changed: spec"]


def test_a_nested_experience_asks_by_its_own_settings_and_its_own_recording(program: Program, provider: Provider,
                                                                            tmp_path: Path) -> None:
    ask = "{id: ask, kind: agent, prompt: Say it, writes: [said]}"
    for folder, llm, more in ((tmp_path, "provider: openai, model: outer", ", {id: inner, kind: experience, impl: ./own}, "
                               "{id: other, kind: experience, impl: ./none}"),
                              (tmp_path / "own", "provider: replay", ""), (tmp_path / "none", "max_tokens: 7", "")):
        write_experience(folder, f"""
            name: nests
            version: 1.0.0
            state: {{schema: {{said: {{type: string}}}}}}
            graph: {{nodes: [{ask}{more}]}}
            runtime: {{llm: {{{llm}}}}}
            """)
    exchange = {"slot": "ask", "request": {"system": "", "messages": [{"role": "user", "text": "Say it"}]},
                "answer": {"text": "replayed"}}
    (tmp_path / "own/recording.jsonl").write_text('{"oe_recording": 1}\n' + json.dumps(exchange))
    assert program.run("run", tmp_path / "own", "--json").json()["state"] == {"said": "replayed"}
    done = program.run("run", tmp_path, "--json", env=provider.environment)
    assert done.exit_code == 0, done.stderr
    assert [(body["model"], body["max_tokens"]) for _, body in provider.asked] == [("outer", 8192), ("outer", 7)]
    assert done.json()["totals"]["calls"] == 3
    assert {node["action"] for node in program.run("plan", tmp_path, "--json", env=provider.environment).json()["nodes"]} == {"cached"}
    program.run("run", tmp_path, "--llm", "openai:flag", "--no-cache", env=provider.environment)
    assert [body["model"] for _, body in provider.asked[2:]] == ["flag"] * 3


@pytest.mark.parametrize(("llm", "message"), [
    ("{provider: replay}", "there is no recording"),
    ("{provider: replay, base_url: ../elsewhere.jsonl}", "path '../elsewhere.jsonl' leads outside the experience's folder"),
    ("{provider: opnai, model: x}", "there is no provider 'opnai'"),
    ("{provider: openai, model: x, base_url: 'http://user:secret@host/v1'}", "holds a user name or password"),
])
def test_validation_sees_models_that_can_never_answer(program: Program, folder: Path, llm: str, message: str) -> None:
    text = EXPERIENCE.replace("{provider: openai, model: stand-in}", llm)
    (folder / "experience.yaml").write_text(text, encoding="utf-8")
    result = program.run("validate", folder)
    assert result.exit_code == 3
    assert message in result.stdout
    assert "experience.yaml:10:7: error: node 'one'" in result.stdout


def test_a_spent_budget_ends_with_its_own_code_and_goes_on_with_more(program: Program, provider: Provider, folder: Path) -> None:
    given = ("--arg", f"token={SECRET}", "--json")
    first = program.run("run", folder, *given, "--budget", "calls=1", env=provider.environment)
    assert (first.exit_code, first.json()["reason"]) == (7, "budget")
    kept = program.run("resume", folder, *given, env=provider.environment)
    assert kept.exit_code == 7, "the budget of the run stays"
    done = program.run("resume", folder, *given, "--budget", "calls=2", env=provider.environment)
    assert (done.exit_code, done.json()["totals"]["calls"], len(provider.asked)) == (0, 2, 2)
    assert done.json()["totals"]["tokens_in"] == 60


def test_a_plan_says_what_calls_may_cost_at_most_and_asks_nobody(program: Program, provider: Provider, folder: Path) -> None:
    prices = folder / "prices.json"
    prices.write_text('{"models": {"stand-in": {"input": 1, "output": 2}}}', encoding="utf-8")
    environment = {**provider.environment, "OE_PRICES": str(prices)}
    plan = program.run("plan", folder, "--arg", f"token={SECRET}", "--json", env=environment).json()
    assert [node["action"] for node in plan["nodes"]] == ["run", "unknown"]
    assert plan["estimate"]["calls"] == 2
    assert plan["estimate"]["at_least"] is True
    assert 50 < plan["estimate"]["tokens"] < 200
    assert 0.0001 < plan["estimate"]["usd"] < 0.001
    assert not provider.asked


def test_a_plan_of_very_long_answers_that_may_be_sent_back_often_takes_no_room(program: Program, tmp_path: Path) -> None:
    write_experience(tmp_path, """
        name: long
        version: 1.0.0
        state: {schema: {o: {type: string}}}
        graph:
          nodes:
            - {id: ask, kind: agent, prompt: Hi, llm: {model: m, base_url: "http://127.0.0.1:9"}, max_tokens: 1000000000,
               repair: 100, schema: {type: object, properties: {o: {type: string}}}, writes: [o]}
        """)
    plan = program.run("plan", tmp_path, "--json", env={"OPENAI_API_KEY": "key-value-1"}).json()["estimate"]
    assert plan["calls"] == 101
    assert plan["tokens"] > sum(range(102)) * 1e9  # every answer, and all before it sent back


@pytest.mark.parametrize(("reserve", "estimate", "line"), [
    ("{usd: 0.5, tokens: 9000}", (2, 18000, 1.0, False), "at most 2 calls, 18,000 tokens, $1.0000"),
    ("{usd: 0.5}", (2, 0, 1.0, True), "at least 2 calls, $1.0000: the rest is not known yet"),
    ("{calls: 1}", (2, 0, None, True), "at least 2 calls: the rest is not known yet"),
])
def test_a_plan_counts_agent_programs_with_their_reserve(program: Program, tmp_path: Path, reserve: str,
                                                         estimate: tuple[Any, ...], line: str) -> None:
    write_experience(tmp_path, f"""
        name: programs
        version: 1.0.0
        graph:
          nodes:
            - {{id: ask, kind: cli-agent, command: [cat], prompt: Hi, for_each: {{source: [1, 2]}}, reserve: {reserve}}}
        """)
    plan = program.run("plan", tmp_path, "--json").json()["estimate"]
    assert (plan["calls"], plan["tokens"], plan["usd"], plan["at_least"]) == estimate
    assert program.run("plan", tmp_path).stdout.splitlines()[-1] == line


@pytest.mark.parametrize(("options", "message", "exit_code"), [
    (("--budget", "usd=1"), "model 'stand-in' of node 'one' has no known price", 3),
    (("--budget", "usd=-1"), "usd of a budget must be a positive number, found -1.0", 2),
    (("--budget", "dollars=1"), "a budget has no limit 'dollars'", 2),
    (("--llm", "antropic"), "--llm: there is no provider 'antropic'", 2),
    (("--record", "a", "--replay", "b"), "--record and --replay exclude each other", 2),
    (("--replay", "nowhere.jsonl"), "there is no recording 'nowhere.jsonl'", 5),
    (("--replay", "."), "cannot read the recording '.': is a directory", 2),
    (("--record", "no/where.jsonl"), "cannot write the recording 'no/where.jsonl': no such file or directory", 2),
])
def test_what_cannot_be_run_is_refused_before_anything_is_created(program: Program, folder: Path, options: tuple[str, ...],
                                                                   message: str, exit_code: int) -> None:
    text = EXPERIENCE.replace("runtime: {llm: {provider: openai, model: stand-in}}", "") if "--llm" in options else EXPERIENCE
    (folder / "experience.yaml").write_text(text, encoding="utf-8")
    result = program.run("run", folder, "--arg", f"token={SECRET}", *options)
    assert (result.exit_code, message in result.stderr) == (exit_code, True), result.stderr
    assert not (folder / ".openexpertise").exists()


def test_prompts_and_answers_are_in_the_log_only_where_they_are_wanted(program: Program, provider: Provider, folder: Path) -> None:
    def logged(*options: str) -> str:
        program.run("run", folder, "--arg", f"token={SECRET}", "--no-cache", *options, env=provider.environment)
        return program.run("inspect", "latest", "-e", folder, "--json").stdout

    assert "And again" not in logged()
    with_prompts = logged("--log-prompts")
    assert '"prompt":"Use [redacted] for 5 words"' in with_prompts.replace('": "', '":"')
    assert '"chunk":"fine"' in with_prompts.replace('": "', '":"')


def test_a_resumed_run_goes_on_with_the_models_that_it_was_begun_with(program: Program, provider: Provider, folder: Path) -> None:
    given = ("--arg", f"token={SECRET}", "--json")
    program.run("run", folder, *given, "--record", folder / "whole.jsonl", env=provider.environment)
    lines = (folder / "whole.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "half.jsonl").write_text("".join(lines[:2]), encoding="utf-8")
    assert program.run("run", folder, *given, "--replay", folder / "half.jsonl").exit_code == 8
    assert program.run("resume", folder, *given).exit_code == 8, "still replayed, from the same file"
    (folder / "half.jsonl").write_text("".join(lines), encoding="utf-8")
    assert program.run("resume", folder, *given).json()["state"] == {"first": "fine", "second": "fine"}
    assert len(provider.asked) == 2


def test_the_library_chooses_models_as_the_command_line_does(provider: Provider, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in provider.environment.items():
        monkeypatch.setenv(name, value)
    arguments: dict[str, Any] = {"args": {"token": SECRET}, "cache": False}
    assert asyncio.run(run_experience(folder, **arguments, record=str(folder / "r.jsonl"))).status == "success"
    assert asyncio.run(run_experience(folder, **arguments, replay=str(folder / "r.jsonl"))).status == "success"
    assert len(provider.asked) == 2
    limited = asyncio.run(run_experience(folder, **arguments, llm="openai:other", budget={"calls": 1}))
    assert (limited.reason, int(limited.exit_code), provider.asked[-1][1]["model"]) == ("budget", 7, "other")
    with pytest.raises(OeError, match="usd of a budget must be a positive number"):
        asyncio.run(run_experience(folder, **arguments, budget={"usd": 0}))


def test_a_call_that_a_kill_cut_off_counts_when_the_run_goes_on(program: Program, provider: Provider, folder: Path) -> None:
    provider.stalls.set()
    given = ("--arg", f"token={SECRET}", "--json")
    with program.start("run", folder, *given, "--budget", "calls=2", env=provider.environment) as process:
        try:
            assert provider.reached.wait(100)
        finally:
            process.kill()
            provider.stalls.clear()
            provider.released.set()
    resumed = program.run("resume", folder, *given, env=provider.environment)
    assert (resumed.exit_code, resumed.json()["reason"]) == (7, "budget"), "the call that was cut off is one of the two"
    assert resumed.json()["totals"]["calls"] == 1
    done = program.run("resume", folder, *given, "--budget", "calls=3", env=provider.environment)
    assert done.json()["state"] == {"first": "fine", "second": "fine"}
    assert len(provider.asked) == 3


def test_following_a_run_shows_what_models_say(program: Program, provider: Provider, folder: Path) -> None:
    provider.pauses.set()
    with program.start("run", folder, "--arg", f"token={SECRET}", env=provider.environment) as process:
        try:
            while not list((folder / ".openexpertise/runs").glob("*.jsonl")):
                assert process.poll() is None
            with program.start("inspect", "--follow", "-e", folder) as follower:
                assert follower.stdout is not None
                lines = iter(follower.stdout.readline, b"")
                said = next(line for line in lines if b"node.output" in line)
                provider.released.set()
                rest = follower.communicate(timeout=60)[0].decode()
        finally:
            provider.released.set()
            process.wait(60)
    assert said.decode().split()[1:3] == ["node.output", "one"] and "on a dark night on a dark" in said.decode()
    assert rest.splitlines()[-1].split()[1:] == ["run.finished", "status=success"]
