"""Naming the part of a graph that is to be run: what is no unit is answered with what can be named."""

from __future__ import annotations

from pathlib import Path

import pytest

from oe.app.experiences import load_experience
from oe.app.reused import expect_units
from oe.errors import NotFoundError
from oe.plan.graph import Graph
from oe.plan.selection import select
from tests.support.experiences import write_experience


@pytest.mark.parametrize(("name", "hint"), [
    ("again[1]/turn", "only a whole unit can be named: 'again'"),
    ("turn", "only a whole unit can be named: 'again'"),
    ("each[0]", "only a whole unit can be named: 'each'"),
    ("stream[2]/pass", "only a whole unit can be named: 'stream'"),
    ("aech", "did you mean 'each'?"),
    ("zzz", "units: each, stream, again"),
])
def test_what_is_no_unit_is_answered_with_what_can_be_named(tmp_path: Path, name: str, hint: str) -> None:
    experience = load_experience(write_experience(tmp_path, """
        name: parts
        version: 1.0.0
        graph:
          nodes:
            - {id: each, kind: tool, command: ["true"], for_each: {source: [1, 2]}}
            - {id: pass, kind: tool, command: ["true"]}
            - {id: turn, kind: tool, command: ["true"]}
          pipelines: [{id: stream, items: [1], stages: [pass]}]
          loops: [{id: again, body: turn, max_iters: 2}]
        """))
    for ask in (lambda: select(Graph(experience), only=None, start=None, refresh=[name]),
                lambda: expect_units(experience, [name])):
        with pytest.raises(NotFoundError, match="has no unit") as caught:
            ask()
        assert caught.value.hint == hint
