"""Hostile texts for everything that reads what others wrote: only its own errors come out, each in a sentence, in bounded time.

Every target gets its whole corpus and mutants of it, by seeds. OE_FUZZ_SECONDS is the time for each target in the long form.
"""

from __future__ import annotations

import io
import json
import os
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from oe.errors import OeError
from oe.lang.expression import parse_expression
from oe.lang.json_reader import read_json
from oe.lang.schema import check_schema
from oe.lang.scope import Scope
from oe.lang.template import compile_text, compile_value, text_problems, value_problems
from oe.lang.yaml import load_yaml, read_yaml
from oe.llm.sse import EventReader, EventTooLong
from oe.render.tree import render_tree
from oe.spec.load import build_experience
from oe.state.snapshot_values import snapshot_from
from oe.store.event_lines import find_end, read_lines
from oe.store.local_files import LocalFiles
from oe.values import Json
from tests.support.front_end import ALL_KINDS
from tests.support.fuzzing import bombard

SECONDS = float(os.environ.get("OE_FUZZ_SECONDS", "40"))
MOST_GROWTH_KIB = 400 << 10
FILES = LocalFiles(Path(__file__).parent / "corpus")
SCOPE = Scope(state={"a": 7, "s": "bug" * 9, "list": [1, "b", None], "nil": None}, args={"x": "arg"}, item={"k": 1})
VALUES: tuple[Json, ...] = (None, True, 1, 1.0, -1e300, "", "a" * 200 + "!", [1, 1.0, True], {"a": 1, "\0": [{}]}, [[]] * 50)


def take_yaml(text: str) -> None:
    with suppress(OeError):
        load_yaml(text)
    with suppress(OeError):
        read_yaml(text.encode("utf-8", "surrogatepass"))


def take_spec(text: str) -> None:
    """As an experience: what can be read is checked, by every check."""
    with suppress(OeError):
        build_experience(read_yaml(text, "x.yaml"), {kind.name: kind for kind in ALL_KINDS}, FILES)


def take_json(text: str) -> None:
    with suppress(OeError):
        read_json(text)
    with suppress(OeError):
        read_json(text.encode("utf-8", "surrogatepass"))


def take_expression(text: str) -> None:
    with suppress(OeError):
        expression = parse_expression(text)
        expression.references()
        expression.test(SCOPE)


def take_template(text: str) -> None:
    text_problems(text)
    value_problems([text, {"a": text}])
    with suppress(OeError):
        compile_text(text).render(SCOPE)
    with suppress(OeError):
        compile_value([text]).resolve(SCOPE)


def take_schema(text: str) -> None:
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        return
    for value in VALUES:
        with suppress(OeError):
            check_schema(value, schema)


def take_events(text: str) -> None:
    data = text.encode("utf-8", "replace")
    list(read_lines(io.BytesIO(data), "r-1"))
    find_end(io.BytesIO(data), "r-1")


def take_stream(text: str) -> None:
    data = text.encode("utf-8", "replace")
    reader = EventReader()
    with suppress(EventTooLong):
        for start in range(0, len(data), 1 + len(data) // 7):
            reader.feed(data[start:start + 1 + len(data) // 7])


def take_snapshot(text: str) -> None:
    """Of another process: what stands in its live file is drawn, or it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    snapshot = snapshot_from(value)
    if snapshot is not None:
        render_tree(snapshot)


TARGETS: dict[str, tuple[str, Callable[[str], None]]] = {
    "yaml": ("yaml", take_yaml), "spec": ("yaml", take_spec), "json": ("json", take_json),
    "expressions": ("expression", take_expression), "templates": ("template", take_template), "schemas": ("schema", take_schema),
    "events": ("events", take_events), "streams of models": ("sse", take_stream), "snapshots": ("snapshot", take_snapshot)}


@pytest.mark.parametrize("long", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("target", TARGETS)
def test_hostile_texts(target: str, long: bool) -> None:
    name, take = TARGETS[target]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = bombard(name, take, seed=2 if long else 1, count=2000 if long else 150, seconds=SECONDS if long else 0)
    assert done >= 150
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH_KIB


def test_what_does_harm_is_told_with_its_seed() -> None:
    def breaks(text: str) -> None:
        if "9" * 20 in text:
            raise RecursionError

    with pytest.raises(AssertionError, match=r"RecursionError: ; seed 7, text \d+; to be added to corpus/json.jsonl: "):
        bombard("json", breaks, seed=7, count=50)
