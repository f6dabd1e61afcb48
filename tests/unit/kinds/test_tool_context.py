"""What a Python tool gets as `ctx`: the same inside `oe` and in a process of its own."""

from __future__ import annotations

import pytest

from oe.errors import NodeError
from tests.unit.kinds.attempts import Experiment


def test_ctx_tells_and_takes(experiment: Experiment, isolation: str) -> None:
    source = ("def run(inputs, ctx):\n    ctx.report(0.5, 'half', {'rows': (1, 2)})\n    ctx.report(message='only words')\n"
              "    ctx.report(7)\n    ctx.log('a line')\n    open(ctx.artifact('made.txt'), 'w').write('made')\n"
              "    return {'a': [ctx.run_id, ctx.slot, ctx.attempt, ctx.folder, dict(ctx.env), ctx.cancelled]}")
    experiment.write("tools/x.py", source)
    found = experiment.delta(impl="./tools/x.py", isolation=isolation, env=["DECLARED", "NOT_SET"])
    assert found == {"a": ["r-1", "node[2]", 3, str(experiment.folder), {"DECLARED": "yes"}, False]}
    assert experiment.context.reports == [(0.5, "half", {"rows": [1, 2]}), (None, "only words", None), (1.0, None, None)]
    assert experiment.context.log_text == "a line\n"
    assert (experiment.folder / "artifacts" / "made.txt").read_text() == "made"


def test_a_scope_lasts_as_long_as_its_block_and_no_longer_than_its_process(experiment: Experiment, isolation: str) -> None:
    source = ("kept = []\ndef run(inputs, ctx):\n    with ctx.scope('outer', kind='io'), ctx.scope(7): pass\n"
              "    kept.append(ctx.scope('left open', 'cpu'))\n    kept[0].__enter__()\n"
              "    try:\n        with ctx.scope('fails'): raise ValueError\n    except ValueError: pass\n    return {'a': 1}")
    experiment.write("tools/x.py", source)
    assert experiment.delta(impl="./tools/x.py", isolation=isolation) == {"a": 1}
    assert experiment.context.opened_scopes == [("io", "outer"), ("custom", "7"), ("cpu", "left open"), ("custom", "fails")]
    left_open = ["left open"] if isolation == "process" else []
    assert experiment.context.closed_scopes[:4] == ["7", "outer", "fails", *left_open]


@pytest.mark.parametrize("call", ["ctx.report(0.5, data={1: 2})", "ctx.report('half')", "ctx.defer(3)",
                                  "ctx.scope('x', 'disk')"])
def test_ctx_refuses_what_it_cannot_take(experiment: Experiment, isolation: str, call: str) -> None:
    experiment.write("tools/x.py", f"def run(inputs, ctx):\n    {call}")
    with pytest.raises(NodeError):
        experiment.run(impl="./tools/x.py", isolation=isolation)
