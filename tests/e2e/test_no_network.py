"""A run without network nodes reaches for no network: an audit hook in the program's own process sees every socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.experiences import write_experience
from tests.support.program import ROOT, Program

HOOK = """\
import os, sys

_PLACE = os.environ.get("OE_AUDIT")

def _hook(event, arguments):
    if event.startswith(("socket.", "ssl.", "http.", "urllib.", "ftplib.", "smtplib.", "poplib.", "imaplib.")):
        family = int(arguments[1]) if event == "socket.__new__" else None
        line = f'["{event}", {"null" if family is None else family}]\\n'
        descriptor = os.open(_PLACE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, line.encode())
        os.close(descriptor)

if _PLACE:
    open(_PLACE, "a").close()
    sys.addaudithook(_hook)
"""
AF_UNIX = 1
SPEC = """\
name: offline
version: 1.0.0
state: {schema: {out: {type: array, merge: array_append, persist: true}, rows: {type: array}}}
graph:
  nodes:
    - {id: inline, kind: tool, impl: ./tool.py, writes: [out], timeout: 60s, isolation: inline}
    - {id: process, kind: tool, impl: ./tool.py, isolation: process, writes: [out]}
    - {id: program, kind: tool, command: [echo, '{"out": [1]}'], writes: [out]}
    - {id: rows, kind: dataset, file: ./rows.json, writes: [rows]}
    - {id: each, kind: tool, impl: ./tool.py, needs: [rows], for_each: {source: $.rows}, writes: [out],
       on_error: {policy: retry, attempts: 2, base_ms: 1}}
    - {id: inner, kind: experience, impl: child.yaml, needs: [each]}
    - {id: stage, kind: tool, impl: ./tool.py, writes: [out]}
    - {id: body, kind: tool, impl: ./tool.py, writes: [out]}
  pipelines: [{id: pipe, items: [1, 2], stages: [stage]}]
  loops: [{id: again, body: body, max_iters: 2}]
"""
CHILD = """\
name: child
version: 1.0.0
state: {schema: {out: {type: array, merge: array_append}}}
graph:
  nodes: [{id: one, kind: tool, impl: ./tool.py, writes: [out]}]
"""
TOOL = "def run(inputs, ctx):\n    return {'out': [ctx.slot]}\n"
REACHES = """\
import socket

def run(inputs, ctx):
    for reach in (lambda: socket.create_connection(("127.0.0.1", 9), 1), lambda: socket.getaddrinfo("localhost", 1)):
        try:
            reach()
        except OSError:
            pass
    return {"out": [ctx.slot]}
"""
COMMANDS = [("validate",), ("plan",), ("run",), ("run", "--no-cache", "--json"), ("resume",), ("runs",), ("inspect",),
            ("inspect", "--tree"), ("inspect", "--html", "report.html"), ("state",), ("explain", "inline"), ("graph", "--svg"),
            ("cache", "ls"), ("gc", "--older-than", "1d"), ("doctor",), ("schema",), ("--help",)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = write_experience(tmp_path / "offline", SPEC, tool=TOOL)
    (made / "child.yaml").write_text(CHILD)
    (made / "rows.json").write_text("[1, 2, 3]")
    (made / "hook").mkdir()
    (made / "hook" / "sitecustomize.py").write_text(HOOK)
    return made


def audited(program: Program, folder: Path, *arguments: str) -> list[Any]:
    """What the program reached for; sockets between its own parts are not counted."""
    place = folder / "audit"
    place.unlink(missing_ok=True)
    done = program.run(*arguments, cwd=folder, env={"OE_AUDIT": str(place), "PYTHONPATH": f"{folder / 'hook'}:{ROOT}"})
    assert done.exit_code == 0, done.stderr
    seen = [json.loads(line) for line in place.read_text().splitlines()]
    return [event for event in seen if event != ["socket.__new__", AF_UNIX]]


@pytest.mark.every_form
def test_nothing_without_network_nodes_reaches_for_the_network(program: Program, folder: Path) -> None:
    for arguments in COMMANDS:
        assert audited(program, folder, *arguments) == [], arguments


def test_the_hook_sees_what_does(program: Program, folder: Path) -> None:
    (folder / "tool.py").write_text(REACHES)
    seen = {event for event, _ in audited(program, folder, "run")}
    assert seen >= {"socket.__new__", "socket.connect", "socket.getaddrinfo"}
