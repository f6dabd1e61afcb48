"""Secrets are nowhere on the disk and nowhere on the terminal, whatever the code of a node does with them."""

from __future__ import annotations

import base64
import io
import json
import sys
import urllib.parse
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from oe.cli.console import Console
from oe.cli.main import main
from oe.redact import Redactor, is_secret_name
from oe.run.capture import OutputCapture
from tests.support.program import Program

SECRET = "s3cr3t/v4lüe&9"
KEY = "sk-known-key-variable"

SPEC = """\
name: leaky
version: 1.0.0
args: {token: {type: string, secret: true}}
state: {schema: {o: {type: string}, p: {type: string}}}
graph:
  nodes:
    - {id: inline, kind: tool, impl: ./leak.py:leak, args: {t: $args.token}, env: [SOME_API_KEY]}
    - {id: process, kind: tool, impl: ./leak.py:leak, isolation: process, args: {t: $args.token}, env: [SOME_API_KEY]}
    - {id: thread, kind: tool, impl: ./leak.py:stray, args: {t: $args.token}}
    - {id: raising, kind: tool, impl: ./leak.py:fail, args: {t: $args.token}, env: [SOME_API_KEY]}
    - {id: isolated, kind: tool, impl: ./leak.py:fail, isolation: process, args: {t: $args.token}, env: [SOME_API_KEY]}
    - {id: printing, kind: tool, command: [python3, leak.py], output: text, args: {t: $args.token}, writes: [p]}
    - {id: giving, kind: tool, impl: ./leak.py:give, args: {t: $args.token}, writes: [o]}
    - {id: edge, kind: tool, impl: ./leak.py:edge, args: {t: $args.token}}
    - {id: items, kind: tool, impl: ./leak.py:leak, args: {t: $args.token}, for_each: {source: [$args.token]}, env: [SOME_API_KEY]}
    - {id: nested, kind: experience, impl: ./child, args: {token: $args.token}}
"""
CHILD = """\
name: child
version: 1.0.0
args: {token: {type: string, secret: true}}
graph:
  nodes:
    - {id: inner, kind: tool, impl: ./inner.py, args: {t: $args.token}}
"""
INNER = "def run(inputs, ctx):\n    print(inputs['t'])\n    raise ValueError(inputs['t'])\n"
TOOL = """\
import json, sys, threading

def shown(inputs, ctx):
    return inputs["t"] + " " + ctx.env.get("SOME_API_KEY", "")

def leak(inputs, ctx):
    text = shown(inputs, ctx)
    print(text)
    for letter in text:
        sys.stderr.write(letter)
    sys.stdout.buffer.write(text.encode())
    ctx.log(json.dumps({"t": text}))
    ctx.report(0.5, text, {text: [text]})

def stray(inputs, ctx):
    def other():
        print("stray", inputs["t"])
        sys.stderr.write(inputs["t"][:5])
        sys.stderr.write(inputs["t"][5:])
        raise RuntimeError(inputs["t"])
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()

def fail(inputs, ctx):
    try:
        raise KeyError(inputs["t"])
    except KeyError:
        raise ValueError("wrong: " + shown(inputs, ctx))

def give(inputs, ctx):
    return {"o": "x" + inputs["t"]}

def edge(inputs, ctx):
    return {"edge_output": {inputs["t"]: 1}}

if __name__ == "__main__":
    text = json.load(sys.stdin)["t"]
    for stream in (sys.stderr, sys.stdout):
        for piece in (text[:4], text[4:]):
            stream.write(piece)
            stream.flush()
    sys.exit(3)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x/child").mkdir(parents=True)
    for path, text in {"experience.yaml": SPEC, "leak.py": TOOL, "child/experience.yaml": CHILD,
                       "child/inner.py": INNER}.items():
        (tmp_path / "x" / path).write_text(text, encoding="utf-8")
    return tmp_path / "x"


def forms(secret: str) -> list[str]:
    """The ways in which programs write a text."""
    return [secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1],
            urllib.parse.quote(secret, safe=""), secret.replace("&", "&amp;"),
            base64.b64encode(secret.encode()).decode().rstrip("=")]


def test_whatever_a_node_does_a_secret_is_nowhere(program: Program, folder: Path) -> None:
    env = {"SOME_API_KEY": KEY, "TOKEN": SECRET}
    shown = []
    for arguments in (
            ("run", "--arg", "token=env:TOKEN", "--log-prompts", "--concurrency", "4"),
            ("resume", "--arg", "token=env:TOKEN", "--json"), ("plan", "--arg", "token=env:TOKEN"), ("inspect", "latest"),
            ("inspect", "latest", "--tree"), ("inspect", "latest", "--json"), ("inspect", "latest", "--html", "r.html"),
            ("logs", "latest"), ("logs", "latest", "--raw"), ("dump",), ("runs", "--json"), ("state", "--history"),
            ("explain", "inline"), ("explain", "giving", "--json"), ("cache", "ls", "--json"), ("doctor",)):
        done = program.run(*arguments, cwd=folder, env=env)
        assert "Traceback" not in done.stderr or "leak.py" in done.stderr, done.stderr
        shown.append(done.stdout + done.stderr)
    assert "[redacted]" in shown[0] and "stray" in shown[0], "the run has told of it at all"
    for form in (*forms(SECRET), *forms(KEY)):
        assert [text for text in shown if form in text] == []
        assert [path.name for path in folder.rglob("*") if path.is_file() and form.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("form", range(7))
def test_every_form_of_a_secret_is_blanked(form: int) -> None:
    text = f"<{forms(SECRET)[form]}>"
    assert Redactor([SECRET]).text(text) == "<[redacted]>"


def test_each_line_of_a_secret_is_one() -> None:
    redactor = Redactor(["first line\nsecond line\nab\n"])
    assert redactor.text("  second line, then first line; ab") == "  [redacted], then [redacted]; ab"


def test_a_secret_of_bytes_that_are_no_text_is_blanked() -> None:
    assert Redactor(["secret\udcff\udcfe"]).text("a secret\udcff\udcfe") == "a [redacted]"


@pytest.mark.parametrize(("name", "is_secret"), [
    ("X_API_KEY", True), ("GH_TOKEN", True), ("app_secret", True), ("DB_PASSWORD", True), ("KEYBOARD", False),
    ("TOKENIZERS_PARALLELISM", False)])
def test_known_key_variables(name: str, is_secret: bool) -> None:
    assert is_secret_name(name) is is_secret


@pytest.mark.parametrize("given", ["a", "12345"])
def test_a_short_secret_is_refused_and_not_shown(program: Program, folder: Path, given: str) -> None:
    done = program.run("run", "--arg", f"token={given}", cwd=folder)
    assert (done.exit_code, done.stderr) == (2, "oe: secret argument 'token' must be text of at least 6 characters\n")
    assert not (folder / ".openexpertise").exists()


def test_a_refused_secret_is_not_quoted(program: Program, folder: Path) -> None:
    (folder / "experience.yaml").write_text(SPEC.replace("secret: true", "secret: true, pattern: '^[a-z]+$', maxLength: 8"))
    done = program.run("run", "--arg", f"token={SECRET}", "--json", cwd=folder)
    assert done.exit_code == 2
    assert "'pattern'" in done.stdout and SECRET[:6] not in done.stdout + done.stderr


@pytest.mark.parametrize("given", [f"plain={KEY}", f'plain={{"deep": ["a {KEY} b"]}}'])
def test_a_key_in_another_argument_is_refused_before_it_is_stored(program: Program, folder: Path, given: str) -> None:
    (folder / "experience.yaml").write_text(SPEC.replace("args: {token:", "args: {plain: {}, token:", 1))
    done = program.run("run", "--arg", given, "--arg", f"token={SECRET}", cwd=folder, env={"SOME_API_KEY": KEY})
    assert done.exit_code == 2
    assert "argument 'plain' holds a secret" in done.stderr and KEY not in done.stderr
    assert not (folder / ".openexpertise").exists()


def test_no_command_line_holds_a_secret(program: Program, folder: Path) -> None:
    """Every user of the host can read the list of processes; here one that comes in by another way than `$args`."""
    (folder / "experience.yaml").write_text("""\
name: shown
version: 1.0.0
args: {token: {type: string, secret: true}}
graph:
  nodes:
    - {id: n, kind: tool, command: [touch, $item], for_each: {source: [$args.token]}}
""")
    done = program.run("run", "--arg", "token=a-secret-name", cwd=folder)
    assert done.exit_code == 1 and "the command line holds a secret" in done.stderr
    assert not (folder / "a-secret-name").exists()


def test_a_fault_of_oe_itself_shows_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError(f"{SECRET} {KEY} \x1b[31m")

    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setattr("oe.cli.commands.run.carry_out", broken)
    error = io.StringIO()
    assert main(["run", str(folder), "--arg", f"token={SECRET}"], io.StringIO(), io.StringIO(), error) == 70
    text = error.getvalue()
    assert "RuntimeError: [redacted] [redacted] \\x1b[31m" in text
    assert not any(secret in text for secret in (SECRET, KEY, "\x1b"))


def test_prints_outside_any_node_are_shown_without_secrets() -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), OutputCapture(Redactor(["a-secret"])):
        sys.stdout.write("one a-")
        sys.stderr.write("two a-secret\nthree ")
        sys.stdout.write("secret\n")
    assert (out.getvalue(), err.getvalue()) == ("", "two [redacted]\none [redacted]\nthree ")


def test_a_console_knows_no_secret_to_begin_with() -> None:
    assert Console(io.StringIO(), io.StringIO(), io.StringIO(), {}).secrets == []
