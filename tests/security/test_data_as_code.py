"""What a model, the web or a file says stays data: no shell, path, template, query or page takes it for its own text."""

from __future__ import annotations

import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest

from oe.app.experiences import read_experience
from tests.support.program import Program

HOSTILE = "$(touch pwned); `touch pwned` ' \" \n {{ args.other }} $args.other <script>alert(1)</script> --help '; drop table t; --"

SPEC = """\
name: data
version: 1.0.0
args: {other: {type: string, default: OTHER}}
state: {schema: {said: {type: string}, echoed: {type: string}, first: {type: string}, asked: {type: string}, rows: {type: array}}}
graph:
  nodes:
    - {id: say, kind: tool, impl: ./say.py, writes: [said], cache: false}
    - {id: argument, kind: tool, needs: [say], reads: [said], writes: [echoed], output: text,
       command: [sh, -c, 'printf "%s|" "$@"', sh, $.said, '{{ said }}']}
    - {id: agent, kind: cli-agent, needs: [say], reads: [said], writes: [asked], prompt: "so: {{ said }}",
       command: [sh, -c, 'tr "\\0" "~" < /proc/$$/cmdline; cat']}
    - {id: query, kind: dataset, needs: [say], reads: [said], writes: [rows],
       sqlite: {path: t.sqlite, query: "select ? as x, (select count(*) from t) as n", params: [$.said]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "experience.yaml").write_text(SPEC)
    (tmp_path / "say.py").write_text(f"def run(inputs, ctx):\n    return {{'said': {HOSTILE!r}}}\n")
    with sqlite3.connect(tmp_path / "t.sqlite") as connection:
        connection.execute("create table t (x)")
    connection.close()
    return tmp_path


def test_data_reaches_programs_prompts_and_queries_as_it_is(program: Program, folder: Path) -> None:
    done = program.run("run", "--json", cwd=folder)
    assert done.exit_code == 0, done
    state = done.json()["state"]
    assert state["echoed"] == HOSTILE + "|{{ said }}|", "an argument is one word, and no template"
    words, _, prompt = state["asked"].partition("~so: ")
    assert prompt == HOSTILE, "a template is filled in once"
    assert words == 'sh~-c~tr "\\0" "~" < /proc/$$/cmdline; cat', "the prompt is on standard input alone"
    assert state["rows"] == [{"x": HOSTILE, "n": 0}]
    assert not (folder / "pwned").exists()


class Elements(HTMLParser):
    """The names of elements, and the addresses that attributes hold."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action"} or name.startswith("on")]


def test_a_report_holds_it_as_text(program: Program, folder: Path) -> None:
    assert program.run("run", cwd=folder).exit_code == 0
    assert program.run("inspect", "latest", "--html", "r.html", cwd=folder).exit_code == 0
    page = Elements()
    page.feed((folder / "r.html").read_text())
    assert "script" not in page.names and all(link.startswith("#") for link in page.links)
    assert "alert(1)" in (folder / "r.html").read_text(), "the value is shown"


@pytest.mark.parametrize("command", [
    "[sh, -c, $.said]", "[bash, -euc, $.said]", "[env, X=1, /bin/sh, -c, $.said]", "[python3, -c, $.said]",
    "[perl, -e, $.said]", "[node, --eval, $.said]", "[nice, dash, -c, $.said]", "[python3.12, -Ic, $.said]"])
@pytest.mark.parametrize("kind", ["kind: tool", "kind: cli-agent, prompt: hello"])
def test_data_is_no_script(folder: Path, command: str, kind: str) -> None:
    text = SPEC + f"    - {{id: x, {kind}, needs: [say], reads: [said], command: {command}}}\n"
    (folder / "experience.yaml").write_text(text)
    assert "script-reference" in [problem.code for problem in read_experience(str(folder)).problems]


@pytest.mark.parametrize("command", ["[grep, -c, $.said]", "[sh, ./s.sh, $.said]", "[sh, -c, 'cat', sh, $.said]"])
def test_an_argument_is_none_either(folder: Path, command: str) -> None:
    (folder / "s.sh").write_text("")
    text = SPEC + f"    - {{id: x, kind: tool, needs: [say], reads: [said], command: {command}}}\n"
    (folder / "experience.yaml").write_text(text)
    assert [problem for problem in read_experience(str(folder)).problems if problem.severity == "error"] == []


@pytest.mark.parametrize(("node", "code"), [
    ("kind: tool, command: [$.said]", "tool-program-reference"),
    ("kind: cli-agent, command: [$.said], prompt: hello", "program-reference"),
    ("kind: cli-agent, provider: codex, program: $inputs.say, prompt: hello", "program-reference"),
    ("kind: dataset, sqlite: {path: t.sqlite, query: $.said}", "query-reference"),
])
def test_data_chooses_no_program_and_no_query(folder: Path, node: str, code: str) -> None:
    (folder / "experience.yaml").write_text(SPEC + f"    - {{id: x, needs: [say], reads: [said], {node}}}\n")
    assert code in [problem.code for problem in read_experience(str(folder)).problems]


def test_looking_at_an_experience_executes_none_of_it(program: Program, folder: Path) -> None:
    (folder / "say.py").write_text(f"open({str(folder / 'pwned')!r}, 'w')\ndef run(inputs, ctx):\n    return {{'said': ''}}\n")
    for command in ("validate", "plan", "graph", "doctor", "schema"):
        done = program.run(command, cwd=folder)
        assert done.exit_code == 0, done
    assert not (folder / "pwned").exists()
    assert not re.search(r"__pycache__", str(list(folder.rglob("*")))), "and nothing was compiled"
