"""Which provider, model and settings a call gets, and what it costs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from oe.errors import NodeError, OeError, UsageError
from oe.llm.limiter import Limiters
from oe.llm.models import Defaults, Means, RunModels
from oe.llm.prices import load_prices
from oe.net.memory_http import MemoryHttp, Reply
from oe.ports.model import Message, ModelCall, ModelError, ModelSettings, Unwatched, Usage
from oe.redact import Redactor

KEYS = {"ANTHROPIC_API_KEY": "a-key", "OPENAI_API_KEY": "o-key"}


def models(environment: dict[str, str], chosen: str | None = None, runtime: dict[str, Any] | None = None,
           replay: str | None = None, http: MemoryHttp | None = None) -> RunModels:
    means = Means(http or MemoryHttp([Reply(500)]), environment, Limiters(lambda: 0.0), Redactor(), lambda: 0.0, lambda: 0.0,
                  replay=replay)
    return RunModels(means, chosen, [Defaults("x.yaml", runtime)] if runtime else ())


def chosen(wanted: dict[str, Any], *args: Any, **more: Any) -> tuple[str, str, str | None]:
    settings = models(*args, **more).settings(wanted)
    return settings.provider, settings.model, settings.base_url


A, B = "https://api.anthropic.com", "https://api.openai.com/v1"


@pytest.mark.parametrize(("wanted", "environment", "flag", "runtime", "result"), [
    ({"provider": "openai", "model": "n"}, KEYS, "anthropic:f", {"model": "r"}, ("openai", "n", B)),
    ({"model": "n"}, KEYS, "anthropic:f", {"provider": "openai", "model": "r"}, ("anthropic", "n", A)),
    ({}, KEYS, "anthropic:f", {"provider": "openai", "model": "r"}, ("anthropic", "f", A)),
    ({}, KEYS, "openai", {"provider": "openai", "model": "r"}, ("openai", "r", B)),
    ({}, KEYS, None, {"provider": "openai", "model": "r"}, ("openai", "r", B)),
    ({}, {**KEYS, "OE_LLM": "openai:e"}, None, {}, ("openai", "e", B)),
    ({}, {**KEYS, "OE_LLM": "openai:e"}, "anthropic:f", {}, ("anthropic", "f", A)),
    ({}, {**KEYS, "OE_LLM": "openai:e"}, None, {"model": "r"}, ("openai", "r", B)),
    ({"model": "n"}, KEYS, None, {}, ("anthropic", "n", A)),
    ({"model": "n"}, {"OPENAI_API_KEY": "k"}, None, {}, ("openai", "n", B)),
    ({"model": "n"}, {"OPENAI_BASE_URL": "http://h/v1/"}, None, {}, ("openai", "n", "http://h/v1")),
    ({"model": "n"}, {"ANTHROPIC_AUTH_TOKEN": "t"}, None, {}, ("anthropic", "n", A)),
    ({}, {**KEYS, "ANTHROPIC_MODEL": "m"}, None, {}, ("anthropic", "m", A)),
    ({}, KEYS, "openai:llama3:8b", {}, ("openai", "llama3:8b", B)),
    ({}, KEYS, "gpt-x", {"provider": "openai"}, ("openai", "gpt-x", B)),
    ({}, KEYS, "openai:f", {"provider": "anthropic", "model": "r", "base_url": "http://a"}, ("openai", "f", B)),
    ({"base_url": "http://n"}, {**KEYS, "OPENAI_BASE_URL": "http://e"}, "openai:f", {}, ("openai", "f", "http://n")),
])
def test_the_nearest_choice_counts(wanted: dict[str, Any], environment: dict[str, str], flag: str | None,
                                   runtime: dict[str, Any], result: tuple[str, str, str]) -> None:
    assert chosen(wanted, environment, flag, runtime) == result


def test_every_setting_is_taken_from_where_it_stands_first() -> None:
    runtime = {"provider": "openai", "model": "r", "max_tokens": 10, "temperature": 1, "idle_timeout": "500ms", "tries": 2,
               "concurrency": 3, "api_version": "2027-01-01", "base_url": "http://h/v1"}
    assert models(KEYS, None, runtime).settings({"max_tokens": 20, "temperature": 0}) == ModelSettings(
        "openai", "r", "http://h/v1", "2027-01-01", 20, 0.0, 0.5, 2, 3, "x.yaml")
    assert models(KEYS, None, {"idle_timeout": 90}).settings({"model": "m"}).idle_timeout_seconds == 90.0
    assert models(KEYS).settings({"model": "m"}) == ModelSettings("anthropic", "m", A)


@pytest.mark.parametrize(("wanted", "environment", "flag", "code", "hint"), [
    ({}, {}, None, "no-provider", "set ANTHROPIC_API_KEY or OPENAI_API_KEY, or --llm PROVIDER:MODEL"),
    ({}, KEYS, None, "no-model", "--llm anthropic:MODEL, model: in the node or under llm, or ANTHROPIC_MODEL"),
    ({"provider": "opnai"}, KEYS, None, "unknown-provider", "did you mean 'openai'?"),
    ({"provider": "replay"}, KEYS, None, "no-provider", "--replay FILE names one"),
    ({"model": "m", "base_url": "http://u:planted@h"}, KEYS, None, "bad-base-url", "give the key in"),
])
def test_what_is_missing_is_said(wanted: dict[str, Any], environment: dict[str, str], flag: str | None, code: str, hint: str) -> None:
    with pytest.raises(NodeError) as caught:
        models(environment, flag).settings(wanted)
    assert (caught.value.code, caught.value.retryable) == (code, False)
    assert hint in str(caught.value.hint) and "planted" not in str(caught.value)


@pytest.mark.parametrize(("text", "words", "hint"), [
    ("antropic", "there is no provider 'antropic'", "did you mean 'anthropic'?"),
    ("opnai:m", "there is no provider 'opnai'", "did you mean 'openai'?"),
    ("mistral:x", "there is no provider 'mistral'", "there are anthropic, openai, replay, as in openai:mistral:x"),
    ("temperature=0", "names a provider, PROVIDER:MODEL or a model, found 'temperature=0'", "settings stand under 'llm'"),
    ("", "names a provider, PROVIDER:MODEL or a model, found ''", "settings"),
])
def test_a_choice_that_names_nothing_is_wrong_usage(text: str, words: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        models(KEYS, text)
    assert caught.value.exit_code == 2
    assert words in str(caught.value) and hint in str(caught.value.hint)
    if text:
        with pytest.raises(UsageError, match="OE_LLM"):
            models({**KEYS, "OE_LLM": text})


def test_the_nearest_experience_comes_before_those_around_it() -> None:
    inner = Defaults("in.yaml", {"model": "i", "max_tokens": 10, "concurrency": 2})
    outer = Defaults("out.yaml", {"provider": "openai", "model": "o", "temperature": 1, "tries": 2, "concurrency": 3})

    def settings(wanted: dict[str, Any], flag: str | None = None) -> tuple[Any, ...]:
        found = models(KEYS, flag).within([inner, outer]).settings(wanted)
        return found.provider, found.model, found.max_tokens, found.tries, found.concurrency, found.bound_by

    assert settings({}) == ("openai", "i", 10, 2, 2, "in.yaml")
    assert settings({"model": "n", "concurrency": 1}) == ("openai", "n", 10, 2, 1, None)
    assert settings({}, "openai:f") == ("openai", "f", 10, 2, 2, "in.yaml")


def ask(made: RunModels, wanted: dict[str, Any]) -> None:
    settings = made.settings(wanted)
    asyncio.run(made.provider(settings).answer(ModelCall("s", settings, (Message("user", "x"),)), Unwatched()))


def test_no_key_is_needed_before_a_call_and_none_for_a_server_of_ones_own() -> None:
    made = models({})
    settings = made.settings({"provider": "openai", "model": "m"})
    assert made.provider(settings).identity(settings)["base_url"] == B
    with pytest.raises(ModelError, match="OPENAI_API_KEY is not set"):
        ask(made, {"provider": "openai", "model": "m"})
    http = MemoryHttp([Reply(404)])
    with pytest.raises(ModelError, match="404"):
        ask(models({}, http=http), {"provider": "openai", "model": "m", "base_url": "http://h/v1"})
    assert "Authorization" not in dict(http.requests[0].headers)
    assert http.requests[0].url == "http://h/v1/chat/completions"


def test_keys_lose_the_line_break_that_a_file_gave_them() -> None:
    http = MemoryHttp([Reply(404)])
    with pytest.raises(ModelError, match="404"):
        ask(models({"ANTHROPIC_API_KEY": "a-key\n", "ANTHROPIC_BASE_URL": "http://h/v1"}, http=http), {"model": "m"})
    assert dict(http.requests[0].headers)["x-api-key"] == "a-key"
    assert http.requests[0].url == "http://h/v1/messages"


def test_calls_are_tried_again() -> None:
    http = MemoryHttp([Reply(500)])
    with pytest.raises(ModelError, match="500"):
        ask(models(KEYS, http=http), {"model": "m", "tries": 3})
    assert len(http.requests) == 3


def test_a_replay_answers_whatever_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"oe_recording":1}\n' + json.dumps({"slot": "s", "request": {"system": "", "messages": [
        {"role": "user", "text": "x"}]}, "answer": {"text": "y", "stop": "end", "model": "m"}}) + "\n")
    for environment, wanted in (({}, {}), (KEYS, {"provider": "openai", "model": "m", "base_url": "http://h"})):
        made = models(environment, "anthropic:f", {"provider": "openai"}, replay=str(path))
        assert made.settings(wanted).provider == "replay"
        ask(made, wanted)


def test_list_prices() -> None:
    prices = load_prices()
    million = Usage(1_000_000)
    assert prices.cost_usd("claude-sonnet-4-5", million) == 3.0
    assert prices.cost_usd("claude-sonnet-4-5-20250929", million) == 3.0
    assert prices.cost_usd("anthropic/claude-sonnet-4-5", million) == 3.0
    assert prices.cost_usd("claude-sonnet-4-5", Usage(1000, 2000, 3000, 4000)) == pytest.approx(0.003 + 0.03 + 0.0009 + 0.015)
    assert prices.cost_usd("gpt-5-nano-2025-08-07", Usage(0, 1_000_000)) == 0.4
    assert prices.cost_usd("gpt-5-nano-turbo", million) is None
    assert prices.cost_usd("tiny", million) is None
    assert prices.date == "2026-11-21"


def test_a_long_prompt_has_rates_of_its_own() -> None:
    prices = load_prices()
    assert prices.cost_usd("claude-haiku-5-5", Usage(100_000)) == pytest.approx(0.01)
    assert prices.cost_usd("claude-haiku-5-5", Usage(50_000, 1_000_000, 50_001)) == pytest.approx(0.025 + 2.5 + 50_001 * 0.05e-6)


def test_a_file_of_ones_own_comes_over_the_table(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text('{"date": "2027-01-01", "models": {"tiny": {"input": 1, "output": 2}, "gpt-4": {"input": 0, "output": 0}}}')
    prices = load_prices(str(path))
    assert prices.cost_usd("tiny", Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000)) == 1 + 2 + 1 + 1.25
    assert prices.cost_usd("gpt-4", Usage(1, 1)) == 0
    assert prices.cost_usd("claude-opus-4-5", Usage(1_000_000)) == 5
    assert prices.date == "2027-01-01"


@pytest.mark.parametrize(("text", "words"), [
    ("no", "it is no JSON"), ("{}", "it holds no 'models'"),
    ('{"models": {"a": {"input": 1}}}', "'output' of model 'a' is missing"),
    ('{"models": {"a": {"input": -1, "output": 1}}}', "'input' of model 'a' is no price: -1"),
    ('{"models": {"a": {"input": true, "output": 1}}}', "'input' of model 'a' is no price: true"),
    ('{"models": {"a": {"input": 1, "output": 1, "cached": 1}}}', "'cached' of model 'a' is none of"),
    ('{"models": {"a": 5}}', "'input' of model 'a' is missing"),
    ('{"models": {"a": {"input": 1, "output": 1, "above": {"input": 2, "output": 2}}}}', "'tokens' of model 'a' is missing"),
])
def test_prices_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(OeError, match=words) as caught:
        load_prices(str(path))
    assert caught.value.code == "bad-prices"
    with pytest.raises(OeError, match="cannot read the prices"):
        load_prices(str(tmp_path / "none"))
