"""What people write who know another system, or templates, better than the format: each gets the word that is meant."""

from __future__ import annotations

import sys
from pathlib import Path

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
    (graph("id: one, when: '$.note == “x”'"), "write a text in straight quotes: 'text'"),
    (graph("id: one, when: '${{ $.note }}'"), "write it without braces: $.field, $args.name or $item"),
    (graph("id: one, when: $.args.who == 1"), "write $args.who"),
    (graph("id: one, when: $.item.x == 1, for_each: {source: [1]}"), "write $item.x"),
    ("graph: {nodes: [{id: ask, kind: agent, prompt: 'Of {{ state.note }}'}]}\n", "write $.note"),
    (graph("id: one, effects: yes"), "write true"),
    (graph("id: one, effects: Off"), "write false"),
    ("graph: {nodes: [{id: one, kind: tool, command: [ls], cache: no}]}\n", "write false"),
    (graph("id: one, timeout: 0.0s"), "it must be longer than nothing"),
    ("runtime: {timeout: 0s}\n" + graph("id: one"), "it must be longer than nothing"),
    (graph("id: one, needs one"), "put a colon after 'needs': 'needs: one'"),
    (graph("id: one", state="a: {type: string, maxLength 3}"), "put a colon after 'maxLength': 'maxLength: 3'"),
    (graph("id: one", state="a: {type: object, properties: {b: {required: true}}}"),
     "an object names those that it needs: required: [name]"),
    (graph("id: one, \u00a0needs: []"), "write 'needs': '\\xa0' beside it is part of the key"),
    (graph("id: one", rest="  edges: [one]\n"), "such as {from: …, to: …}"),
    ("graph: {nodes: [{id: one, kind: tool, impl: .\\tools\\work.py, cache: false}]}\n",
     "write './tools/work.py': folders are separated by '/'"),
    ("graph: {nodes: [{id: one, kind: tool, impl: ./tools/wrok.py, cache: false}]}\n", "did you mean './tools/work.py'?"),
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


@pytest.mark.parametrize(("text", "hint"), [
    ("", "the text is empty"), (" \n", "the text is empty"), ('{"a": [1', "the text ends before all that is open is closed"),
    ("{'a': 1}", "write texts in double quotes"), ('{"a": 1, // note\n"b": 2}', "JSON has no comments"),
    ('{"a": None}', "write null"), ('[True]', "write true"), ("{a: 1}", 'write keys in double quotes: "a"'),
    ('{"a": b-c}', "write texts in double quotes"), ('{"a" 1}', None), ("[1 2]", None),
])
def test_what_is_no_json_says_what_was_meant(text: str, hint: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        read_json(text, "x.json")
    assert caught.value.problems[0].hint == hint


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


def test_a_reference_beside_other_keywords_is_open() -> None:
    """What the two together allow is not looked into: nothing is said rather than something wrong."""
    state = "a: {$ref: '#/$defs/base', $defs: {base: {properties: {known: {}}}}, properties: {own: {}}, default: {}}"
    assert codes(graph("id: one, args: {x: $.a.known, y: $.a.own, z: $.a.none}", state=state)) == []


def test_references_of_schema_files_start_from_their_file(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "work.py").write_text("def run(inputs, ctx): return {}\n", encoding="utf-8")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "a.json").write_text('{"properties": {"b": {"$ref": "b.json#/%24defs/odd%20name"}}}', encoding="utf-8")
    (tmp_path / "schemas" / "b.json").write_text('{"$defs": {"odd name": {"properties": {"c": true}}}}', encoding="utf-8")
    (tmp_path / "b.json").write_text('{"$defs": {"odd name": {"properties": {"other": true}}}}', encoding="utf-8")
    text = HEAD + graph("id: one, args: {x: $.a.b.c, y: $.a.b.d}", state="a: {$ref: ./schemas/a.json, default: {b: {c: 1}}}")
    assert [problem.message for problem in read_spec(text, tmp_path)[1]] == ["'$.a.b.d': its schema has no property 'd'"]


def test_a_name_is_marked_behind_its_root() -> None:
    text = graph("id: one, args: {x: $args.arg, y: $args.args.ar}")
    problems = read_spec(HEAD + "args: {args: {properties: {args: {}}}}\n" + text, FOLDER)[1]
    column = next(line.index("$args.arg,") for line in text.splitlines() if "$args" in line) + 1
    assert [problem.span.column for problem in problems if problem.span] == [
        column + len("$args."), column + len("$args.arg, y: $args.args.")]


@pytest.mark.parametrize("default", ["0", "''", "null", "[]", "false"])
def test_the_first_stage_may_have_any_default_for_what_came_before(default: str) -> None:
    stream = graph(f'id: one, args: {{n: "$prev ?? {default}"}}', rest="  pipelines: [{id: p, items: [1], stages: [one]}]\n")
    assert codes(stream) == []
