"""One mistake, one message: what could not be read is not complained about a second time."""

from __future__ import annotations

import pytest

from tests.unit.spec.specs import codes, graph


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param(graph("id: 1st", "id: next, needs: 1st"), ["bad-value"], id="edge to a unit with a bad id"),
    pytest.param(graph("id: one, writes: rows", "id: two, reads: [rows], needs: one", state="rows: {type: array}"),
                 ["wrong-type"], id="read of what an unreadable writes may write"),
    pytest.param(graph("id: one, needs: nowhere, writes: [a]", "id: two, reads: [a], needs: nowhere", state="a: {}"),
                 ["unknown-unit", "unknown-unit"], id="order where an edge is wrong"),
    pytest.param(graph("id: one, needs: two, writes: [a]", "id: two, needs: one, reads: [b]", state="a: {}, b: {}"),
                 ["cycle"], id="views in a cycle"),
    pytest.param("state: {schema: [rows]}\n" + graph("id: one, writes: [rows], args: {a: $.rows}"), ["wrong-type"],
                 id="fields of a schema that is no mapping"),
    pytest.param(graph("id: one, writes: [a], args: {x: $.a.b.c}", state="a: {type: strng, default: 3}"),
                 ["ill-typed-keyword"], id="values against a schema with problems"),
    pytest.param("args: [since]\n" + graph("id: one, args: {a: $args.since}"), ["wrong-type"], id="arguments unread"),
    pytest.param(graph("id: one", rest="  loops: [{id: again, body: one, max_iters: often}]\n"), ["wrong-type"],
                 id="bound of a loop unread"),
    pytest.param(graph("id: one", rest="  loops: [{id: again, body: one, until: '(1'}]\n"), ["invalid-expression"],
                 id="condition of a loop unread"),
    pytest.param("phases: [load]\n" + graph("id: one, phase: load"), ["wrong-type"], id="phases unread"),
    pytest.param(graph("id: one, kind: tol, mdoel: x"), ["yaml-duplicate-key"], id="a text that cannot be read"),
    pytest.param("graph:\n  nodes:\n    - {id: one, kind: webhook, url: x}\n", ["unknown-kind"],
                 id="keys of a kind that nobody knows"),
    pytest.param("graph:\n  nodes:\n    - {id: one, kind: agnt, prompt: Hi, modell: x}\n", ["unknown-kind", "unknown-key"],
                 id="keys of a kind that was meant"),
    pytest.param(graph("id: one, reads: [a], args: {x: $.a}", "id: two, writes: [a]", state="a: {}"),
                 ["reads-unordered-write"], id="one field seen twice by one node"),
    pytest.param("graph:\n  nodes:\n    - {id: ask, kind: agent, prompts: Hi there}\n", ["unknown-key"],
                 id="a misspelt required key"),
    pytest.param("graph: {nodes: [{id: ask, knid: agent, prompt: Hi}]}\n", ["unknown-key"], id="a kind under a misspelt key"),
    pytest.param("args: [topic]\ngraph: {nodes: [{id: ask, kind: agent, prompt: 'Say {{ topic }}'}]}\n", ["wrong-type"],
                 id="a name in a prompt that may be an unreadable argument's"),
    pytest.param("state: {schema: {said: {type: txt}}}\ngraph: {nodes: [{id: ask, kind: agent, prompt: Hi, writes: [said]}]}\n",
                 ["ill-typed-keyword"], id="an answer for a field of no known type"),
])
def test_no_follow_on(text: str, expected: list[str]) -> None:
    assert codes(text) == expected
