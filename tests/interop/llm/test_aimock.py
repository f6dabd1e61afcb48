"""Both dialects against aimock, a server of fixtures and faults that nobody here wrote."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oe.llm.limiter import Limiters
from oe.llm.models import Means, RunModels
from oe.net.http_client import ThreadedHttp
from oe.ports.model import Answer, Message, ModelCall, ModelError, Unwatched
from oe.redact import Redactor
from oe.values import JsonObject
from tests.support.software import free_port, npm_packages, served

HERE = Path(__file__).parent
SCHEMA: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
BOTH = pytest.mark.parametrize("provider", ["anthropic", "openai"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, port = tmp_path_factory.mktemp("aimock"), free_port()
    npm_packages(folder, **{"@copilotkit/aimock": "1"})
    program = folder / "node_modules" / ".bin" / "llmock"
    with served([program, "-p", str(port), "-h", "127.0.0.1", "-f", HERE / "fixtures.json", "--strict"], ("127.0.0.1", port)):
        yield port


class Watch(Unwatched):
    def __init__(self) -> None:
        self.told = ""
        self.errors: list[tuple[str, float]] = []

    def text(self, piece: str) -> None:
        self.told += piece

    async def again(self, error: ModelError, delay_seconds: float) -> None:
        self.told = ""
        self.errors.append((error.code, delay_seconds))


def ask(provider: str, port: int, text: str, schema: JsonObject | None = None, watch: Watch | None = None, **settings: Any) -> Answer:
    url = f"http://127.0.0.1:{port}" + ("/v1" if provider == "openai" else "")
    means = Means(ThreadedHttp({}), {"ANTHROPIC_API_KEY": "k-4711", "OPENAI_API_KEY": "k-4711"}, Limiters(lambda: 0.1),
                  Redactor(), time.time, lambda: 0.1)
    models = RunModels(means)
    chosen = models.settings({"provider": provider, "model": "model-x", "base_url": url, **settings})
    call = ModelCall("a", chosen, (Message("user", text),), "be brief", schema)
    return asyncio.run(models.provider(chosen).answer(call, watch or Watch()))


@BOTH
def test_a_text_is_streamed(server: int, provider: str) -> None:
    watch = Watch()
    answer = ask(provider, server, "xhello", watch=watch)
    assert (answer.text, watch.told, answer.stop) == ("Hello from aimock", "Hello from aimock", "end")


@BOTH
def test_an_object_comes_by_the_means_that_was_asked_for(server: int, provider: str) -> None:
    answer = ask(provider, server, "xobject" if provider == "anthropic" else "xjson", SCHEMA)
    assert json.loads(answer.text) == {"n": 41}


@BOTH
def test_a_text_is_read_where_a_tool_was_wanted(server: int, provider: str) -> None:
    assert json.loads(ask(provider, server, "xjson", SCHEMA).text) == {"n": 41}


@BOTH
def test_thinking_is_no_part_of_the_answer(server: int, provider: str) -> None:
    assert ask(provider, server, "xthink").text == "in short"


def test_a_limit_is_waited_for(server: int) -> None:
    watch = Watch()
    before = time.monotonic()
    assert ask("openai", server, "xlimit", watch=watch).text == "after a while"
    assert time.monotonic() - before >= 1
    assert [code for code, _ in watch.errors] == ["model-busy"] and 1 <= watch.errors[0][1] <= 1.3


@BOTH
def test_a_server_that_is_down(server: int, provider: str) -> None:
    with pytest.raises(ModelError, match="upstream died") as caught:
        ask(provider, server, "xdown", tries=2)
    assert (caught.value.code, caught.value.status) == ("model-busy", 503)


@BOTH
def test_a_stream_that_is_cut_is_an_error_and_not_a_short_answer(server: int, provider: str) -> None:
    watch = Watch()
    with pytest.raises(ModelError) as caught:
        ask(provider, server, "xcut", watch=watch, tries=1)
    assert caught.value.code == "model-cut"
    assert watch.told and "one two three four five six seven eight".startswith(watch.told)


@BOTH
def test_nothing_fits(server: int, provider: str) -> None:
    with pytest.raises(ModelError, match="503"):
        ask(provider, server, "zzz", tries=1)
