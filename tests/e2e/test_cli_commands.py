"""Commands that look at no run, through the real program: validate, init, schema, doctor; and what all have in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from oe.cli.commands.init import TEMPLATES
from oe.cli.main import COMMANDS
from tests.support.program import ROOT, Program
from tests.support.shapes import check_shape

GOLDEN = ROOT / "tests" / "golden" / "cli"
NEEDS_A_MODEL = {"agent"}
WARNS = """\
name: warns
version: 0.1.0
graph:
  nodes:
    - {id: now, kind: tool, impl: ./now.py}
"""


def test_validate_shows_every_problem_with_its_line(program: Program) -> None:
    result = program.run("validate", "problems.yaml", cwd=GOLDEN)
    assert (result.exit_code, result.stderr) == (3, "")
    assert result.stdout == (GOLDEN / "problems.out").read_text(encoding="utf-8")


def test_validate_as_json_has_the_same_problems_in_the_order_of_the_text(program: Program) -> None:
    result = program.run("validate", "--json", "problems.yaml", cwd=GOLDEN)
    assert (result.exit_code, result.stderr) == (3, "")
    value = result.json()
    check_shape(value, "validate")
    assert value["ok"] is False
    places = [(problem["line"], problem["column"]) for problem in value["problems"]]
    assert places == sorted(places)
    assert [problem["code"] for problem in value["problems"]] == [
        line.rpartition("[")[2].rstrip("]") for line in (GOLDEN / "problems.out").read_text().splitlines()
        if line.startswith("problems.yaml:")]


def test_strict_makes_errors_of_warnings(program: Program, tmp_path: Path) -> None:
    (tmp_path / "experience.yaml").write_text(WARNS)
    (tmp_path / "now.py").write_text("def run(inputs, ctx):\n    return {}\n")
    lenient, strict = (program.run("validate", *options, cwd=tmp_path) for options in ((), ("--strict",)))
    assert (lenient.exit_code, strict.exit_code) == (0, 3)
    assert lenient.stdout.splitlines()[0].startswith("experience.yaml:5:")
    assert lenient.stdout.splitlines()[-2:] == ["1 warning", "ok: warns 0.1.0, 1 node, 0 state fields"]
    assert strict.stdout.splitlines()[-1] == "1 error"
    assert program.run("validate", "--strict", "--json", cwd=tmp_path).json()["ok"] is False


def test_what_is_not_there_is_not_found(program: Program, tmp_path: Path) -> None:
    for path in (".", "missing", "missing/experience.yaml"):
        result = program.run("validate", path, "--json", cwd=tmp_path)
        assert result.exit_code == 5
        check_shape(result.json(), "error")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("template", [template.name for template in TEMPLATES])
def test_what_init_makes_is_valid_and_runs(program: Program, tmp_path: Path, template: str) -> None:
    made = program.run("init", "my procedure", "--template", template, "--json", cwd=tmp_path)
    assert (made.exit_code, made.stderr) == (0, "")
    check_shape(made.json(), "init")
    assert all((tmp_path / path).is_file() for path in made.json()["files"])
    checked = program.run("validate", "--strict", "my procedure", cwd=tmp_path)
    assert (checked.exit_code, checked.stdout.partition(",")[0]) == (0, "ok: my-procedure 0.1.0")
    if template not in NEEDS_A_MODEL:
        assert program.run("run", "my procedure", cwd=tmp_path).exit_code == 0


@pytest.mark.every_form
def test_init_in_every_form(program: Program, tmp_path: Path) -> None:
    result = program.run("init", "greeting", cwd=tmp_path)
    assert result == (0, "wrote greeting/experience.yaml\nwrote greeting/tools/greet.py\n",
                      "next: oe run greeting --arg name=Ada\n")
    assert program.run("validate", "greeting", cwd=tmp_path).exit_code == 0


def test_init_overwrites_nothing_and_then_writes_nothing(program: Program, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "greet.py").write_text("mine")
    result = program.run("init", cwd=tmp_path)
    assert result.exit_code == 2
    assert "'tools/greet.py' exists already" in result.stderr
    assert (tmp_path / "tools" / "greet.py").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["tools"]


def test_init_makes_no_directory_of_a_file(program: Program, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = program.run("init", "notes.txt", cwd=tmp_path)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "oe: 'notes.txt' is no directory\n    hint: give another PATH\n"


def test_init_lists_its_templates(program: Program, tmp_path: Path) -> None:
    listed = program.run("init", "--list", "--json", cwd=tmp_path).json()
    check_shape(listed, "init --list")
    names = [template["name"] for template in listed["templates"]]
    assert names == [template.name for template in TEMPLATES]
    assert [line.split()[0] for line in program.run("init", "--list", cwd=tmp_path).stdout.splitlines()] == names
    unknown = program.run("init", "--template", "tol", cwd=tmp_path)
    assert (unknown.exit_code, "did you mean 'tool'?" in unknown.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_the_schema_of_the_format_accepts_the_templates(program: Program) -> None:
    schema = program.run("schema").json()
    Draft202012Validator.check_schema(schema)
    for template in TEMPLATES:
        text = (ROOT / "oe" / "cli" / "templates" / template.name / "experience.yaml").read_text(encoding="utf-8")
        Draft202012Validator(schema).validate(yaml.safe_load(text))
    assert not Draft202012Validator(schema).is_valid({"name": "x", "version": "0.1.0", "grahp": {}})


def test_the_schemas_of_the_events_accept_a_log(program: Program, tmp_path: Path) -> None:
    program.run("init", cwd=tmp_path)
    program.run("run", "--quiet", cwd=tmp_path)
    schemas = program.run("schema", "--events").json()
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    log = next((tmp_path / ".openexpertise" / "runs").glob("*.jsonl")).read_text()
    for line in log.splitlines():
        event = json.loads(line)
        Draft202012Validator(schemas[event["type"]]).validate(event)


@pytest.mark.every_form
def test_doctor_finds_this_host_fit(program: Program, tmp_path: Path) -> None:
    result = program.run("doctor", "--json", cwd=tmp_path, env={"SOME_API_KEY": "do-not-show-me"})
    assert (result.exit_code, result.stderr) == (0, "")
    value = result.json()
    check_shape(value, "doctor")
    checks = {check["name"]: check for check in value["checks"]}
    assert value["ok"] is True
    assert checks["keys"]["detail"] == "SOME_API_KEY"
    assert "do-not-show-me" not in result.stdout
    assert ("bytecode" in checks["program"]["detail"]) == (".pyz" in program.command[-1])
    assert list(tmp_path.iterdir()) == []


def test_doctor_says_what_is_missing_and_where_a_setting_comes_from(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = program.run("doctor", "--json", "--data-dir", tmp_path / "file" / "data", cwd=tmp_path, env={"OE_LLM": "x"})
    assert result.exit_code == 1
    value = result.json()
    assert [check["name"] for check in value["checks"] if check["status"] == "missing"] == ["data folder"]
    origins = {setting["name"]: setting["origin"] for setting in value["settings"]}
    assert origins == {"data folder": "flag", "cache": "default", "llm": "environment", "no colours": "default"}
    shown = program.run("doctor", "--data-dir", tmp_path / "file" / "data", cwd=tmp_path)
    assert shown.stdout.endswith("\n1 thing missing\n")


def test_doctor_does_not_look_where_nothing_is(program: Program, tmp_path: Path) -> None:
    refused = program.run("doctor", "missing", cwd=tmp_path)
    assert (refused.exit_code, refused.stdout, refused.stderr) == (5, "", "oe: no such file or directory: 'missing'\n")


@pytest.mark.parametrize(("arguments", "told"), [
    (("run", "--concurency", "3"), "did you mean '--concurrency'?"),
    (("run", "--concurrency=x"), "'x' is not a positive whole number"),
    (("runs", "--formaat"), "`oe runs --help` shows the options"),
    (("-q", "run"), "options stand behind the command"),
    (("run", "--arg", "name"), "hint: for example --arg name=World"),
    (("run", "--args", "@."), "cannot read '.': is a directory"),
])
def test_wrong_usage_says_what_is_near(program: Program, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    (tmp_path / "experience.yaml").write_text(WARNS)
    (tmp_path / "now.py").write_text("def run(inputs, ctx):\n    return {}\n")
    refused = program.run(*arguments, cwd=tmp_path)
    assert (refused.exit_code, refused.stdout) == (2, "") and told in refused.stderr


def test_doctor_needs_no_path_variable(program: Program, tmp_path: Path) -> None:
    program.environment["PATH"] = ""
    checks = program.run("doctor", "--json", cwd=tmp_path).json()["checks"]
    assert [check["name"] for check in checks if check["status"] == "warning"] == ["path"]


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_help_and_wrong_usage_of_every_command(program: Program, command: str) -> None:
    shown = program.run(command, "--help")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"usage: oe {command} ")
    assert all(len(line) <= 80 for line in shown.stdout.splitlines())
    wrong = program.run(command, "--no-such-option")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert f"`oe {command} --help` shows the options" in wrong.stderr
    as_json = program.run(command, "--no-such-option", "--json")
    assert as_json.exit_code == 2
    check_shape(as_json.json(), "error")


@pytest.mark.parametrize(("arguments", "needless"), [
    (("schema",), ("sqlite3", "asyncio", "importlib.resources")),
    (("schema", "--events"), ("sqlite3", "asyncio", "importlib.resources", "oe.spec", "oe.kinds")),
    (("init", "--list"), ("sqlite3", "asyncio", "oe.app", "oe.spec")),
    (("runs",), ("asyncio", "importlib.resources", "subprocess", "ssl")),
])
def test_a_command_imports_what_it_needs(program: Program, tmp_path: Path, arguments: tuple[str, ...],
                                         needless: tuple[str, ...]) -> None:
    (tmp_path / "experience.yaml").write_text(WARNS)
    result = program.run(*arguments, cwd=tmp_path, env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")}
    assert "oe.cli.main" in imported
    assert not imported & set(needless)
