"""What people write who know another system, or templates, better than the format: each gets the word that is meant."""

from __future__ import annotations

import sys

import pytest

from oe.errors import SpecError
from oe.lang.json_reader import read_json
from tests.support.front_end import read_spec
from tests.unit.spec.specs import FOLDER, HEAD, codes, graph


def hints(text: str) -> list[str | None]:
    return [problem.hint for problem in read_spec(HEAD + text, FOLDER)[1]]


@pytest.mark.parametrize(("text", "hint"), [
    (graph("id: one, retries: 3"), "write on_error: {policy: retry, attempts: 3} instead"),
    (graph("id: one", "id: two, dependsOn: [one]"), "write 'needs' instead"),
    (graph("id: one", "id: two, needs: [one], depends-on: [one]"), "write 'needs' instead"),
    (graph("id: one, for_each: {items: [1], parallel: 2}"), "write 'source' instead"),
    (graph("id: one, on_error: {policy: retry, max_attempts: 3}"), "write 'attempts' instead"),
    (graph("id: one, tytle: x"), None),
    ("graph: {nodes: [{id: one, kind: shell, command: [ls], cache: false}]}\n", "did you mean 'tool'?"),
    ("graph: {nodes: [{id: one, kind: loop}]}\n", "loops stand beside the nodes: graph: {loops: […]}"),
    ("graph: {nodes: [{id: one, kind: human}]}\n", "waiting for people is not available yet"),
    ("steps: []\n", "write graph: {nodes: […]} instead"),
    (graph("id: one", "id: two, needs: 'one, two'"), "write [one, two]"),
    (graph("id: one, reads: 'a, b'", state="a: {default: 1}, b: {default: 1}"), "write [a, b]"),
    ("graph: {nodes: [{id: one, kind: tool, command: sort < x}]}\n", 'write [sh, -c, "sort < x"]'),
    (graph("id: one, when: '{{ 1 }} > 0'"), "a condition stands without braces"),
    (graph("id: one, when: 1 is null"), "write == to compare"),
])
def test_the_hint_is_what_was_meant(text: str, hint: str | None) -> None:
    found = hints(text)[0]
    assert (found or "").startswith("legal keys: id, kind,") if hint is None else found == hint


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Python says it itself")
@pytest.mark.parametrize("text", ['{"a": [1, ]}', '{"a": 1,\n}'])
def test_a_comma_too_many_in_json(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_json(text, "x.json")
    assert caught.value.problems[0].hint == "take out the comma before it"


@pytest.mark.parametrize(("source", "expected"), [
    ("$.names", []), ("$.names ?? null", []), ("$.any", []), ("$.either", []), ("$.deep.list", []), ("$.shared", []),
    ("$.count", ["not-a-list"]), ("$.deep.text", ["not-a-list"]), ("$args.who", ["not-a-list"]), ("$args.all", []),
])
def test_what_is_gone_through_is_a_list(source: str, expected: list[str]) -> None:
    state = ("names: {type: array, default: []}, any: {default: 1}, either: {type: ['null', array], default: null}, "
             "count: {type: integer, default: 1}, shared: {anyOf: [{type: integer}, {type: array}], default: 1}, "
             "deep: {type: object, default: {}, properties: {list: {type: array}, text: {type: string}}}")
    head = "args: {who: {type: string}, all: {type: array}}\n"
    fan_out = graph(f"id: one, args: {{n: $item}}, for_each: {{source: '{source}'}}", state=state)
    assert codes(head + fan_out) == expected
    stream = graph("id: one, args: {n: $item}", state=state, rest=f"  pipelines: [{{id: p, items: '{source}', stages: [one]}}]\n")
    assert codes(head + stream) == expected


@pytest.mark.parametrize(("text", "hint"), [
    ("{{ args.who }}", "write $args.who"), ("{{ who }}", "write $args.who"), ("{{ note }}", "write $.note"),
    ("{{ $.note }}", "write $.note"), ("for {{ who }}", "$args.who is replaced where it is the whole text"),
    ("{{ jinja }}", None), ("{{", None), ("{{ }}", None), ("{{ 1 + 1 }}", None),
])
def test_braces_where_nothing_fills_them_in(text: str, hint: str | None) -> None:
    head = "args: {who: {type: string}}\n"
    found = graph(f"id: one, reads: [note], args: {{x: [{{y: '{text}'}}]}}", state="note: {default: ''}")
    assert hints(head + found) == ([] if hint is None else [hint])
    command = f"graph: {{nodes: [{{id: one, kind: tool, command: [echo, '{text}'], cache: false}}]}}\n"
    assert codes(head + "state: {schema: {note: {}}}\n" + command) == ([] if hint is None else ["unfilled-template"])
