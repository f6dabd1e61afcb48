"""Both dialects against llama.cpp's server with a model of our own making: nobody here wrote the other side."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
import urllib.request
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
from tests.support.software import free_port, python_packages, served

HERE = Path(__file__).parent
KEY = "sk-local-4711"
SCHEMA: JsonObject = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
                      "required": ["name", "n"], "additionalProperties": False}
BOTH = pytest.mark.parametrize("provider", ["anthropic", "openai"])


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return python_packages(tmp_path_factory.mktemp("llama"), "gguf", "numpy", "xllamacpp")


def serving(python: Path, folder: Path, kind: str) -> Iterator[int]:
    model, port = folder / f"{kind}.gguf", free_port()
    subprocess.run([python, HERE / "make_model.py", model, kind], check=True, capture_output=True, timeout=300)
    with served([python, HERE / "serve_model.py", model, str(port), KEY], ("127.0.0.1", port)):
        yield port


@pytest.fixture(scope="module")
def sentence(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    yield from serving(python, tmp_path_factory.mktemp("sentence"), "sentence")


@pytest.fixture(scope="module")
def noise(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    yield from serving(python, tmp_path_factory.mktemp("noise"), "noise")


class Listener(Unwatched):
    def __init__(self) -> None:
        self.pieces: list[str] = []

    def text(self, piece: str) -> None:
        self.pieces.append(piece)


def models(provider: str, port: int, key: str = KEY, **settings: Any) -> tuple[RunModels, dict[str, Any]]:
    url = f"http://127.0.0.1:{port}" + ("/v1" if provider == "openai" else "")
    environment = {"ANTHROPIC_API_KEY": key, "OPENAI_API_KEY": key}
    means = Means(ThreadedHttp({}), environment, Limiters(lambda: 0.5), Redactor(), time.time, lambda: 0.5)
    return RunModels(means), {"provider": provider, "model": "tiny", "base_url": url, "temperature": 0, "max_tokens": 64, **settings}


def ask(provider: str, port: int, listener: Listener | None = None, key: str = KEY, schema: JsonObject | None = None,
        **settings: Any) -> Answer:
    made, wanted = models(provider, port, key, **settings)
    chosen = made.settings(wanted)
    call = ModelCall("a", chosen, (Message("user", "hi"),), "be brief", schema)
    return asyncio.run(made.provider(chosen).answer(call, listener or Listener()))


@BOTH
def test_a_sentence_is_streamed(sentence: int, provider: str) -> None:
    listener = Listener()
    answer = ask(provider, sentence, listener)
    assert (answer.text, answer.stop) == ("Hello from a tiny model.", "end")
    assert "".join(listener.pieces) == answer.text and len(listener.pieces) > 3
    assert answer.usage is not None
    assert answer.usage.all_input_tokens > 10 and answer.usage.output_tokens >= 6


@BOTH
def test_the_bound_on_tokens_is_seen(sentence: int, provider: str) -> None:
    answer = ask(provider, sentence, max_tokens=3)
    assert answer.stop == "max_tokens" and "Hello from a tiny model.".startswith(answer.text)


@BOTH
def test_an_object_of_the_schema_comes(sentence: int, provider: str) -> None:
    answer = ask(provider, sentence, schema=SCHEMA)
    assert answer.stop == "end"
    value = json.loads(answer.text)
    assert isinstance(value["name"], str) and isinstance(value["n"], int) and len(value) == 2


@BOTH
def test_a_wrong_key_and_a_prompt_that_is_too_long(sentence: int, provider: str) -> None:
    with pytest.raises(ModelError) as wrong:
        ask(provider, sentence, key="sk-wrong-1234")
    assert wrong.value.code == "model-denied" and "sk-wrong" not in str(wrong.value)
    made, wanted = models(provider, sentence)
    chosen = made.settings(wanted)
    call = ModelCall("a", chosen, (Message("user", "\x01" * 20_000),))
    with pytest.raises(ModelError) as long:
        asyncio.run(made.provider(chosen).answer(call, Unwatched()))
    assert long.value.code == "model-context"


@BOTH
def test_a_cancelled_call_frees_the_server(noise: int, provider: str) -> None:
    async def main() -> None:
        made, wanted = models(provider, noise, max_tokens=8000, temperature=1)
        chosen = made.settings(wanted)
        for _ in range(20):  # a busy machine may not look before the answer is whole
            listener = Listener()
            task = asyncio.create_task(made.provider(chosen).answer(ModelCall("a", chosen, (Message("user", "hi"),)), listener))
            while len(listener.pieces) < 20 and not task.done():
                await asyncio.sleep(0.01)
            if not task.done() and busy(noise) == 1:
                break
            await task
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        deadline = time.monotonic() + 100
        while busy(noise) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert busy(noise) == 0

    asyncio.run(main())


@BOTH
def test_more_calls_than_the_server_has_places(sentence: int, provider: str) -> None:
    async def main() -> list[str]:
        made, wanted = models(provider, sentence)
        chosen = made.settings(wanted)
        calls = [ModelCall(f"a[{number}]", chosen, (Message("user", f"hi {number}"),)) for number in range(20)]
        answers = await asyncio.gather(*(made.provider(chosen).answer(call, Unwatched()) for call in calls))
        return [answer.text for answer in answers]

    assert asyncio.run(main()) == ["Hello from a tiny model."] * 20


def busy(port: int) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return int(re.search(r"^llamacpp:requests_processing (\d+)", response.read().decode(), re.MULTILINE)[1])  # type: ignore[index]
