"""What stands on the command line and in the environment: empty names, bytes that are no text, keys that come twice."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.experiences import write_experience
from tests.support.program import Program

ECHO = """\
name: echo
version: 1.0.0
args: {name: {}}
state: {schema: {out: {}}}
graph:
  nodes:
    - {id: say, kind: tool, impl: ./tool.py, args: {name: $args.name}, writes: [out]}
"""
TOOL = "def run(inputs):\n    return {'out': inputs['name']}\n"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_experience(tmp_path / "echo", ECHO, tool=TOOL)


@pytest.mark.parametrize("options", [
    ("run", "--data-dir", ""), ("run", ""), ("run", "--run-id", ""), ("run", "--only", ""), ("run", "--record", ""),
    ("resume", "--run-id", ""), ("inspect", ""), ("state", "-e", ""), ("runs", "--data-dir", ""), ("explain", ""),
])
def test_an_empty_name_is_refused_and_nothing_is_created(program: Program, folder: Path, options: tuple[str, ...]) -> None:
    result = program.run(*options, cwd=folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert " is empty" in result.stderr
    assert not (folder / ".openexpertise").exists()


@pytest.mark.parametrize("name", ["OE_DATA_DIR", "OE_CACHE", "OE_LLM", "OE_PRICES"])
def test_an_empty_variable_is_refused(program: Program, folder: Path, name: str) -> None:
    result = program.run("run", "--arg", "name=1", cwd=folder, env={name: ""})
    assert (result.exit_code, result.stderr) == (
        2, f"oe: environment variable {name} is empty\n    hint: unset it, or give it a value\n")
    assert not (folder / ".openexpertise").exists()


@pytest.mark.parametrize(("options", "message"), [
    (("--args", '{"name": 1, "name": 2}'), "oe: --args: the key 'name' comes twice in one object"),
    (("--args", '{"name": {"b": 1, "a": [{"b": 1, "b": 1}]}}'), "oe: --args: the key 'b' comes twice in one object"),
    (("--args", "@given.json"), "oe: given.json: the key 'name' comes twice in one object"),
    (("--arg", 'name={"a": 1, "a": 2}'), "oe: --arg name: the key 'a' comes twice in one object"),
    (("--args", '{"name": "\\ud800"}'), "oe: argument 'name' is no text: bytes that are not UTF-8, or half a "
                                        "character (a lone surrogate)"),
])
def test_arguments_that_nobody_can_mean_are_refused(program: Program, folder: Path, options: tuple[str, ...],
                                                    message: str) -> None:
    (folder / "given.json").write_text('{"name": 1, "name": 2}')
    result = program.run("run", *options, cwd=folder)
    assert (result.exit_code, result.stdout, result.stderr.splitlines()[0]) == (2, "", message)
    assert not (folder / ".openexpertise").exists()


@pytest.mark.every_form
def test_letters_arrive_where_the_locale_knows_none(program: Program, folder: Path) -> None:
    given = write_experience(folder / "größe", ECHO, tool=TOOL)
    result = program.run("run", given, "--quiet", "--arg", "name=env:WORD", cwd=folder, env={**ASCII, "WORD": "é"})
    assert (result.exit_code, result.stdout) == (0, "out: é\n")
    result = program.run("run", "--quiet", "--args", "-", cwd=folder, env=ASCII, stdin='{"name": "ü"}')
    assert (result.exit_code, result.stdout) == (0, "out: ü\n")


@pytest.mark.parametrize("environment", [{}, ASCII])
@pytest.mark.parametrize("options", [(b"--arg", b"name=\xff"), (b"--arg", b"\xff=1"), (b"--args", b"-"),
                                     (b"--args", b"@given.json"), (b"--arg", b"name=env:WORD")])
def test_bytes_that_are_no_text_are_refused(program: Program, folder: Path, options: tuple[bytes, ...],
                                            environment: dict[str, str]) -> None:
    (folder / "given.json").write_bytes(b'{"name": "\xff"}')
    done = subprocess.run([*map(os.fsencode, program.arguments("run")), *options], cwd=folder, check=False,
                          env={**program.environment, **environment, "WORD": b"\xff"}, capture_output=True,
                          input=b'{"name": "\xff"}')
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr
    assert not (folder / ".openexpertise").exists()
