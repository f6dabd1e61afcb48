"""Recordings and their replay: what is written, what is answered, and what a miss says."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from oe.errors import OeError
from oe.llm.memory import MemoryModel
from oe.llm.recording import Recorded, Recording
from oe.llm.replay import Replay
from oe.llm.wire import Place
from oe.net.memory_http import MemoryHttp, Reply
from oe.ports.model import Answer, Message, ModelCall, ModelError, ModelSettings, Unwatched, Usage
from oe.redact import Redactor

SECRET = "sk-planted-secret-4711"


def call(slot: str = "ask", text: str = "hi", **changes: object) -> ModelCall:
    settings = ModelSettings("memory", "m-1")
    return ModelCall(slot, settings, (Message("user", text),))._replace(**changes)  # type: ignore[arg-type]


def record(path: Path, model: MemoryModel, *calls: ModelCall, redactor: Redactor | None = None, appends: bool = False) -> None:
    recording = Recording(str(path), redactor or Redactor(), appends=appends)
    recording.begin()

    async def main() -> None:
        for each in calls:
            await asyncio.gather(Recorded(model, recording).answer(each, Unwatched()), return_exceptions=True)

    asyncio.run(main())
    recording.close()


def replay(path: Path, redactor: Redactor | None = None) -> Replay:
    return Replay(Place(MemoryHttp([Reply()]), str(path), lambda: 0.0, redactor or Redactor()))


def answer(provider: Replay, asked: ModelCall) -> str:
    return asyncio.run(provider.answer(asked, Unwatched())).text


def test_the_form_of_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    told = Answer("yes", {"n": 1}, "end", Usage(1, 2, 3, 4), "m-1.5", "req-1")
    record(path, MemoryModel([told, ModelError("model-failed", "500")]), call("a[0]", schema={"type": "object"}), call("b"))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"oe_recording": 1},
        {"slot": "a[0]", "request": {"system": "", "messages": [{"role": "user", "text": "hi"}], "schema": {"type": "object"}},
         "provider": "memory", "model": "m-1",
         "answer": {"text": "yes", "value": {"n": 1}, "stop": "end", "model": "m-1.5", "request_id": "req-1", "usage": {
             "input_tokens": 1, "output_tokens": 2, "cache_read_tokens": 3, "cache_write_tokens": 4}}},
        {"slot": "b", "request": {"system": "", "messages": [{"role": "user", "text": "hi"}]},
         "provider": "memory", "model": "m-1", "error": {"code": "model-failed", "message": "500"}}]
    assert path.stat().st_mode & 0o777 == 0o600
    assert asyncio.run(replay(path).answer(call("a[0]", schema={"type": "object"}), Unwatched())) == told


def test_repeated_calls_are_answered_in_their_order_and_the_last_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, MemoryModel([ModelError("model-busy", "429"), "one", "two"]), *[call()] * 3)
    provider = replay(path)
    with pytest.raises(ModelError, match="429") as caught:
        answer(provider, call())
    assert (caught.value.code, caught.value.retryable) == ("model-busy", True)
    assert [answer(provider, call()) for _ in range(3)] == ["one", "two", "two"]


def test_a_new_recording_begins_anew_and_a_resumed_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, MemoryModel(["old"]), call())
    record(path, MemoryModel(["new"]), call())
    record(path, MemoryModel(["more"]), call("other"), appends=True)
    provider = replay(path)
    assert (answer(provider, call()), answer(provider, call("other"))) == ("new", "more")
    assert path.read_text().count("oe_recording") == 1


def test_which_model_was_meant_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, MemoryModel(["x\u2028\x85\r\ny"]), call())
    assert answer(replay(path), call()._replace(settings=ModelSettings("replay", "", temperature=1.0))) == "x\u2028\x85\r\ny"


def test_a_recording_holds_no_secret_and_is_still_found(tmp_path: Path) -> None:
    path, redactor = tmp_path / "r.jsonl", Redactor([SECRET])
    asked = call(text=f"use {SECRET}", system=f"\"{SECRET}\"")
    record(path, MemoryModel([f"I used {SECRET}"]), asked, redactor=redactor)
    assert SECRET not in path.read_text()
    assert answer(replay(path, redactor), asked) == "I used [redacted]"


def test_a_changed_recording_is_another_model(tmp_path: Path) -> None:
    one, same, other = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    for path, text in ((one, "x"), (same, "x"), (other, "y")):
        record(path, MemoryModel([text]), call())
    identities = [replay(path).identity(ModelSettings("replay", "")) for path in (one, same, other)]
    assert identities[0] == identities[1] != identities[2]


@pytest.mark.parametrize(("asked", "words", "hint"), [
    (call(text="hi there"), "in the nearest, on line 2 for 'ask', the message 1 differs from character 3 on (2 characters recorded, 8 now)",
     "record it again"),
    (call(system="brief"), "the system text differs from character 1 on (0 characters recorded, 5 now)", "record it again"),
    (call(schema={"type": "object"}), "the schema differs", "record it again"),
    (call(messages=(Message("user", "hi"), Message("assistant", "x"), Message("user", "y"))), "on line 2 for 'ask', there is no message 2", "record"),
    (call("ask[1]"), ": the same request was recorded for 'ask'", "another name now"),
    (call("asks", text="x"), "does not hold this call of 'asks'", "the nearest that it holds is 'ask'"),
    (call("unlike", text="x"), "does not hold this call of 'unlike'", "it holds 2 exchanges"),
])
def test_a_miss_names_the_nearest(tmp_path: Path, asked: ModelCall, words: str, hint: str) -> None:
    path = tmp_path / "r.jsonl"
    record(path, MemoryModel(["x"]), call(), call(text="something else"))
    with pytest.raises(ModelError) as caught:
        answer(replay(path), asked)
    assert words in caught.value.message and hint in str(caught.value.hint)
    assert (caught.value.code, caught.value.retryable) == ("replay-miss", False)
    assert re.search(r"call of '[^']+' \(request [0-9a-f]{12}\)", caught.value.message)


def test_a_miss_quotes_nothing_of_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, MemoryModel(["x"]), call(text="the recorded secret of the house", system="recorded system"))
    with pytest.raises(ModelError) as caught:
        answer(replay(path), call(text="the other secret of the garden", system="other system"))
    for word in ("house", "garden", "recorded secret", "other", "recorded system"):
        assert word not in f"{caught.value} {caught.value.hint}"


def test_a_nested_experience_is_replayed_by_its_own_names(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, MemoryModel(["1", "2"]), call("ask"), call("ask"))
    replayed = replay(path)
    assert [answer(replayed, call(slot)) for slot in ("in[0]/ask", "in[1]/ask", "in[0]/ask", "deep/in/ask")] == ["1", "1", "2", "1"]


@pytest.mark.parametrize(("text", "words"), [
    ("", "line 1 .* it is no JSON"),
    ("{}\n", "line 1 .* must begin with"),
    ("not json\n", "line 1 .* it is no JSON"),
    ('{"oe_recording":2}\n', "line 1 .* must begin with"),
    ('{"oe_recording":1}\n{"slot":"a"}\n', "line 2 .* no slot, no request"),
    ('{"oe_recording":1}\n\n', "line 2 .* it is no JSON"),
    ('{"oe_recording":1}\n{"slot":"a","request":{"x":1},"error":{"code":"z","message":"y"}}\n', "line 2 .* no known code: 'z'"),
    ('{"oe_recording":1}\n{"slot":"a","request":{"x":1},"answer":{"te', "line 2 .* it is no JSON"),
    ("\udcff", "it is no text"),
])
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(OeError, match=words):
        replay(path)


def test_a_recording_is_left_as_it_is_until_its_run_begins(tmp_path: Path) -> None:
    kept, new = tmp_path / "kept.jsonl", tmp_path / "new.jsonl"
    kept.write_text("what it holds")
    for path in (kept, new):
        Recording(str(path), Redactor()).close()
    assert [path.name for path in tmp_path.iterdir()] == ["kept.jsonl"]
    assert kept.read_text() == "what it holds"


@pytest.mark.parametrize(("open_it", "name", "words", "exit_code"), [
    (replay, "no/such", "there is no recording '.*such'", 5),
    (replay, ".", "cannot read the recording '.*': is a directory", 2),
    (lambda path: Recording(str(path), Redactor()), "no/such", "cannot write the recording '.*': no such file", 2),
    (lambda path: Recording(str(path), Redactor()), ".", "cannot write the recording '.*': is a directory", 2),
])
def test_a_path_that_is_none(tmp_path: Path, open_it: Callable[[Path], object], name: str, words: str, exit_code: int) -> None:
    with pytest.raises(OeError, match=words) as caught:
        open_it(tmp_path / name)
    assert caught.value.exit_code == exit_code


def test_a_full_disk_fails_the_call(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.fail("this machine has no /dev/full")
    with pytest.raises(OeError, match="cannot write the recording '/dev/full': no space left on device"):
        record(Path("/dev/full"), MemoryModel(), call())
