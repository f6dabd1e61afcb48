"""Experiences of every form whose tools leave a line for each time that they ran to their end."""

from __future__ import annotations

from pathlib import Path

from tests.support.experiences import write_experience

HEAD = """\
name: crashing
version: 1.0.0
state:
  schema:
    trail: {type: array, items: {type: string}, merge: array_append, persist: true, default: []}
    words: {type: array, default: [a, b, c, d, e, f]}
graph:
  nodes:
"""
STEP = "kind: tool, impl: ./step.py, args: {at: $item}, reads: [trail], writes: [trail]"
ALONE = "kind: tool, impl: ./step.py, reads: [trail], writes: [trail]"
SHAPES = {
    "chain": "".join(f"    - {{id: n{number}, {ALONE}, needs: [{f'n{number - 1}' if number else ''}]}}\n"
                     for number in range(8)),
    "fan-out": f"""\
    - {{id: many, {STEP}, for_each: {{source: $.words, concurrency: 3}}}}
    - {{id: after, {ALONE}, needs: [many]}}
""",
    "pipeline": f"""\
    - {{id: one, {STEP}}}
    - {{id: two, {STEP}}}
    - {{id: after, {ALONE}, needs: [pipe]}}
  pipelines: [{{id: pipe, items: $.words, stages: [one, two], concurrency: 3}}]
""",
    "loop": f"""\
    - {{id: one, {ALONE}}}
    - {{id: two, {ALONE}}}
    - {{id: after, {ALONE}, needs: [again]}}
  loops: [{{id: again, body: [one, two], max_iters: 4}}]
""",
    "nested": f"""\
    - {{id: first, {ALONE}}}
    - {{id: inner, kind: experience, impl: child.yaml, needs: [first], outputs: {{trail: trail}}, writes: [trail]}}
    - {{id: last, {ALONE}, needs: [inner]}}
""",
}
CHILD = HEAD.replace("crashing", "child") + f"""\
    - {{id: one, {ALONE}}}
    - {{id: many, {STEP}, needs: [one], for_each: {{source: [1, 2, 3], concurrency: 3}}}}
    - {{id: two, {ALONE}, needs: [many]}}
"""
TOOL = """\
import os

def run(inputs, ctx):
    done = os.open("done", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(done, f"{ctx.slot}\\n".encode())
    os.close(done)
    return {"trail": [f"{ctx.slot} {inputs.get('at')} {len(inputs['_state']['trail'])}"]}
"""


def write_shape(folder: Path, shape: str) -> Path:
    """The experience of that shape. Its child stands in the same folder, so that both have their own workspace."""
    write_experience(folder, HEAD + SHAPES[shape], step=TOOL)
    if shape == "nested":
        (folder / "child.yaml").write_text(CHILD)
    return folder
