"""Where a secret must not be found: everything that a run leaves on the disk, the parts of its keys among it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.counted import Counted
from tests.support.program import Program

SECRET = "s3cr3t-v4lue-9"
LOOK = "def run(inputs, ctx):\n    return None\n"


def holders(folder: Path, text: str) -> list[str]:
    """The files below the data folder that hold the text."""
    return sorted(path.name for path in (folder / ".openexpertise").rglob("*")
                  if path.is_file() and text.encode() in path.read_bytes())


@pytest.mark.parametrize("contents", [f"key={SECRET}\n", "x" * 100 + f"\nkey={SECRET}\n"], ids=["short", "long"])
def test_the_text_of_an_input_file_that_holds_a_secret_is_not_kept(program: Program, tmp_path: Path,
                                                                   contents: str) -> None:
    counted = Counted(program, tmp_path / "secrets", """\
name: secrets
version: 1.0.0
args: {token: {type: string, secret: true}}
graph:
  nodes:
    - {id: look, kind: tool, impl: ./tools/tool.py:run, inputs: ["conf/*.env"]}
""", LOOK)
    counted.write("conf/a.env", contents)
    counted.run("--arg", f"token={SECRET}")
    assert holders(counted.folder, SECRET) == []


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "TOKEN", "GITHUB_PAT", "DATABASE_URL"])
def test_the_value_of_a_variable_is_not_kept(program: Program, tmp_path: Path, name: str) -> None:
    """Which variables are secrets cannot be told by their names: `env` of a node is what it needs, not what is shown."""
    counted = Counted(program, tmp_path / "secrets", f"""\
name: secrets
version: 1.0.0
graph:
  nodes:
    - {{id: look, kind: tool, impl: ./tools/tool.py:run, env: [{name}]}}
""", LOOK)
    counted.run(env={name: f"postgres://user:{SECRET}@host/db"})
    assert holders(counted.folder, SECRET) == []


def test_a_short_secret_file_leaves_no_digest_that_can_be_guessed(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "secrets", """\
name: secrets
version: 1.0.0
args: {pin: {type: string, secret: true}}
graph:
  nodes:
    - {id: look, kind: tool, impl: ./tools/tool.py:run, inputs: [pin.txt]}
""", LOOK)
    counted.write("pin.txt", "123456")
    counted.run("--arg", "pin=file:pin.txt")
    digest = hashlib.sha256(b"123456").hexdigest()[:32]
    assert holders(counted.folder, digest) == [], "a million tries find the secret that has this digest"


@pytest.mark.parametrize("place", [
    "args: {x: $args.token}", "args: {x: 'a {{ token }} b'}", "args: {x: {y: [$args.token]}}",
    "for_each: {source: [$args.token]}", "for_each: {source: $args.list}, args: {x: $item}",
])
def test_a_secret_argument_is_in_no_part_of_a_key(program: Program, tmp_path: Path, place: str) -> None:
    counted = Counted(program, tmp_path / "secrets", f"""\
name: secrets
version: 1.0.0
args: {{token: {{type: string, secret: true}}, list: {{type: array, default: [1]}}}}
graph:
  nodes:
    - {{id: look, kind: tool, impl: ./tools/tool.py:run, {place}}}
""", LOOK)
    counted.run("--arg", f"token={SECRET}")
    assert holders(counted.folder, SECRET) == []
    for text in (SECRET, f'"{SECRET}"', f'["{SECRET}"]'):
        assert holders(counted.folder, hashlib.sha256(text.encode()).hexdigest()[:32]) == []
