"""Completion in bash, which every check has: the script is sourced and asked as the shell would ask it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from oe.cli.main import COMMANDS
from tests.support.experiences import HELD, TOOL, write_experience
from tests.support.program import Program, program_in

ASK = """
source "$1"
complete -p oe oe.pyz >/dev/null || exit 1
COMP_WORDS=(oe %(words)s)
COMP_CWORD=%(index)d
_oe
printf '%%s\\n' "${COMPREPLY[@]}"
"""


class Bash:
    """bash with the program as `oe` on its path."""

    def __init__(self, program: Program, place: Path) -> None:
        (place / "oe").write_text(f'#!/bin/sh\nexec {shlex.join(program.command)} "$@"\n')
        (place / "oe").chmod(0o755)
        self._environment = program.environment | {"PATH": f"{place}:{program.environment['PATH']}"}
        self._script = place / "oe.bash"
        self._script.write_text(program.run("completion", "bash").stdout)

    def complete(self, *words: str, cwd: Path) -> list[str]:
        """The candidates for the last word."""
        script = ASK % {"words": shlex.join(words), "index": len(words)}
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", self._script], env=self._environment, cwd=cwd, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return [line for line in done.stdout.splitlines() if line]


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Bash:
    return Bash(program_in("checkout", tmp_path_factory.mktemp("home")), tmp_path_factory.mktemp("bin"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experience that has been run once, in a folder of its own."""
    folder = write_experience(tmp_path_factory.mktemp("work") / "held", HELD, tool=TOOL)
    program = program_in("checkout", tmp_path_factory.mktemp("home"))
    assert program.run("run", "--quiet", "--run-id", "r-one", cwd=folder).exit_code == 0
    return folder


def test_commands(bash: Bash, done: Path) -> None:
    assert bash.complete("", cwd=done) == [*(command.name for command in COMMANDS), "--help", "--version"]
    assert bash.complete("ru", cwd=done) == ["run", "runs"]
    assert bash.complete("no-such-command", "", cwd=done) == []


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_option_of_every_command(program: Program, bash: Bash, done: Path, command: str) -> None:
    helped = program.run(command, "--help").stdout.partition("\noptions:\n")[2]
    listed = [word.strip(",") for line in helped.splitlines() if line.startswith("  -") for word in line.split("  ")[1].split()
              if word.startswith("-")]
    assert bash.complete(command, "-", cwd=done) == listed
    assert "--help" in listed


@pytest.mark.parametrize(("words", "candidates"), [
    (("graph", "--format", ""), ["text", "mermaid", "dot", "svg", "html"]),
    (("graph", "--format", "=", "m"), ["mermaid"]),
    (("inspect", ""), ["latest", "r-one"]),
    (("inspect", "r"), ["r-one"]),
    (("logs", "--raw", "latest", ""), ["first", "second"]),
    (("logs", "latest", "se"), ["second"]),
    (("state", ""), ["names", "total", "never"]),
    (("state", "--run-id", ""), ["latest", "r-one"]),
    (("state", "--run-id", "latest", "n"), ["names", "never"]),
    (("cache", ""), ["ls", "show", "rm", "clear", "gc"]),
    (("cache", "rm", ""), []),
    (("run", "--arg", ""), []),
    (("completion", ""), ["bash", "zsh", "fish"]),
    (("run", "exp"), ["experience.yaml"]),
    (("runs", "--data-dir", ".o"), [".openexpertise"]),
])
def test_values_and_positionals(bash: Bash, done: Path, words: tuple[str, ...], candidates: list[str]) -> None:
    assert bash.complete(*words, cwd=done) == candidates


def test_another_place_is_asked_when_it_is_named(bash: Bash, done: Path) -> None:
    above = done.parent
    assert bash.complete("logs", "-e", "held", "latest", "", cwd=above) == ["first", "second"]
    assert bash.complete("resume", "held", "--run-id", "", cwd=above) == ["latest", "r-one"]
    assert bash.complete("runs", "held", "--before", "", cwd=above) == ["latest", "r-one"]
    assert bash.complete("logs", "", cwd=above) == []


def test_files_with_spaces_are_one_candidate(bash: Bash, tmp_path: Path) -> None:
    (tmp_path / "two words").mkdir()
    assert bash.complete("run", "tw", cwd=tmp_path) == ["two words"]


def test_words_that_cannot_be_found_are_none_and_nothing_is_made(program: Program, tmp_path: Path) -> None:
    for kind in ("RUN", "NODE", "FIELD", "KEY"):
        assert program.run("completion", "--words", kind, cwd=tmp_path) == (0, "", "")
    assert program.run("completion", cwd=tmp_path).exit_code == 2
    assert program.run("completion", "bash", "--words", "RUN", cwd=tmp_path).exit_code == 2
    wrong = program.run("completion", "fisch", cwd=tmp_path)
    assert (wrong.exit_code, "did you mean 'fish'?" in wrong.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.every_form
def test_every_shell_has_a_script_in_every_form(program: Program) -> None:
    for shell in ("bash", "zsh", "fish"):
        result = program.run("completion", shell)
        assert (result.exit_code, result.stderr) == (0, "")
        for command in COMMANDS:
            assert command.name in result.stdout
