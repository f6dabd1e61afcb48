"""Experiences of every form whose tools leave a line for each time that they ran to their end, and whose models answer
from a recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.experiences import write_experience

HEAD = """\
name: crashing
version: 1.0.0
state:
  schema:
    trail: {type: array, items: {type: string}, merge: array_append, persist: true, default: []}
    words: {type: array, default: [a, b, c, d, e, f]}
    sum: {type: integer}
    said: {type: string}
graph:
  nodes:
"""
STEP = "kind: tool, impl: ./step.py, args: {at: $item}, reads: [trail], writes: [trail]"
ALONE = "kind: tool, impl: ./step.py, reads: [trail], writes: [trail]"
SUMMED = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
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
    "agent": f"""\
    - {{id: ask, kind: agent, prompt: "say {{{{ $item }}}}", writes: [trail], for_each: {{source: $.words, concurrency: 3}}}}
    - {{id: between, {ALONE}, needs: [ask]}}
    - {{id: checked, kind: agent, prompt: "sum up {{{{ trail }}}}", needs: [between], reads: [trail], writes: [sum],
       schema: {json.dumps(SUMMED)}}}
    - {{id: after, {ALONE}, needs: [checked]}}
""",
}
PROGRAMS = """\
    - {id: first, kind: tool, command: [sh, program.sh], writes: [trail], cache: false}
    - {id: many, kind: tool, command: [sh, program.sh], writes: [trail], needs: [first], cache: false,
       for_each: {source: $.words, concurrency: 4}}
    - {id: apart, kind: tool, impl: ./step.py, isolation: process, reads: [trail], writes: [trail], needs: [first]}
    - {id: agent, kind: cli-agent, command: [cat], prompt: "hello", writes: [said], output: text, needs: [first]}
    - {id: last, kind: tool, impl: ./step.py, reads: [trail], writes: [trail], needs: [many, apart]}
"""
"""Of programs: for faults, not for kills, as a program that outlives its owner by a moment may leave its line late."""

PROGRAM = """\
cat >/dev/null
echo "$OE_SLOT" >>done
echo "{\\"trail\\": [\\"$OE_SLOT\\"]}"
"""
MODEL_SLOTS = frozenset({*(f"ask[{number}]" for number in range(6)), "checked"})
RECORDING = "answers.jsonl"
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
    budget = "runtime: {budget: {tokens: 1000000, calls: 1000}}\n" if shape == "agent" else ""
    write_experience(folder, HEAD + (SHAPES.get(shape) or PROGRAMS) + budget, step=TOOL)
    if shape == "nested":
        (folder / "child.yaml").write_text(CHILD)
    if shape == "programs":
        (folder / "program.sh").write_text(PROGRAM)
    if shape == "agent":
        (folder / RECORDING).write_text("".join(json.dumps(line) + "\n" for line in _recording()))
    return folder


def options(shape: str) -> tuple[str, ...]:
    """What `run` and `resume` are told besides the run's id."""
    return ("--replay", RECORDING) if shape == "agent" else ()


def _recording() -> list[Any]:
    """Six answers, and one that is asked for twice, since its first form does not fit the schema."""
    said = [f"said {word}" for word in "abcdef"]
    asked = [("user", "sum up " + json.dumps([*said, "between None 6"], separators=(",", ":")))]
    again = ("user", "Your answer cannot be used:\n- $.sum: expected integer, found string 'six'\nAnswer again with the "
             "whole JSON object, corrected, and with nothing before or after it.")
    return [{"oe_recording": 1},
            *(_exchange(f"ask[{number}]", text, [("user", f"say {text[-1]}")]) for number, text in enumerate(said)),
            _exchange("checked", '{"sum": "six"}', asked, schema=SUMMED),
            _exchange("checked", '{"sum": 6}', [*asked, ("assistant", '{"sum": "six"}'), again], schema=SUMMED)]


def _exchange(slot: str, text: str, messages: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    told = [{"role": role, "text": each} for role, each in messages]
    return {"slot": slot, "request": {"system": "", "messages": told, **more},
            "answer": {"text": text, "stop": "end", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 2}}}
