"""Bodies that are sent, and events that our own test servers send, fit the types of the official clients.

Two generations of Anthropic's client: the older one still has sampling parameters, the newer one does not.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from oe.llm import anthropic, openai
from oe.ports.model import Answer, Message, ModelCall, ModelSettings, Usage
from oe.values import JsonObject
from tests.support.model_server import anthropic_events, openai_chunks
from tests.support.software import python_packages

Check = Callable[[str, Iterable[Any]], list[str | None]]
SCRIPT = Path(__file__).with_name("check_shapes.py")
SCHEMA: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                      "additionalProperties": False}
LONG = "x" * 5000
ANTHROPIC_FORMS = ("strict tool", "tool", "format", "words")
OPENAI_FORMS = ("json_schema", "tool", "json_object", "words")


@pytest.fixture(scope="module", params=["anthropic>=2", "anthropic<1"])
def anthropic_types(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Check]:
    return request.param, checker(tmp_path_factory.mktemp("anthropic"), request.param)


@pytest.fixture(scope="module")
def openai_types(tmp_path_factory: pytest.TempPathFactory) -> Check:
    return checker(tmp_path_factory.mktemp("openai"), "openai>=3")


def checker(folder: Path, requirement: str) -> Check:
    python = python_packages(folder, requirement, "pydantic>=2.13")

    def check(kind: str, bodies: Iterable[Any]) -> list[str | None]:
        lines = "".join(json.dumps({"kind": kind, "body": body}) + "\n" for body in bodies)
        done = subprocess.run([python, SCRIPT], input=lines, capture_output=True, text=True, check=True, timeout=120)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return check


def calls(temperature: float | None = None) -> list[ModelCall]:
    settings = ModelSettings("p", "m-1", temperature=temperature)
    turns = (Message("user", "hi"), Message("assistant", "{}"), Message("user", "again"))
    return [ModelCall("a", settings, turns[:1]), ModelCall("a", settings, turns, "be brief", SCHEMA),
            ModelCall("a", settings, turns, LONG, SCHEMA, True)]


def test_the_check_finds_faults(anthropic_types: tuple[str, Check], openai_types: Check) -> None:
    good = dict(anthropic.request_body(calls()[1], "tool"))
    bad = [{**good, "max_tokens": "many"}, {**good, "unheard_of": 1}, {**good, "messages": [{"role": "wizard", "content": "x"}]},
           {**good, "tools": [{"name": "x"}]}]
    assert all(anthropic_types[1]("anthropic-request", bad))
    fine = dict(openai.request_body(calls()[1], "tool", "max_tokens", True))
    assert all(openai_types("openai-request", [{**fine, "messages": [{"role": "user"}]}, {**fine, "tools": [{"type": "function"}]},
                                               {**fine, "response_format": {"type": "json_schema"}}]))


def test_bodies_for_anthropic(anthropic_types: tuple[str, Check]) -> None:
    version, check = anthropic_types
    bodies = [anthropic.request_body(call, form) for call in calls() for form in ANTHROPIC_FORMS]
    assert check("anthropic-request", bodies) == [None] * len(bodies)
    if version == "anthropic<1":
        sampled = [anthropic.request_body(call, "words") for call in calls(0.5)]
        assert check("anthropic-request", sampled) == [None] * len(sampled)


def test_bodies_for_openai(openai_types: Check) -> None:
    bodies = [openai.request_body(call, form, limit, True) for call in [*calls(), *calls(0.5)] for form in OPENAI_FORMS
              for limit in ("max_tokens", "max_completion_tokens")]
    assert check_all(openai_types, "openai-request", bodies) == []


def test_events_of_our_own_servers(anthropic_types: tuple[str, Check], openai_types: Check) -> None:
    answers = [Answer("a text", usage=Usage(3, 2, 1, 1)), Answer('{"n": 1}', usage=Usage(3, 2)), Answer("cut", stop="max_tokens")]
    for as_tool in (False, True):
        events = [event for answer in answers for event in anthropic_events(answer, as_tool=as_tool) if event["type"] != "ping"]
        assert check_all(anthropic_types[1], "anthropic-event", events) == []
        chunks = [chunk for answer in answers for chunk in openai_chunks(answer, as_tool=as_tool)]
        assert check_all(openai_types, "openai-chunk", chunks) == []


def check_all(check: Check, kind: str, bodies: list[Any]) -> list[tuple[str, Any]]:
    return [(fault, body) for fault, body in zip(check(kind, bodies), bodies, strict=True) if fault is not None]
