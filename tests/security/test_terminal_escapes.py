"""No text of an experience, a model or a program steers the terminal, at any place where it is printed."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest

from tests.support.program import Program, Result

EVIL = "\x1b[2J\x9b2J\u202e\x07"
"""Clears the screen in two ways, turns the direction of text, rings: `oe` itself writes none of these."""
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

SPEC = r"""
name: steering
version: 1.0.0
description: "EVIL"
args: {a: {type: string, description: "EVIL", default: "EVIL"}}
state: {schema: {o: {description: "EVIL"}, t: {type: string}, e: {}}}
phases: [{id: p, title: "phase EVIL"}]
graph:
  nodes:
    - {id: prints, kind: tool, impl: "./tool EVIL.py", writes: [o, t], phase: p, args: {"x EVIL": "y EVIL"}}
    - {id: raises, kind: tool, impl: "./tool EVIL.py:raises"}
    - {id: program, kind: tool, command: [sh, -c, 'printf "EVIL" >&2; exit 3', "EVIL"], needs: [prints]}
    - {id: agent, kind: cli-agent, command: ["no EVIL program"], prompt: "EVIL"}
    - {id: items, kind: tool, impl: "./tool EVIL.py:item", for_each: {source: ["EVIL"]}, args: {v: $item}}
    - {id: skipped, kind: tool, impl: "./tool EVIL.py", needs: [prints], reads: [t], when: '$.t == "EVIL" and false'}
    - {id: undeclared, kind: tool, impl: "./tool EVIL.py:undeclared", needs: [prints]}
    - {id: ill, kind: tool, impl: "./tool EVIL.py:ill", needs: [prints], writes: [t], cache: false}
    - {id: kept, kind: tool, impl: "./tool EVIL.py:keep", writes: [e], args: {x: "EVIL"}, cache: true}
"""
TOOL = """\
EVIL = "\\x1b[2J\\x9b2J\\u202e\\x07"

def run(inputs, ctx):
    print(EVIL)
    ctx.log(EVIL)
    ctx.report(0.5, EVIL, {EVIL: EVIL})
    open(ctx.artifact("made " + EVIL), "w").close()
    return {"o": {EVIL: [EVIL]}, "t": EVIL}

def raises(inputs, ctx):
    raise type("Class" + EVIL, (Exception,), {})("message " + EVIL)

def item(inputs, ctx):
    raise ValueError(inputs["v"])

def undeclared(inputs, ctx):
    return {EVIL: 1}

def ill(inputs, ctx):
    return {"t": {EVIL: 1}}

def keep(inputs, ctx):
    return {"e": EVIL}
"""
COMMANDS = [
    ("validate",), ("plan",), ("graph",), ("graph", "--format", "mermaid"), ("graph", "--format", "dot"),
    ("graph", "--format", "svg"), ("graph", "--format", "html"), ("graph", "--json"), ("run",), ("run", "--json"),
    ("run", "--log-prompts"), ("resume",), ("runs",), ("runs", "--json"), ("state",), ("state", "o"), ("state", "t"),
    ("state", "--history"), ("inspect", "latest"), ("inspect", "latest", "--tree"), ("inspect", "latest", "--json"),
    ("logs", "latest"), ("explain", "kept"), ("explain", "raises"), ("explain", "kept", "--json"), ("dump",),
    ("dump", "--json"), ("cache", "ls"), ("doctor",), ("completion", "bash"), ("state", EVIL), ("inspect", EVIL),
    ("run", "--arg", EVIL), ("run", "--arg", f"b={EVIL}"), ("run", "--llm", EVIL), ("run", "--only", EVIL),
    ("run", "--replay", EVIL), ("run", "--timeout", EVIL), ("cache", "show", EVIL), ("logs", "latest", EVIL),
    ("init", "--template", EVIL), ("resume", "--run-id", EVIL), ("cancel", EVIL), ("explain", EVIL), (EVIL,),
    ("graph", EVIL), ("run", "--args", EVIL), ("run", "--data-dir", f"/dev/null/{EVIL}"), ("run", f"--{EVIL}"),
]


def escaped(text: str) -> str:
    return text.replace("EVIL", r"\e[2J\x9b2J\u202e\a")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / f"folder {EVIL}"
    place.mkdir()
    (place / "experience.yaml").write_text(escaped(SPEC.replace("'printf \"EVIL\" >&2; exit 3'", r'"printf \"EVIL\" >&2; exit 3"')
                                                   .replace("""'$.t == "EVIL" and false'""", r'"$.t == \"EVIL\" and false"')))
    (place / f"tool {EVIL}.py").write_text(TOOL)
    return place


def steering(done: Result) -> list[str]:
    return [line for line in (done.stdout + done.stderr).splitlines() if _STEERING.search(line)]


def test_nothing_that_is_printed_steers(program: Program, folder: Path) -> None:
    first = program.run("run", cwd=folder)
    assert first.exit_code == 8, first
    found = {arguments: lines for arguments in COMMANDS if (lines := steering(program.run(*arguments, cwd=folder)))}
    assert found == {}
    assert steering(first) == []


def test_paths_from_elsewhere_do_not_steer_either(program: Program, folder: Path, tmp_path: Path) -> None:
    (folder / "broken.yaml").write_text("name: [")
    for arguments in (("validate", folder), ("run", folder), ("plan", folder / "broken.yaml"), ("run", folder / "none"),
                      ("inspect", "latest", "-e", folder), ("graph", folder), ("doctor", folder)):
        assert steering(program.run(*arguments, cwd=tmp_path)) == [], arguments


@pytest.mark.parametrize("arguments", [("run",), ("inspect", "latest", "--tree"), ("logs", "latest"), ("runs",)])
def test_nor_on_a_terminal(program: Program, folder: Path, arguments: tuple[str, ...]) -> None:
    program.run("run", cwd=folder)
    outer, inner = pty.openpty()
    with subprocess.Popen(program.arguments(*arguments), cwd=folder, stdin=inner, stdout=inner, stderr=inner,
                          env=program.environment | {"TERM": "xterm"}):
        os.close(inner)
        shown = b""
        try:
            while select.select([outer], [], [], 60)[0]:
                shown += os.read(outer, 65536)
        except OSError:  # the program has closed its end
            pass
    os.close(outer)
    text = re.sub(r"\r\x1b\[K|\x1b\[\d*m|\r\n", "", shown.decode())
    assert _STEERING.search(text) is None, text
