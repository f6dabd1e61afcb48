"""One suite for every ModelProvider: the twin in memory, recordings, and both dialects over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from oe.lang.scope import MISSING
from oe.llm.anthropic import Anthropic
from oe.llm.memory import MemoryModel
from oe.llm.openai import OpenAI
from oe.llm.recording import Recorded, Recording
from oe.llm.replay import Replay
from oe.llm.wire import Place
from oe.net.http_client import ThreadedHttp
from oe.ports.http import HttpClient
from oe.ports.model import Answer, Message, ModelCall, ModelError, ModelProvider, ModelSettings, Stop, Unwatched, Usage
from oe.redact import Redactor
from oe.values import JsonObject, compact
from tests.support.faulty_server import FaultyServer, stalls
from tests.support.model_server import Script, anthropic_behaviour, openai_behaviour

KEY = "sk-planted-secret-4711"
SETTINGS = ModelSettings("p", "m-1")
SCHEMA: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                      "additionalProperties": False}
Make = Callable[[Script, Sequence[ModelCall]], ModelProvider]


def call(text: str = "hi", schema: JsonObject | None = None, slot: str = "ask") -> ModelCall:
    return ModelCall(slot, SETTINGS, (Message("user", text),), "be brief", schema)


class Listener(Unwatched):
    def __init__(self) -> None:
        self.heard = ""

    def text(self, piece: str) -> None:
        self.heard += piece


def memory(script: Script) -> MemoryModel:
    return MemoryModel(lambda asked: script(asked.messages[-1].text))


@pytest.fixture(params=["memory", "replay", "anthropic", "openai"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes the provider; the calls that will come are for those that must know them before."""
    servers: list[FaultyServer] = []

    def made(script: Script, calls: Sequence[ModelCall]) -> ModelProvider:
        if request.param == "memory":
            return memory(script)
        if request.param == "replay":
            return recorded(script, calls, tmp_path / "recording.jsonl")
        behaviour = anthropic_behaviour if request.param == "anthropic" else openai_behaviour
        servers.append(FaultyServer(behaviour(script)))
        provider = Anthropic if request.param == "anthropic" else OpenAI
        return provider(place(servers[-1].url))

    yield made
    for server in servers:
        server.close()


def place(url: str, http: HttpClient | None = None) -> Place:
    return Place(http or ThreadedHttp({}), url, lambda: 0.0, Redactor(), KEY)


def recorded(script: Script, calls: Sequence[ModelCall], path: Path) -> ModelProvider:
    recording = Recording(str(path), Redactor())
    recording.begin()

    async def main() -> None:
        for each in calls:
            with suppress(ModelError):
                await Recorded(memory(script), recording).answer(each, Unwatched())

    asyncio.run(main())
    recording.close()
    return Replay(place(str(path)))


def ask(provider: ModelProvider, asked: ModelCall, listener: Listener | None = None) -> Answer:
    return asyncio.run(provider.answer(asked, listener or Listener()))


def test_the_answer_is_told_in_pieces_and_given_whole(make: Make) -> None:
    text = "Grüße, \"you\" \U0001f98a\n\nline two — and \\ more" * 20
    listener = Listener()
    answer = ask(make(lambda _: Answer(text, usage=Usage(7, 9, 5, 3), model="m-1.5"), [call()]), call(), listener)
    assert answer.text == listener.heard == text
    assert (answer.stop, answer.usage, answer.model, answer.value) == ("end", Usage(7, 9, 5, 3), "m-1.5", MISSING)


def test_an_object_is_asked_for_and_given(make: Make) -> None:
    asked = call(schema=SCHEMA)
    answer = ask(make(lambda _: '{"n": 41}', [asked]), asked)
    assert json.loads(answer.text) == {"n": 41}
    assert answer.value in (MISSING, {"n": 41})


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "other"])
def test_why_an_answer_ends_is_told(make: Make, stop: Stop) -> None:
    answer = ask(make(lambda _: Answer("par", stop=stop, usage=Usage(1, 1)), [call()]), call())
    assert (answer.text, answer.stop) == ("par", stop)


def test_an_object_that_was_cut_is_no_value(make: Make) -> None:
    asked = call(schema=SCHEMA)
    answer = ask(make(lambda _: Answer('{"n": 4', stop="max_tokens", usage=Usage(1, 1)), [asked]), asked)
    assert (answer.text, answer.value, answer.stop) == ('{"n": 4', MISSING, "max_tokens")


def test_a_failure_is_a_model_error_that_says_whether_to_try_again(make: Make) -> None:
    provider = make(lambda _: ModelError("model-failed", "the machine is on fire", status=500), [call()])
    with pytest.raises(ModelError, match="the machine is on fire") as caught:
        ask(provider, call())
    assert (caught.value.code, caught.value.retryable) == ("model-failed", True)


def test_calls_may_overlap(make: Make) -> None:
    calls = [call(f"number {number}", slot=f"ask[{number}]") for number in range(30)]
    provider = make(lambda text: text.upper(), calls)

    async def main() -> list[str]:
        return [answer.text for answer in await asyncio.gather(*(provider.answer(each, Unwatched()) for each in calls))]

    assert asyncio.run(main()) == [f"NUMBER {number}" for number in range(30)]


def test_the_identity_is_that_of_the_answers_and_holds_no_key(make: Make) -> None:
    provider = make(lambda _: "x", [call()])
    identity = compact(provider.identity(SETTINGS))
    assert identity == compact(provider.identity(SETTINGS._replace(tries=1, idle_timeout_seconds=1.0, concurrency=2)))
    assert KEY not in identity
    if not isinstance(provider, Replay):  # its answers do not depend on settings
        assert identity != compact(provider.identity(SETTINGS._replace(model="m-2")))
        assert identity != compact(provider.identity(SETTINGS._replace(temperature=0.5)))


@pytest.mark.parametrize("provider", [Anthropic, OpenAI])
@pytest.mark.parametrize("first", [(), (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n: ping\n\r\n",)])
def test_a_cancelled_call_closes_its_connection_at_once(provider: Callable[[Place], ModelProvider],
                                                        first: tuple[bytes, ...]) -> None:
    server = FaultyServer(stalls(*first))

    async def main() -> None:
        count = len(server.lines)
        patient = call()._replace(settings=SETTINGS._replace(idle_timeout_seconds=1000.0))
        task = asyncio.create_task(provider(place(server.url)).answer(patient, Unwatched()))
        while len(server.lines) == count:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.lines[-1].left.wait(60), "it would be given up by itself after much longer"

    asyncio.run(main())
    server.close()
