"""Coding agents that go wrong: what the node says then, whether it is worth another try, and what is left running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oe.errors import NodeError
from oe.kinds import cli_agent_session
from oe.ports.process import Command, Exit
from oe.values import Json
from tests.support import coding_clis, jump_loop
from tests.support.coding_clis import StandIns, lines
from tests.unit.kinds.attempts import Experiment
from tests.unit.net.children import is_alive


@pytest.fixture
def programs(experiment: Experiment, tmp_path: Path) -> StandIns:
    made = StandIns(tmp_path / "bin")
    experiment.context.environment = {"PATH": f"{made.folder}{os.pathsep}{os.environ['PATH']}"}
    return made


def ask(experiment: Experiment, **options: Json) -> Any:
    return experiment.run(kind="cli-agent", **{"prompt": "What is it?", **options})


def failure(experiment: Experiment, **options: Json) -> NodeError:
    with pytest.raises(NodeError) as caught:
        ask(experiment, **options)
    return caught.value


class TestMissing:
    @pytest.mark.parametrize(("provider", "program", "install"), [
        ("claude-code", "claude", "npm install -g @anthropic-ai/claude-code"),
        ("codex", "codex", "npm install -g @openai/codex"),
        ("gemini", "gemini", "npm install -g @google/gemini-cli")])
    def test_a_provider_that_is_not_installed_is_named_with_how_to_get_it(
            self, experiment: Experiment, tmp_path: Path, provider: str, program: str, install: str) -> None:
        experiment.context.environment = {"PATH": str(tmp_path)}
        error = failure(experiment, provider=provider)
        assert (error.message, error.hint, error.retryable) == (
            f"program '{program}' is not on the PATH", f"install it: {install}", False)

    def test_a_command_that_is_not_there_is_named(self, experiment: Experiment) -> None:
        error = failure(experiment, command=["no-such-agent"])
        assert error.message == "program 'no-such-agent' is not on the PATH" and not error.retryable


class TestWhatAProgramSaysOfItsFailure:
    @pytest.mark.parametrize(("message", "code", "retryable"), [
        ("Invalid API key · Please run /login", "agent-denied", False),
        ("Not logged in · Please run /login", "agent-denied", False),
        ("Credit balance is too low", "agent-denied", False),
        ('API Error: 401 {"type":"error","error":{"type":"authentication_error"}}', "agent-denied", False),
        ('API Error: 429 {"type":"error","error":{"type":"rate_limit_error"}}', "agent-busy", True),
        ("API Error (529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}})", "agent-busy", True),
        ("Claude AI usage limit reached|1753088400", "agent-busy", True),
        ("You've hit your limit · resets 3pm", "agent-busy", True),
        ("API Error: Connection error.", "agent-failed", True),
    ])
    @pytest.mark.parametrize("code_of_exit", [0, 1])
    def test_claude_code(self, experiment: Experiment, programs: StandIns, message: str, code: str, retryable: bool,
                         code_of_exit: int) -> None:
        programs.says("claude", *coding_clis.claude(message, is_error=True), code=code_of_exit)
        error = failure(experiment, provider="claude-code")
        assert (error.code, error.retryable) == (code, retryable)
        assert error.message == f"'claude' failed: {message}"
        assert (error.hint is not None and "run 'claude' once" in error.hint) is (code == "agent-denied")

    def test_claude_code_that_reached_its_own_bound_would_reach_it_again(self, experiment: Experiment,
                                                                         programs: StandIns) -> None:
        programs.says("claude", *coding_clis.claude(None, subtype="error_max_turns", is_error=True,
                                                    errors=["Reached maximum number of turns (3)"]), code=1)
        error = failure(experiment, provider="claude-code")
        assert (error.message, error.retryable) == ("'claude' failed: Reached maximum number of turns (3)", False)

    @pytest.mark.parametrize(("message", "code", "retryable"), [
        ("exceeded retry limit, last status: 429 Too Many Requests, request id: req-1", "agent-busy", True),
        ("unexpected status 401 Unauthorized: bad key, url: http://127.0.0.1/v1/responses", "agent-denied", False),
        ("unexpected status 404 Not Found: The model `gpt-x` does not exist", "agent-failed", False),
        ("stream disconnected before completion", "agent-failed", True),
    ])
    def test_codex(self, experiment: Experiment, programs: StandIns, message: str, code: str, retryable: bool) -> None:
        programs.says("codex", *coding_clis.codex_failure(message), code=1)
        error = failure(experiment, provider="codex")
        assert (error.message, error.code, error.retryable) == (f"'codex' failed: {message}", code, retryable)

    def test_codex_that_got_over_its_trouble_has_not_failed(self, experiment: Experiment, programs: StandIns) -> None:
        trouble = {"type": "error", "message": "Reconnecting... 2/5 (stream disconnected before completion)"}
        programs.says("codex", trouble, *coding_clis.codex("fine"))
        assert ask(experiment, provider="codex").edge_output == "fine"

    def test_gemini_in_its_stream(self, experiment: Experiment, programs: StandIns) -> None:
        message = '[API Error: {"error":{"code":401,"message":"bad key","status":"authentication_error"}}]'
        programs.says("gemini", *coding_clis.gemini(status="error", error={"type": "unknown", "message": message}),
                      code=145)
        error = failure(experiment, provider="gemini")
        assert (error.code, error.retryable) == ("agent-denied", False) and message in error.message

    @pytest.mark.parametrize(("exit_code", "said", "code", "hint"), [
        (41, "When using Gemini API, you must specify the GEMINI_API_KEY environment variable.", "agent-denied",
         "set GEMINI_API_KEY"),
        (55, "\x1b[31mGemini CLI is not running in a trusted directory.\x1b[0m", "agent-denied", "--skip-trust"),
        (1, "Unknown argument: nope", "agent-failed", None),
    ])
    def test_gemini_that_does_not_even_begin(self, experiment: Experiment, programs: StandIns, exit_code: int,
                                             said: str, code: str, hint: str | None) -> None:
        programs.script("gemini", ("err", said + "\n"), ("exit", exit_code))
        error = failure(experiment, provider="gemini")
        assert (error.code, error.retryable) == (code, False)
        assert (error.hint is None) is (hint is None) and (hint or "") in (error.hint or "")
        assert f"exit code {exit_code}" in error.message and "\x1b" not in error.message

    def test_an_argument_that_codex_does_not_know(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("codex", ("err", "error: unexpected argument '--nope' found\n"), ("exit", 2))
        error = failure(experiment, provider="codex", extra_args=["--nope"])
        assert not error.retryable and "unexpected argument '--nope' found" in error.message

    @pytest.mark.parametrize("form", ["text", "events"])
    def test_a_command_that_fails_says_its_last_words(self, experiment: Experiment, programs: StandIns,
                                                      form: str) -> None:
        programs.script("mine", ("out", "half an answer"), ("err", "no more tea\n"), ("exit", 3))
        error = failure(experiment, command=["mine"], output=form)
        assert error.message == "'mine' ended with exit code 3: no more tea" and error.retryable

    def test_one_that_is_killed(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("codex", ("out", lines(*coding_clis.codex("fine"))), ("kill", int(signal.SIGKILL)))
        assert "was killed by SIGKILL" in failure(experiment, provider="codex").message


class TestStreams:
    @pytest.mark.parametrize("events", [coding_clis.claude("fine")[:-1], [], coding_clis.claude("fine")[:1]])
    def test_one_that_breaks_off_is_no_answer(self, experiment: Experiment, programs: StandIns,
                                              events: list[Any]) -> None:
        programs.script("claude", ("out", lines(*events)), ("err", "socket hang up\n"))
        error = failure(experiment, provider="claude-code")
        assert (error.message, error.code, error.retryable) == (
            "the events of 'claude' break off before its answer: socket hang up", "agent-cut", True)

    def test_half_of_the_last_line_is_no_answer(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("claude", ("out", lines(*coding_clis.claude("fine"))[:-20]))
        assert failure(experiment, provider="claude-code").code == "agent-cut"

    def test_lines_in_pieces_and_without_end_are_put_together(self, experiment: Experiment,
                                                              programs: StandIns) -> None:
        whole = lines(*coding_clis.claude("f\u00efne"))[:-1].encode()
        pieces = [("bytes", whole[at:at + 7].hex()) for at in range(0, len(whole), 7)]
        programs.script("claude", *pieces)
        assert ask(experiment, provider="claude-code").edge_output == "f\u00efne"

    def test_noise_between_events_goes_to_the_log(self, experiment: Experiment, programs: StandIns) -> None:
        noise = [("out", "A new version is there!\n{not json}\n[1]\nnull\n"), ("bytes", b"\xff\xfe\x00noise\r\n".hex()),
                 ("err", "Warning: 256-color support not detected.\n"), ("out", "{" * 5000 + "\n")]
        programs.script("gemini", *noise, ("out", lines(*coding_clis.gemini("fine"))), *noise)
        assert ask(experiment, provider="gemini").edge_output == "fine"
        assert "A new version is there!" in experiment.context.log_text
        assert "256-color" in experiment.context.log_text

    def test_what_is_no_utf8_in_an_event_is_replaced(self, experiment: Experiment, programs: StandIns) -> None:
        data = lines(*coding_clis.codex("fine")).encode().replace(b"from-codex\\n", b"\xff\xfe")
        assert b"\xff" in data
        programs.script("codex", ("bytes", data.hex()))
        assert ask(experiment, provider="codex").edge_output == "fine"

    @pytest.mark.parametrize("event", [
        {"type": "assistant"}, {"type": "assistant", "message": [1]}, {"type": "result", "usage": 3},
        {"type": ["result"]}, {"type": "item.completed", "item": None}, {"type": "turn.failed", "error": "x"},
        {"type": "message", "role": "assistant", "content": {}}, {"type": "tool_use", "parameters": 1}, {},
        {"type": "result", "stats": [], "status": 1}, {"type": "assistant", "message": {"content": [
            {"type": "tool_use", "name": {}, "input": {"command": []}}, 1, None]}}])
    @pytest.mark.parametrize(("provider", "program"), [("claude-code", "claude"), ("codex", "codex"),
                                                       ("gemini", "gemini")])
    def test_events_of_another_form_than_documented_are_passed_over(
            self, experiment: Experiment, programs: StandIns, provider: str, program: str, event: Any) -> None:
        make: Any = {"claude": coding_clis.claude, "codex": coding_clis.codex, "gemini": coding_clis.gemini}[program]
        programs.says(program, event, *make("fine"))
        assert ask(experiment, provider=provider).edge_output == "fine"

    def test_a_result_that_comes_twice_is_the_last(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("claude", *coding_clis.claude("first", is_error=True), coding_clis.claude("second")[-1])
        assert ask(experiment, provider="claude-code").edge_output == "second"

    @pytest.mark.parametrize("said", ["", " \n", None])
    def test_no_answer_is_a_failure(self, experiment: Experiment, programs: StandIns, said: str | None) -> None:
        programs.says("claude", *coding_clis.claude(said))
        error = failure(experiment, provider="claude-code")
        assert error.message == "'claude' ended without an answer" and error.retryable

    def test_a_command_that_prints_nothing_or_no_utf8(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("mine", ("exit", 0))
        assert failure(experiment, command=["mine"]).message == "'mine' ended without an answer"
        programs.script("mine", ("bytes", "61ff"))
        assert failure(experiment, command=["mine"]).message == "'mine' printed no UTF-8: byte 0xff at offset 1"


class TestBounds:
    @pytest.mark.parametrize("line", ["x" * 5000, "no line end", json.dumps({"type": "item.started"}) + "\n"])
    @pytest.mark.parametrize("options", [{"provider": "codex"}, {"command": ["codex"]}])
    def test_output_without_end_is_ended(self, experiment: Experiment, programs: StandIns, line: str,
                                         options: dict[str, Json], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cli_agent_session, "MOST_OUTPUT_BYTES", 300_000)
        programs.script("codex", ("flood", line))
        error = failure(experiment, **options)
        assert (error.code, error.retryable) == ("output-too-long", False)

    def test_a_flood_on_standard_error_does_not_stop_it(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("codex", ("err", "noise\n" * 100_000), ("out", lines(*coding_clis.codex("fine"))))
        assert ask(experiment, provider="codex").edge_output == "fine"

    def test_a_long_answer_comes_whole(self, experiment: Experiment, programs: StandIns) -> None:
        text = "0123456789" * 300_000
        programs.says("claude", *coding_clis.claude(text))
        assert ask(experiment, provider="claude-code").edge_output == text

    def test_a_long_prompt_that_is_not_read_hinders_nothing(self, experiment: Experiment, programs: StandIns) -> None:
        experiment.scope.args = {"given": "x" * 3_000_000}
        assert ask(experiment, command=["echo", "fine"], prompt="{{ $args.given }}").edge_output == "fine"


class Silent:
    """A ProcessRunner whose program says one thing and then waits for ever."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def run(self, command: Command, on_stdout: Callable[[bytes], None], on_stderr: Callable[[bytes], None],
                  on_message: Callable[[bytes], None] | None = None) -> Exit:
        on_stdout(self._said)
        await asyncio.sleep(1e5)
        return Exit(0)

    def close(self) -> None:
        """Nothing."""


class TestTime:
    def test_one_that_waits_for_ever_is_given_ten_minutes(self, experiment: Experiment) -> None:
        said = {"type": "error", "message": "Reconnecting... waiting for network"}
        experiment.context.processes = Silent(lines(said).encode())  # type: ignore[assignment]
        node, executor = experiment.executor(kind="cli-agent", prompt="x", provider="codex")

        async def main() -> float:
            with pytest.raises(NodeError) as caught:
                await executor.execute(experiment.request(node), experiment.context)
            assert (caught.value.name, caught.value.code, caught.value.retryable) == ("TimeoutError", "timeout", True)
            assert caught.value.message == (
                "timeout: 'codex' took longer than 10:00: Reconnecting... waiting for network")
            return asyncio.get_running_loop().time()

        assert jump_loop.run(main()) == 600

    def test_a_timeout_of_the_node_is_the_engines(self, experiment: Experiment) -> None:
        experiment.context.processes = Silent(b"")  # type: ignore[assignment]
        node, executor = experiment.executor(kind="cli-agent", prompt="x", provider="codex", timeout="2h")

        async def main() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(7200):
                    await executor.execute(experiment.request(node), experiment.context)
            assert asyncio.get_running_loop().time() == 7200

        jump_loop.run(main())

    @pytest.mark.parametrize("stubborn", [False, True])
    def test_one_that_is_cancelled_is_ended_with_all_that_it_started(self, experiment: Experiment,
                                                                     programs: StandIns, stubborn: bool) -> None:
        child = experiment.folder / "child"
        steps = [("ignore TERM", None)] if stubborn else []
        programs.script("codex", *steps, ("leave a child", str(child)), ("err", "ready\n"), ("hang", None))
        node, executor = experiment.executor(kind="cli-agent", prompt="x", provider="codex")

        async def main() -> None:
            ready = asyncio.Event()
            experiment.context.log = lambda text: ready.set()  # type: ignore[method-assign]
            attempt = asyncio.create_task(executor.execute(experiment.request(node), experiment.context))
            await asyncio.wait_for(ready.wait(), 60)
            while not attempt.done():  # the second time without grace
                attempt.cancel()
                await asyncio.wait((attempt,), timeout=0.05 if stubborn else 60)
            assert attempt.cancelled()

        asyncio.run(main())
        assert not is_alive(int((programs.folder / "codex.pid").read_text()))
        assert not is_alive(int(child.read_text()))

    def test_what_it_leaves_behind_is_ended_too(self, experiment: Experiment, programs: StandIns) -> None:
        child = experiment.folder / "child"
        programs.script("codex", ("leave a child", str(child)), ("out", lines(*coding_clis.codex("fine"))))
        assert ask(experiment, provider="codex").edge_output == "fine"
        assert not is_alive(int(child.read_text()))
