"""The quick way through common lines and the general way read every text alike: value, places, problems."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from oe.errors import SpecError
from oe.lang.yaml import blocks, flow, quoted, read_yaml

GOLDEN = Path(__file__).parents[2] / "golden" / "yaml"
NOTHING = re.compile(r"(?!)")
PATTERNS = ((blocks, "_ENTRY"), (blocks, "_ITEM"), (flow, "_ITEM"), (flow, "_PAIR"), (quoted, "_SIMPLE"))


def outcome(text: str | bytes) -> object:
    """All that a reading shows."""
    try:
        document = read_yaml(text)
    except SpecError as error:
        return error.problems
    paths: list[tuple[str | int, ...]] = [()]
    spans = []
    for path in paths:
        value = document.value
        for step in path:
            value = value[step]  # type: ignore[index, call-overload]
        spans.append((path, document.span(path), document.span(path, key=True)))
        if len(path) < 12 and isinstance(value, (dict, list)):
            paths.extend((*path, step) for step in (value if isinstance(value, dict) else range(len(value))))
    return repr(document.value), spans, document.warnings


def texts() -> list[bytes]:
    suite = [json.loads(line)["yaml"].encode() for line in (GOLDEN / "suite.jsonl").read_text(encoding="utf-8").splitlines()]
    folders = [path.read_bytes() for folder in ("messages", "files") for path in sorted((GOLDEN / folder).glob("*.y*ml"))]
    return suite + folders


def test_both_ways_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    every = texts()
    quick = [outcome(text) for text in every]
    for module, pattern in PATTERNS:
        monkeypatch.setattr(module, pattern, NOTHING)
    for text, expected in zip(every, quick, strict=True):
        assert outcome(text) == expected, text


@pytest.mark.parametrize(("module", "pattern"), PATTERNS)
def test_the_quick_way_is_taken(module: object, pattern: str) -> None:
    """A pattern that never matches a common text would make the test above prove nothing."""
    samples = {"_ENTRY": "key: value\n", "_PAIR": " key: value}", "_SIMPLE": '"text"'}
    sample = samples.get(pattern) or (" item]" if module is flow else "- item\n")
    assert getattr(module, pattern).match(sample)
