"""Texts and numbers beyond all measure get a short, printable answer."""

from __future__ import annotations

import pytest

from tests.support.front_end import read_spec
from tests.unit.spec.specs import FOLDER, HEAD, graph

_HUGE = "9" * 400
_LONG = "x" * 10_000


@pytest.mark.parametrize(("text", "code"), [
    (f"runtime: {{timeout: {_HUGE}}}\n" + graph("id: a"), "bad-value"),
    (f"runtime: {{timeout: {_HUGE}s}}\n" + graph("id: a"), "bad-value"),
    (f"runtime: {{concurrency: {_HUGE}}}\n" + graph("id: a"), "bad-value"),
    (f"runtime: {{budget: {{usd: {_HUGE}}}}}\n" + graph("id: a"), "bad-value"),
    ("runtime: {timeout: 1e400}\n" + graph("id: a"), "wrong-type"),
    (graph(f"id: a, timeout_ms: {_HUGE}"), "bad-value"),
    (graph(f"id: a, on_error: {{policy: retry, attempts: 2, base_ms: {_HUGE}}}"), "bad-value"),
    (f"graph: {{nodes: [{{id: a, kind: agent, prompt: Hi, max_tokens: {_HUGE}}}]}}", "bad-value"),
    ("graph: {nodes: [{id: a, kind: agent, prompt: Hi, repair: 101}]}", "bad-value"),
    (graph("id: 1e400"), "wrong-type"),
    (graph("id: a, phase: -.inf"), "wrong-type"),
    (graph("id: a, when: .nan"), "wrong-type"),
    ("graph: {nodes: [{id: a, kind: tool, command: [.inf], cache: false}]}", "tool-no-program"),
    (graph(f"id: {_LONG}"), "bad-value"),
    (graph(f"id: a, kind: {_LONG}").replace("kind: tool, ", ""), "unknown-kind"),
    (graph(f"id: a, needs: {_LONG}"), "unknown-unit"),
    (graph(f"id: a, args: {{x: $.{_LONG}}}"), "unknown-field"),
    (graph(f"id: a, args: {{x: $args.{_LONG}}}").replace("graph:", "args: {}\ngraph:", 1), "unknown-argument"),
    (graph("id: a, inputs: [" + "../" * 3_000 + "]"), "path-outside"),
    (graph('id: a, needs: "\\e[31mred"'), "unknown-unit"),
    ("graph: {nodes: [{id: a, kind: agent, prompt: './\\u202e.md'}]}\n".replace("'", '"'), "missing-file"),
    ("graph: {nodes: [{id: a, kind: agent, prompt: './\\0.md'}]}\n".replace("'", '"'), "missing-file"),
])
def test_answer_is_short_and_printable(text: str, code: str) -> None:
    experience, problems = read_spec(HEAD + text, FOLDER)
    assert experience is None
    assert [problem.code for problem in problems if problem.severity == "error"] == [code]
    for problem in problems:
        assert len(str(problem)) < 2_000
        assert str(problem).isprintable()


def test_ten_thousand_problems_are_all_told() -> None:
    nodes = [f"id: n{number}, needs: missing" for number in range(10_000)]
    _, problems = read_spec(HEAD + graph(*nodes), FOLDER)
    assert len(problems) == 10_000
