"""Ten thousand nodes: no recursion, no quadratic step. Time is measured against the front end's own on a tenth."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from oe.lang.json_reader import read_json
from oe.spec.load import build_experience
from oe.store.local_files import LocalFiles
from oe.values import Json
from tests.support.front_end import ALL_KINDS
from tests.support.growth import growth
from tests.unit.spec.specs import FOLDER

KINDS = {kind.name: kind for kind in ALL_KINDS}


def _node(number: int, needs: list[Json], **keys: Json) -> Json:
    return {"id": f"n{number}", "kind": "tool", "impl": "./tools/work.py", "cache": False, "needs": needs,
            "reads": [f"f{number % 10}"], "writes": [f"f{(number + 1) % 10}"], "args": {"number": number}, **keys}


def _chain(size: int) -> list[Json]:
    return [_node(number, [f"n{number - 1}"] if number else []) for number in range(size)]


def _fan(size: int) -> list[Json]:
    """One source, many conditional branches that write one field each in turn, one join."""
    middle = [_node(number, ["n0"], when=f"$.f1 == {number}") for number in range(1, size - 1)]
    return [_node(0, []), *middle, _node(size - 1, [f"n{number}" for number in range(1, size - 1)], join="any")]


def _layers(size: int) -> list[Json]:
    return [_node(number, [f"n{below}" for below in range(number - number % 10 - 10, number - number % 10)]
                  if number >= 10 else []) for number in range(size)]


def _building(nodes: list[Json]) -> Callable[[], set[str]]:
    """A job: builds and checks the experience; the codes of what is found."""
    fields: Json = {f"f{number}": {"type": "integer", "default": 0} for number in range(10)}
    text = json.dumps({"name": "large", "version": "1.0.0", "state": {"schema": fields}, "graph": {"nodes": nodes}})
    document = read_json(text, "large.json")

    def build() -> set[str]:
        _, problems = build_experience(document, KINDS, LocalFiles(FOLDER))
        return {problem.code for problem in problems}
    return build


@pytest.mark.parametrize(("shape", "expected"), [
    (_chain, set()), (_fan, {"write-race", "reads-unordered-write"}), (_layers, {"write-race", "reads-unordered-write"})])
def test_ten_times_the_nodes_take_about_ten_times_as_long(
        shape: Callable[[int], list[Json]], expected: set[str]) -> None:
    assert _building(shape(10_000))() <= expected
    assert growth(lambda size: _building(shape(size)), 1_000, 10_000, most=2) <= 2


def test_a_ring_of_ten_thousand_is_one_problem() -> None:
    nodes = _chain(10_000)
    nodes[0] = _node(0, ["n9999"])
    assert _building(nodes)() == {"cycle"}


def _fields(size: int, **more: Json) -> dict[str, Json]:
    return {f"q{number}": {"type": "string", "default": "", **more} for number in range(size)}


def _reads(size: int) -> Json:
    return [{"id": "a", "kind": "tool", "command": ["ls"], "cache": False, "reads": [f"r{number}" for number in range(size)]}]


def _fallback(size: int) -> Json:
    delta: Json = {f"r{number}": 1 for number in range(size)}
    return [{"id": "a", "kind": "tool", "command": ["ls"], "cache": False, "writes": list(_fields(size)),
             "on_error": {"policy": "continue", "output": {"state_delta": delta}}}]


def _answer(size: int) -> Json:
    return [{"id": "a", "kind": "agent", "prompt": "Hi", "writes": list(_fields(size)),
             "schema": {"properties": {f"r{number}": True for number in range(size)}}}]


def _prompt(size: int) -> Json:
    return [{"id": "a", "kind": "agent", "prompt": " ".join(f"{{{{ $.r{number} }}}}" for number in range(size))}]


def _paths(size: int) -> Json:
    return [{"id": "a", "kind": "tool", "command": ["ls"], "cache": False,
             "args": {f"a{number}": f"$.object.r{number}" for number in range(size)}}]


@pytest.mark.parametrize("nodes", [_reads, _fallback, _answer, _prompt, _paths])
def test_ten_times_the_mistakes_take_about_ten_times_as_long(nodes: Callable[[int], Json]) -> None:
    """Each name is compared with others for a hint, and each place looked for, in a bounded way."""
    def job(size: int) -> Callable[[], object]:
        schema: Json = {**_fields(size), "object": {"default": {}, "properties": {f"q{number}": {} for number in range(size)}}}
        document = read_json(json.dumps({"name": "x", "version": "1.0.0", "state": {"schema": schema},
                                         "graph": {"nodes": nodes(size)}}), "x.json")
        return lambda: build_experience(document, KINDS, LocalFiles(FOLDER))
    assert growth(job, 400, 4_000, most=2) <= 2


def test_a_hundred_problems_of_one_text_are_told() -> None:
    text = json.dumps({"name": "x", "version": "1.0.0", "state": {"schema": {}}, "graph": {"nodes": _prompt(1_000)}})
    experience, problems = build_experience(read_json(text, "x.json"), KINDS, LocalFiles(FOLDER))
    assert experience is None
    assert len(problems) == 100
