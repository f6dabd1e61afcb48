"""Nodes that ask models: prompts, answers of both forms, repair turns, keys, streams, and what it all costs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from oe.llm.limiter import Limiters
from oe.llm.memory import MemoryModel
from oe.llm.retrying import Retrying
from oe.ports.model import Answer, CallWatch, Message, ModelCall, ModelError, Usage
from oe.render.tree import render_tree
from oe.store.memory_cache import MemoryCache
from tests.support.scenario import FilesInMemory, Scenario, fails, gives

ASKED = """
args: {{topic: {{type: string}}}}
state: {{schema: {{verdict: {{type: string}}, score: {{type: integer}}, notes: {{type: array, merge: array_append}},
                  topic: {{type: string}}, draft: {{type: string, default: a draft}}}}}}
graph:
  nodes:
    - {{id: ask, kind: agent, {node}}}
"""
SCHEMA = "schema: {type: object, properties: {score: {type: integer}}, required: [score]}, writes: [score]"


def asked(node: str, *answers: str | Answer | ModelError, files: dict[str, str] | None = None) -> Scenario:
    return Scenario(ASKED.format(node=node), files=files, model=MemoryModel(answers or ("ok",)))


def test_a_text_goes_into_the_one_field_and_on_to_successors() -> None:
    scenario = asked("prompt: How is it?, writes: [verdict]", "<think>hm</think>\nAll is well.\n")
    assert scenario.run().state["verdict"] == "All is well."
    assert scenario.model.calls[0].messages == (Message("user", "How is it?"),)


def test_a_text_is_appended_as_one_element() -> None:
    assert asked("prompt: Note?, writes: [notes]", "one").run().state["notes"] == ["one"]


def test_an_object_becomes_the_writes_and_the_edge_output() -> None:
    scenario = Scenario(ASKED.format(node="prompt: Rate it, " + SCHEMA) + "    - {id: after, kind: step, needs: [ask],"
                        " args: {seen: $inputs.ask.score}, writes: [draft]}\n", {"after": gives({"draft": "done"})},
                        model=MemoryModel(['```json\n{"score": 4}\n```']))
    result = scenario.run()
    assert (result.status, result.state["score"]) == ("success", 4)
    assert scenario.model.calls[0].schema == {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}


def test_prompt_and_system_are_filled_from_every_place_that_a_name_may_mean() -> None:
    scenario = asked("prompt: './p.md', system: 'On {{ $.draft }}', args: {topic: $args.topic, n: [1]}, reads: [draft], "
                     "writes: [verdict]", files={"p.md": "{{ topic }} {{ n }} {{ draft }} {{ $args.topic }} {{ $.draft }}\n"})
    assert scenario.run(args={"topic": "tea"}).status == "success"
    assert scenario.model.calls[0].messages[0].text == "tea [1] a draft tea a draft\n"
    assert scenario.model.calls[0].system == "On a draft"


def test_the_arguments_of_the_node_come_before_those_of_the_run() -> None:
    scenario = asked("prompt: '{{ topic }}', args: {topic: own}, writes: [verdict]")
    scenario.run(args={"topic": "the run's"})
    assert scenario.model.calls[0].messages[0].text == "own"


def test_an_answer_that_does_not_validate_is_sent_back_with_its_problems() -> None:
    scenario = asked("prompt: Rate it, " + SCHEMA, 'Surely {"score": "high"}', '{"score": 5}')
    assert scenario.run().state["score"] == 5
    roles = [message.role for message in scenario.model.calls[1].messages]
    assert roles == ["user", "assistant", "user"]
    assert scenario.model.calls[1].messages[1].text == 'Surely {"score": "high"}'
    assert "$.score: expected integer, found string 'high'" in scenario.model.calls[1].messages[2].text


def test_a_key_that_is_not_in_writes_is_a_problem_of_the_answer() -> None:
    scenario = asked("prompt: Rate it, repair: 0, " + SCHEMA, '{"score": 5, "scor": 6}')
    assert scenario.run().status == "failed"
    assert "$.scor: unknown key (did you mean 'score'?)" in scenario.node("ask")["error"]


def test_repair_turns_end() -> None:
    scenario = asked("prompt: Rate it, repair: 2, " + SCHEMA, "no")
    scenario.run()
    assert len(scenario.model.calls) == 3
    assert "the answer does not validate: there is no JSON object in the answer" in scenario.node("ask")["error"]


@pytest.mark.parametrize(("stop", "name"), [("max_tokens", "max_tokens"), ("refusal", "declined")])
def test_half_an_answer_is_no_answer(stop: Any, name: str) -> None:
    scenario = asked("prompt: Rate it, on_error: {policy: retry, attempts: 3, base_ms: 1}, " + SCHEMA, Answer('{"score": 1}', stop=stop))
    scenario.run()
    assert name in scenario.node("ask")["error"]
    assert len(scenario.model.calls) == 1


def test_the_settings_of_the_node_are_over_those_of_its_llm() -> None:
    scenario = asked("prompt: Hi, writes: [verdict], model: m2, temperature: 0.5, llm: {model: m1, max_tokens: 77}")
    scenario.run()
    settings = scenario.model.calls[0].settings
    assert (settings.model, settings.temperature, settings.max_tokens) == ("m2", 0.5, 77)


def test_a_missing_value_in_a_prompt_file_fails_the_node_by_name() -> None:
    scenario = asked("prompt: ./p.md, writes: [verdict]", files={"p.md": "{{ $args.topic }}"})
    scenario.run()
    assert "'$args.topic' has no value" in scenario.node("ask")["error"]
    assert not scenario.model.calls


SKILL = {"skills/judge/SKILL.md": "---\nname: judge\nallowed-tools: Bash(*) Read\nodd: [\n---\n\n# Judge\n\nBe {{ fair }}.\n",
         "skills/judge/references/scale.md": "1 to 5\n", "skills/judge/assets/x.bin": "..."}


def skill(node: str, *answers: str) -> Scenario:
    text = ASKED.replace("kind: agent", "kind: skill").format(node=f"impl: ./skills/judge, {node}")
    return Scenario(text, files=SKILL, model=MemoryModel(answers or ("ok",)))


def test_a_skill_is_its_text_without_the_front_matter_and_takes_its_inputs_as_json() -> None:
    scenario = skill("writes: [verdict], reads: [draft], args: {topic: $args.topic}")
    assert scenario.run(args={"topic": "tea"}).state["verdict"] == "ok"
    call = scenario.model.calls[0]
    assert call.system == "# Judge\n\nBe {{ fair }}."
    assert json.loads(call.messages[0].text) == {"draft": "a draft", "topic": "tea"}


def test_files_are_added_to_a_skill_by_name() -> None:
    scenario = skill("writes: [verdict], include: ['references/*.md', '**/scale.md'], prompt: Go on")
    scenario.run()
    assert scenario.model.calls[0].system == '# Judge\n\nBe {{ fair }}.\n\n<file path="references/scale.md">\n1 to 5\n</file>'


@pytest.mark.parametrize(("node", "error"), [
    ("include: ['references/*']", "'include' finds nothing"),
    ("include: ['*.md']", "has 400010 characters, at most 400000 are sent"),
])
def test_what_a_skill_cannot_be_given_is_said(node: str, error: str) -> None:
    scenario = skill("writes: [verdict], " + node)
    scenario.files.texts["skills/judge/big.md"] = "x" * 400_000
    scenario.files.texts["skills/judge/SKILL.md"] = ""
    del scenario.files.texts["skills/judge/references/scale.md"]  # after validation
    scenario.run()
    assert error.replace("400010", str(400_000 + len('\n\n<file path="big.md">\n\n</file>'))) in scenario.node("ask")["error"]


@pytest.mark.parametrize("change", ["p.md", "s.json", "skills/judge/assets/x.bin", "skills/judge/SKILL.md"])
def test_a_change_of_any_file_runs_the_node_again_and_nothing_else_does(change: str) -> None:
    text = ASKED.replace("kind: agent", "kind: skill").format(
        node="impl: ./skills/judge, prompt: ./p.md, schema: ./s.json, writes: [score]")
    files = {**SKILL, "p.md": "Go", "s.json": '{"type": "object", "properties": {"score": {"type": "integer"}}}'}
    scenario = Scenario(text, files=files, model=MemoryModel(['{"score": 1}']))
    scenario.cache = MemoryCache()
    scenario.run()
    scenario.run()
    assert len(scenario.model.calls) == 1
    assert scenario.result is not None
    assert scenario.result.totals["tokens_saved"] > 0
    assert scenario.result.totals["tokens_in"] == 0
    scenario.files = FilesInMemory({**scenario.files.texts, change: scenario.files.texts[change] + " "})
    scenario.run()
    assert len(scenario.model.calls) == 2


def test_tokens_and_cost_are_told_and_totalled_also_of_attempts_that_failed() -> None:
    used = Answer('{"score": "?"}', usage=Usage(100, 10, cache_read_tokens=50))
    good = Answer('{"score": 3}', usage=Usage(40, 4))
    scenario = asked("prompt: Rate it, repair: 0, on_error: {policy: retry, attempts: 2, base_ms: 1}, " + SCHEMA, used, good)
    result = scenario.run()
    assert [(event["input_tokens"], event["output_tokens"], event["model"]) for event in scenario.events("node.tokens")] == [
        (150, 10, "memory"), (40, 4, "memory")]
    assert {name: result.totals[name] for name in ("tokens_in", "tokens_out", "calls", "cost_usd")} == {
        "tokens_in": 190, "tokens_out": 14, "calls": 2, "cost_usd": 0.000204}
    assert scenario.events("node.finished")[-1]["metrics"] == {
        "calls": 1, "input_tokens": 40, "output_tokens": 4, "model": "memory", "cost_usd": 0.000044}


def test_a_resumed_run_counts_once_what_it_has_spent() -> None:
    scenario = Scenario(ASKED.format(node="prompt: Hi, writes: [verdict]") + "    - {id: after, kind: step, needs: [ask]}\n",
                        {"after": fails(times=1)}, model=MemoryModel((Answer("ok", usage=Usage(10, 5)),)))
    assert scenario.run().totals["tokens_in"] == 10
    totals = scenario.resume().totals
    assert (totals["tokens_in"], totals["tokens_out"], totals["calls"]) == (10, 5, 1)


def test_what_is_streamed_is_shown_and_not_logged_and_holds_no_secret() -> None:
    def script(call: ModelCall) -> str:
        return "one two the-key three"

    scenario = Scenario(ASKED.format(node="prompt: Hi, writes: [verdict], on_error: {policy: skip}"), model=MemoryModel(script))
    scenario.secrets.append("the-key")
    scenario.run()
    shown = [record["chunk"] for record in scenario.shown if record["type"] == "node.output"]
    assert "".join(shown) == "one two [redacted] three"
    assert not scenario.events("node.output")
    assert all("seq" not in record for record in scenario.shown if record["type"] == "node.output")
    assert "the-key" not in "\n".join(scenario.logs["r-1"].lines)
    assert "secret" in scenario.node("ask")["error"]


def test_a_call_that_is_cancelled_counts_with_an_estimate() -> None:
    scenario = Scenario(ASKED.format(node="prompt: 'Tell me everything', writes: [verdict], timeout: 1s"),
                        model=MemoryModel(["long"], seconds=60.0))
    scenario.run()
    assert "timeout" in scenario.node("ask")["error"]
    (event,) = scenario.events("node.tokens")
    assert event["estimated"] is True
    assert event["input_tokens"] == 6


class Limited(MemoryModel):
    """Lets in as many calls as it takes, and asks again after failures, as the providers of the program do."""

    def __init__(self, *script: str | ModelError, seconds: float = 0.0) -> None:
        super().__init__()
        limiters = Limiters(lambda: 0.5)
        self._retrying = Retrying(MemoryModel(script, seconds), lambda: limiters.find("x"), lambda: 0.5)

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        return await self._retrying.answer(call, watch)


@pytest.mark.parametrize(("model", "calls"), [
    (Limited("ok", seconds=60.0), 1),  # one is asked, the others wait for it
    (Limited(ModelError("model-busy", "429", retry_after_seconds=60.0)), 0),
    (Limited(ModelError("model-failed", "500", retry_after_seconds=60.0)), 0),
])
def test_a_call_that_is_cancelled_while_it_waits_costs_nothing(model: MemoryModel, calls: int) -> None:
    scenario = Scenario(ASKED.format(node="prompt: Hi, llm: {concurrency: 1}, timeout: 5s, writes: [notes], "
                                          "for_each: {source: [1, 2, 3], concurrency: 3}"), model=model)
    totals = scenario.run().totals
    assert "timeout" in scenario.events("node.failed")[0]["error"]
    assert (totals["calls"], totals["tokens_in"]) == (calls, calls)
    assert sum(charged.cost.tokens for charged in scenario.store.charges("r-1")) == calls


def test_a_call_is_seen_while_it_goes_on() -> None:
    scenario = Scenario(ASKED.format(node="prompt: Hi, writes: [verdict]"), model=MemoryModel(["long"], seconds=60.0))
    seen: list[tuple[str, str, str]] = []

    async def look(session: Any) -> None:
        await asyncio.sleep(30)
        (unit,) = session.snapshot().root.parts
        seen.append((unit.message, unit.parts[0].kind, unit.parts[0].name))

    scenario.run(meanwhile=look)
    assert seen == [("calling memory", "llm", "memory memory")]


def test_the_tree_shows_what_a_model_is_saying() -> None:
    class Slow(MemoryModel):
        async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
            watch.text("It began on a " + "very " * 20 + "dark night")
            await asyncio.sleep(60)
            return Answer("It began.")

    scenario = Scenario(ASKED.format(node="prompt: Hi, writes: [verdict]"), model=Slow())
    seen: list[str] = []

    async def look(session: Any) -> None:
        await asyncio.sleep(30)
        seen.append(render_tree(session.snapshot()))

    scenario.run(meanwhile=look)
    assert '(30.0s, "calling memory", 31 tok, says "...y very very very very very dark night")' in seen[0]
