"""A disk that is full while a run goes on: one sentence, the stated exit code, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.counted import Counted
from tests.support.program import Program

SPEC = """\
name: faults
version: 1.0.0
state: {schema: {w: {type: array, default: [1, 2, 3, 4]}, out: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: each, kind: tool, impl: ./tools/tool.py:run, UNIT writes: [out]}
REST
"""
FORMS = {
    "node": SPEC.replace("UNIT", "").replace("REST", ""),
    "loop": SPEC.replace("UNIT", "").replace("REST", "  loops: [{id: again, body: [each], max_iters: 4}]"),
    "fan-out": SPEC.replace("UNIT", "for_each: {source: $.w}, ").replace("REST", ""),
    "pipeline": SPEC.replace("UNIT", "").replace("REST", "  pipelines: [{id: pipe, items: $.w, stages: [each]}]"),
}
FULL = """\
import resource

def run(inputs, ctx):
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return {"out": ["x" * 100_000]}
"""


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_one_sentence(program: Program, tmp_path: Path, form: str) -> None:
    counted = Counted(program, tmp_path / "faults", FORMS[form], FULL)
    done = program.run("run", cwd=counted.folder)
    assert done.exit_code == 1, done.stderr[-600:]
    assert "Traceback" not in done.stderr
