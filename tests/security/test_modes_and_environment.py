"""What other users of the host can see: nothing of the files; and what programs get to see of the environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from oe.llm.recording import Recording
from oe.redact import Redactor
from tests.support.program import Program

SPEC = """\
name: private
version: 1.0.0
state: {schema: {a: {type: object}, b: {type: object}, c: {type: object}, d: {type: string}, e: {type: object}}}
graph:
  nodes:
    - {id: a, kind: tool, command: [python3, env.py], writes: [a], env: [SHARED]}
    - {id: b, kind: tool, impl: ./tool.py, isolation: process, writes: [b], env: [SHARED]}
    - {id: c, kind: cli-agent, command: [python3, env.py], prompt: hello, output: json, writes: [c], env: [SHARED]}
    - {id: d, kind: agent, prompt: hello, writes: [d]}
    - {id: e, kind: cli-agent, provider: codex, program: ./codex, prompt: hello, writes: [e], output: json}
"""
ENV = "import json, os\nprint(json.dumps({'a': dict(os.environ)}))\n"
TOOL = """\
import os

def run(inputs, ctx):
    print("printed")
    with open(ctx.artifact("made.txt"), "w") as file:
        file.write("made")
    return {"b": dict(os.environ)}
"""
CODEX = """\
#!/usr/bin/env python3
import json, os
answer = json.dumps(dict(os.environ))
print(json.dumps({"type": "item.completed", "item": {"type": "agent_message", "text": answer}}))
print(json.dumps({"type": "turn.completed", "usage": {"input_tokens": 1, "output_tokens": 1}}))
"""
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-1234567", "OPENAI_API_KEY": "sk-open-1234567", "GITHUB_TOKEN": "gh-1234567",
        "AWS_SECRET_ACCESS_KEY": "aws-1234567", "DATABASE_URL": "postgres://u:p@h/d", "PGPASSWORD": "pg-1234567",
        "SSH_AUTH_SOCK": "/run/agent", "LD_PRELOAD": "", "PYTHONSTARTUP": "/nowhere"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "experience.yaml").write_text(SPEC)
    (tmp_path / "env.py").write_text(ENV)
    (tmp_path / "tool.py").write_text(TOOL)
    (tmp_path / "codex").write_text(CODEX)
    (tmp_path / "codex").chmod(0o700)
    return tmp_path


def test_no_key_is_in_the_environment_of_a_program(program: Program, folder: Path) -> None:
    (folder / "experience.yaml").write_text(SPEC.replace("    - {id: d, kind: agent, prompt: hello, writes: [d]}\n", ""))
    environment = KEYS | {"SHARED": "wanted"}
    del environment["OPENAI_API_KEY"]  # which codex is given: it is its own
    done = program.run("run", "--json", "--concurrency", "4", cwd=folder, env=environment)
    assert done.exit_code == 0, done
    for name, value in done.json()["state"].items():
        seen = value.get("a", value)
        assert set(KEYS) & set(seen) == set(), name
        assert seen.get("SHARED") == (None if name == "e" else "wanted")
        assert {"PATH", "OE_RUN_ID", "OE_SLOT"} <= set(seen)


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_files_are_their_owners_alone_whatever_the_umask(program: Program, folder: Path, mask: int) -> None:
    (folder / "answers.jsonl").write_text(
        '{"oe_recording":1}\n{"slot":"d","request":{"system":"","messages":[{"role":"user","text":"hello"}]},'
        '"answer":{"text":"hi","stop":"end","model":"m"}}\n')
    (folder / "experience.yaml").write_text(SPEC.replace("kind: tool", "cache: true, kind: tool"))
    data = folder / "made/by/run"
    for arguments in (("run", "--replay", "answers.jsonl", "--run-id", "one", "--data-dir", str(data)),
                      ("inspect", "one", "--html", "report.html", "--data-dir", str(data))):
        done = subprocess.run(program.arguments(*arguments), cwd=folder, env=program.environment, umask=mask,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
    modes = {str(path.relative_to(folder)): path.stat().st_mode & 0o777
             for place in (folder / "made", folder / "report.html")
             for path in (place, *place.rglob("*"))}
    made = "made/by/run/runs/one/artifacts/made.txt"
    assert modes.pop(made) == 0o666 & ~mask, "what a tool makes is made as the user's umask says"
    assert len([path for path in modes if "/cache/" in path]) >= 2 and "made/by/run/runs/one/b.log" in modes
    assert {path: oct(mode) for path, mode in modes.items() if mode != (0o700 if os.path.isdir(folder / path) else 0o600)
            } == {}


def test_a_recording_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Recording(str(tmp_path / "r.jsonl"), Redactor()).begin()
    finally:
        os.umask(before)
    assert (tmp_path / "r.jsonl").stat().st_mode & 0o777 == 0o600
