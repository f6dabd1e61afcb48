"""Any change to an experience leads to problems or to an experience, never to another exception."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path

import pytest

from oe.lang.json_reader import read_json
from oe.lang.yaml import read_yaml
from oe.spec.load import build_experience
from oe.store.local_files import LocalFiles
from oe.values import Json
from tests.support.front_end import ALL_KINDS

FOLDER = Path(__file__).parents[1] / "golden" / "spec"
KINDS = {kind.name: kind for kind in ALL_KINDS}
SOURCES = ("clean", "accepted-key", "unknown-path", "missing-folder", "write-race", "undeclared-write--output",
           "conflicting-keys--cli-agent", "member-edge")
STRANGE: tuple[Json, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "x", "fetch", "$", "$.", "$.diff", "$item", "$inputs.fetch.a[0]", "$prev",
    "{{ x }}", "{{", "./prompts/review.md", "../x", "/etc/passwd", "\x00", "a\nb", "5m", "1.2.3", "(", "$.a >", [], {},
    ["x"], [1, None], [[]], {"a": 1}, {"type": "array"}, {"type": 3}, {"$ref": "#/x"}, {"$ref": "./schemas/list.json"},
    {"policy": "continue"}, {"source": []}, {"usd": 1}, {"id": "x", "kind": "tool"})
KEYS = ("id", "kind", "needs", "when", "join", "for_each", "on_error", "cache", "budget", "inputs", "type", "merge", "default",
        "required", "schema", "items", "stages", "body", "until", "llm", "timeout", "prompt", "zzz", "$ref", "from", "args")


def _containers(value: Json) -> list[dict[str, Json] | list[Json]]:
    found: list[dict[str, Json] | list[Json]] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found.append(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            found.append(part)
            waiting.extend(part)
    return found


def _mutate(chooser: random.Random, value: Json) -> None:
    part = chooser.choice(_containers(value))
    new = copy.deepcopy(chooser.choice(STRANGE))
    if isinstance(part, dict):
        key = chooser.choice([*part, *KEYS]) if part else chooser.choice(KEYS)
        if chooser.random() < 0.2:
            part.pop(key, None)
        else:
            part[key] = new
    elif part and chooser.random() < 0.7:
        part[chooser.randrange(len(part))] = new
    else:
        part.append(copy.deepcopy(chooser.choice(part)) if part and chooser.random() < 0.5 else new)


@pytest.mark.parametrize("name", SOURCES)
def test_mutations(name: str) -> None:
    chooser = random.Random(name)
    files = LocalFiles(FOLDER)
    original = read_yaml((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), "x").value
    for _ in range(150):
        value = copy.deepcopy(original)
        for _ in range(chooser.choice((1, 1, 2, 5))):
            _mutate(chooser, value)
        document = read_json(json.dumps(value), "x.json")
        experience, problems = build_experience(document, KINDS, files)
        errors = [problem for problem in problems if problem.severity == "error"]
        assert (experience is None) == bool(errors)
        assert len(set(problems)) == len(problems)
        own = [problem for problem in problems if problem.span is not None and problem.span.file == "x.json"]
        assert own == sorted(own, key=lambda problem: problem.span or ())
