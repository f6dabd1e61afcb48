"""Coding agents as nodes: what their programs are given, and how what they print becomes a node's output."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from oe.errors import NodeError
from oe.kinds.cli_providers import PROVIDERS
from oe.ports.spending import Cost, Spent
from oe.values import Json
from tests.support import coding_clis
from tests.support.coding_clis import StandIns, lines
from tests.unit.kinds.attempts import Experiment

PROGRAMS = {"claude-code": "claude", "codex": "codex", "gemini": "gemini"}
SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a"]}


def session(provider: str, text: str, **members: Any) -> list[dict[str, Any]]:
    make: Any = {"claude-code": coding_clis.claude, "codex": coding_clis.codex, "gemini": coding_clis.gemini}[provider]
    events: list[dict[str, Any]] = make(text, **members)
    return events


@pytest.fixture
def programs(experiment: Experiment, tmp_path: Path) -> StandIns:
    made = StandIns(tmp_path / "bin")
    experiment.context.environment = {  # type: ignore[assignment]
        "PATH": f"{made.folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "HTTPS_PROXY": "http://p:1",
        "ANTHROPIC_API_KEY": "anthropic-key", "OPENAI_API_KEY": "openai-key", "CODEX_API_KEY": "codex-key",
        "GEMINI_API_KEY": "gemini-key", "DECLARED": "yes", "OTHER": "no"}
    return made


def ask(experiment: Experiment, **options: Json) -> Any:
    """What one attempt gives."""
    return experiment.run(kind="cli-agent", **{"prompt": "What is it?", **options})


def failure(experiment: Experiment, **options: Json) -> NodeError:
    with pytest.raises(NodeError) as caught:
        ask(experiment, **options)
    return caught.value


every_provider = pytest.mark.parametrize("provider", PROVIDERS)


class TestWhatAProgramIsGiven:
    @every_provider
    def test_the_prompt_comes_on_standard_input_and_never_as_an_argument(
            self, experiment: Experiment, programs: StandIns, provider: str) -> None:
        programs.says(PROGRAMS[provider], *session(provider, "fine"))
        experiment.write("prompts/ask.md", "Review {{ $args.given }} of {{ given[1] }}; `$(id)` é\n")
        ask(experiment, provider=provider, prompt="./prompts/ask.md")
        (seen,) = programs.seen(PROGRAMS[provider])
        assert seen.prompt == "Review [1,2] of 2; `$(id)` é\n"
        assert not any("Review" in word for word in seen.argv)

    @every_provider
    def test_the_schema_is_told_in_the_prompt(self, experiment: Experiment, programs: StandIns, provider: str) -> None:
        programs.says(PROGRAMS[provider], *session(provider, '{"a": 1}'))
        ask(experiment, provider=provider, schema=SCHEMA, writes=["a", "b"])
        prompt = programs.seen(PROGRAMS[provider])[0].prompt
        assert prompt.startswith("What is it?\n\n") and json.loads(prompt.splitlines()[-1]) == SCHEMA

    @pytest.mark.parametrize(("provider", "argv"), [
        ("claude-code", ["--print", "--output-format", "stream-json", "--verbose", "--model", "m", "--max-turns", "3"]),
        ("codex", ["exec", "--json", "--sandbox", "read-only", "--skip-git-repo-check", "--model", "m", "--max-turns",
                   "3", "-"]),
        ("gemini", ["--output-format", "stream-json", "--model", "m", "--max-turns", "3"]),
    ])
    def test_the_arguments_are_these_and_none_is_permissive(
            self, experiment: Experiment, programs: StandIns, provider: str, argv: list[str]) -> None:
        programs.says(PROGRAMS[provider], *session(provider, "fine"))
        ask(experiment, provider=provider, model="m", extra_args=["--max-turns", "3"])
        assert programs.seen(PROGRAMS[provider])[0].argv == argv

    @pytest.mark.parametrize("chosen", [["--sandbox", "workspace-write"], ["-s", "read-only"],
                                        ["-c", "x=1", "--sandbox=workspace-write"]])
    def test_a_sandbox_that_the_node_chooses_stands_alone(self, experiment: Experiment, programs: StandIns,
                                                          chosen: list[Json]) -> None:
        programs.says("codex", *coding_clis.codex("fine"))
        ask(experiment, provider="codex", extra_args=chosen)
        assert programs.seen("codex")[0].argv == ["exec", "--json", *chosen, "-"]

    @pytest.mark.parametrize(("provider", "keys"), [
        ("claude-code", {"ANTHROPIC_API_KEY"}), ("codex", {"OPENAI_API_KEY", "CODEX_API_KEY"}),
        ("gemini", {"GEMINI_API_KEY"}),
    ])
    def test_it_gets_its_own_keys_and_no_other_providers(self, experiment: Experiment, programs: StandIns,
                                                         provider: str, keys: set[str]) -> None:
        programs.says(PROGRAMS[provider], *session(provider, "fine"))
        ask(experiment, provider=provider, env=["DECLARED"])
        given = set(programs.seen(PROGRAMS[provider])[0].env)
        assert {name for name in given if not name.startswith(("OE_", "LC_"))} == {
            "PATH", "HOME", "HTTPS_PROXY", "DECLARED", *keys}

    def test_a_command_gets_no_key_at_all(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("mine", ("out", "fine"))
        ask(experiment, command=["mine", "$args.given[0]"], extra_args=["--last"])
        seen = programs.seen("mine")[0]
        assert not [name for name in seen.env if name.endswith("_KEY")]
        assert (seen.argv, seen.prompt) == (["1", "--last"], "What is it?\n")

    def test_it_works_in_the_experiences_folder_or_in_workdir(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("codex", *coding_clis.codex("fine"))
        (experiment.folder / "sub").mkdir()
        ask(experiment, provider="codex")
        ask(experiment, provider="codex", workdir="sub")
        assert [Path(seen.folder).name for seen in programs.seen("codex")] == ["experience", "sub"]

    def test_the_program_may_be_another(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("codex-next", *coding_clis.codex("fine")).rename(experiment.folder / "codex-next")
        (programs.folder / "codex-next.steps").rename(experiment.folder / "codex-next.steps")
        experiment.scope.args = {"given": "./codex-next"}
        assert ask(experiment, provider="codex", program="$args.given", writes=["b"]).state_delta == {"b": "fine"}


class TestAnswers:
    @every_provider
    def test_a_text_fills_the_one_field_and_the_edge(self, experiment: Experiment, programs: StandIns,
                                                     provider: str) -> None:
        programs.says(PROGRAMS[provider], *session(provider, "Two\nlines é\n"))
        output = ask(experiment, provider=provider, writes=["b"])
        assert (output.state_delta, output.edge_output) == ({"b": "Two\nlines é"}, "Two\nlines é")

    @every_provider
    @pytest.mark.parametrize("said", ['{"a": 4, "b": "x"}', '```json\n{"a": 4, "b": "x"}\n```',
                                      'Here it is:\n{"a": 4, "b": "x"}\nDone.',
                                      '<think>{"a": 9}</think>{"a": 4, "b": "x"}'])
    def test_an_object_is_what_the_node_writes_and_goes_whole_to_the_edge(
            self, experiment: Experiment, programs: StandIns, provider: str, said: str) -> None:
        programs.says(PROGRAMS[provider], *session(provider, said))
        output = ask(experiment, provider=provider, schema=SCHEMA, writes=["a", "b"])
        assert (output.state_delta, output.edge_output) == ({"a": 4, "b": "x"}, {"a": 4, "b": "x"})

    @every_provider
    @pytest.mark.parametrize(("said", "why"), [
        ('{"a": "four"}', "$.a: expected"), ("I would rather not.", "no JSON object"), ('{"a": 1e999}', "too large"),
        ('{"a": 4', "not valid"), ('{"a": 4, "rows": 1}', "$.rows: unknown key")])
    def test_what_breaks_the_schema_fails_and_can_be_tried_again(
            self, experiment: Experiment, programs: StandIns, provider: str, said: str, why: str) -> None:
        programs.says(PROGRAMS[provider], *session(provider, said))
        error = failure(experiment, provider=provider, schema=SCHEMA, writes=["a", "b"])
        assert (error.code, error.retryable) == ("invalid-answer", True) and why in error.message

    def test_json_without_a_schema_is_any_value(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("codex", *coding_clis.codex("[1, 2]"))
        assert ask(experiment, provider="codex", output="json", writes=["a"]).state_delta == {"a": [1, 2]}

    def test_a_schema_file_may_refer_to_another(self, experiment: Experiment, programs: StandIns) -> None:
        experiment.write("schemas/x.json", '{"type": "object", "properties": {"a": {"$ref": "./y.json"}}}')
        experiment.write("schemas/y.json", '{"type": "integer", "minimum": 5}')
        programs.says("codex", *coding_clis.codex('{"a": 4}'))
        assert "$.a" in failure(experiment, provider="codex", schema="schemas/x.json", writes=["a"]).message

    def test_the_last_of_several_messages_counts(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("codex", *coding_clis.codex("Let me look.", "It is fine."))
        programs.says("gemini", *coding_clis.gemini("It is ", "fine."))
        for provider in ("codex", "gemini"):
            assert ask(experiment, provider=provider).edge_output == "It is fine."

    def test_an_object_that_the_program_has_read_itself_counts_more_than_its_text(
            self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("claude", *coding_clis.claude("see the object", structured_output={"a": 5}))
        assert ask(experiment, provider="claude-code", schema=SCHEMA, writes=["a", "b"]).state_delta == {"a": 5}


class TestCommands:
    @pytest.mark.parametrize("printed", [
        lines(*coding_clis.claude("fine")), json.dumps(coding_clis.claude("fine")[-1]),
        json.dumps(coding_clis.claude("fine"), indent=2), lines(*coding_clis.codex("fine")),
        lines(*coding_clis.gemini("fine")),
        json.dumps({"session_id": "s", "response": "fine", "stats": {"models": {"g": {"tokens": {
            "prompt": 10, "candidates": 2, "cached": 4}}}}}, indent=2),
        "a banner\n" + lines(*coding_clis.codex("fine")),
    ])
    def test_events_and_envelopes_of_a_known_agent_are_understood(
            self, experiment: Experiment, programs: StandIns, printed: str) -> None:
        programs.script("mine", ("out", printed))
        output = ask(experiment, command=["mine"], output="events", writes=["b"])
        assert output.state_delta == {"b": "fine"}
        assert experiment.context.bills[0].settled[0].output_tokens in {60, 8, 40, 2}

    def test_the_answer_in_events_may_have_a_schema(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("mine", ("out", lines(*coding_clis.codex('```json\n{"a": 4}\n```'))))
        assert ask(experiment, command=["mine"], output="events", schema=SCHEMA,
                   writes=["a", "b"]).state_delta == {"a": 4}

    def test_a_text_is_what_is_printed(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("mine", ("out", '{"type": "result", "is_error": false, "result": "x"}\n'))
        assert ask(experiment, command=["mine"], writes=["b"]).state_delta == {
            "b": '{"type": "result", "is_error": false, "result": "x"}'}

    def test_json_printed_twice_is_the_last_that_fits(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("mine", ("out", '{"a": 1}\n{"a": 2}\n'))
        assert ask(experiment, command=["mine"], schema=SCHEMA, writes=["a", "b"]).state_delta == {"a": 2}

    def test_what_is_nobodys_events_is_refused(self, experiment: Experiment, programs: StandIns) -> None:
        programs.script("mine", ("out", '{"answer": 4}\n'))
        error = failure(experiment, command=["mine"], output="events")
        assert (error.code, error.hint) == ("agent-garbled", "say output: text or output: json")


class TestFigures:
    @pytest.mark.parametrize(("provider", "spent"), [
        ("claude-code", Spent(3204, 60, 0.0125, "claude-x")), ("codex", Spent(27365, 8)),
        ("gemini", Spent(1000, 40, None, "gemini-2.5-flash"))])
    def test_tokens_and_cost_are_those_that_the_program_tells(
            self, experiment: Experiment, programs: StandIns, provider: str, spent: Spent) -> None:
        programs.says(PROGRAMS[provider], *session(provider, "fine"))
        ask(experiment, provider=provider)
        (bill,) = experiment.context.bills
        assert (bill.worst, bill.settled) == (Cost(calls=1), [spent])

    def test_a_failed_session_is_counted_too(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("claude", *coding_clis.claude("API Error", is_error=True))
        failure(experiment, provider="claude-code")
        assert experiment.context.bills[0].settled == [Spent(3204, 60, 0.0125, "claude-x")]

    def test_what_is_not_told_counts_as_reserved(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("codex", *coding_clis.codex("fine"))
        programs.says("claude", *coding_clis.claude("fine", usage=None, total_cost_usd="much"))
        ask(experiment, provider="codex", reserve={"usd": 0.5, "tokens": 90})
        ask(experiment, provider="claude-code", reserve={"usd": 0.5, "tokens": 90})
        told, untold = experiment.context.bills
        assert told.worst == untold.worst == Cost(0.5, 90, 1)
        assert (told.settled, untold.settled, untold.is_forgotten) == ([Spent(27365, 8, 0.5)], [], False)

    def test_figures_beyond_all_measure_count_as_not_told(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("claude", *coding_clis.claude(
            "fine", usage={"input_tokens": 10**30, "output_tokens": 7}, total_cost_usd=10**400))
        ask(experiment, provider="claude-code", reserve={"usd": 0.5})
        assert experiment.context.bills[0].settled == [Spent(0, 7, 0.5, "claude-x")]

    def test_a_program_that_is_not_there_costs_nothing(self, experiment: Experiment, programs: StandIns) -> None:
        failure(experiment, command=["no-such-agent"])
        assert experiment.context.bills[0].is_forgotten

    @pytest.mark.parametrize(("provider", "activity"), [
        ("claude-code", "Bash: ls -la"), ("codex", "command execution: /bin/bash -lc 'echo from-codex; pwd'"),
        ("gemini", "run_shell_command: ls")])
    def test_what_it_does_is_told_but_not_what_it_says(self, experiment: Experiment, programs: StandIns, provider: str,
                                                       activity: str) -> None:
        programs.says(PROGRAMS[provider], *session(provider, "the very answer"))
        ask(experiment, provider=provider)
        assert activity in experiment.context.log_text and experiment.context.activities
        assert "the very answer" not in " ".join([*experiment.context.activities, experiment.context.log_text])


class TestKeys:
    def materials(self, experiment: Experiment, **options: Json) -> set[str]:
        node = experiment.node(kind="cli-agent", **{"prompt": "Hi", **options})
        from tests.unit.kinds.attempts import KIND_OF

        return set(KIND_OF["cli-agent"].materials(node, experiment.scope, experiment.files))

    def test_files_of_prompt_schema_and_command_are_part_of_the_key(self, experiment: Experiment) -> None:
        experiment.write("ask.md", "Hi")
        experiment.write("x.json", '{"type": "object", "properties": {"a": {"$ref": "./y.json"}}}')
        experiment.write("y.json", "{}")
        experiment.write("agent.sh", "#!/bin/sh\n")
        assert self.materials(experiment, prompt="ask.md", schema="x.json", writes=["a"],
                              command=["./agent.sh", "ask.md", "--fast"]) == {"ask.md", "x.json", "./y.json", "./agent.sh"}

    def test_so_is_a_program_that_is_a_file(self, experiment: Experiment) -> None:
        experiment.write("agent.sh", "#!/bin/sh\n")
        assert self.materials(experiment, provider="codex", program="./agent.sh") == {"./agent.sh"}

    def test_what_is_used_is_what_was_digested(self, experiment: Experiment, programs: StandIns) -> None:
        programs.says("codex", *coding_clis.codex("fine"))
        experiment.write("ask.md", "before")
        self.materials(experiment, prompt="ask.md", provider="codex")
        experiment.write("ask.md", "after")
        ask(experiment, prompt="ask.md", provider="codex")
        assert programs.seen("codex")[0].prompt == "before\n"

    def test_nothing_is_cached_unless_the_node_says_so(self, experiment: Experiment) -> None:
        from tests.unit.kinds.attempts import KIND_OF

        assert not KIND_OF["cli-agent"].is_cached_by_default(experiment.node(kind="cli-agent", prompt="x",
                                                                            provider="codex"))
