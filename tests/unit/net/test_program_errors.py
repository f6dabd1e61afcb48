"""Programs that cannot be started: each says what is wrong with it, and what to do."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from oe.errors import NodeError
from oe.net.processes import Processes
from oe.ports.process import Command
from tests.unit.net.children import ENVIRONMENT, outcome


def refusal(runner: Processes, argv: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> NodeError:
    with pytest.raises(NodeError) as caught:
        outcome(runner, Command(argv, str(folder), environment or ENVIRONMENT, b"x"))
    assert not caught.value.retryable
    return caught.value


def executable(path: Path, content: str, mode: int = 0o755) -> None:
    path.write_text(content)
    path.chmod(stat.S_IMODE(mode))


def test_an_unknown_program_names_the_nearest(runner: Processes, tmp_path: Path) -> None:
    executable(tmp_path / "convert-it", "#!/bin/sh\n")
    error = refusal(runner, ["convert-ti"], tmp_path, {"PATH": str(tmp_path)})
    assert (error.message, error.hint) == ("program 'convert-ti' is not on the PATH", "did you mean 'convert-it'?")


def test_a_program_of_the_folder_needs_its_dot(runner: Processes, tmp_path: Path) -> None:
    executable(tmp_path / "mine", "#!/bin/sh\n")
    assert refusal(runner, ["mine"], tmp_path).hint == "did you mean './mine'?"


def test_a_missing_path_names_the_nearest(runner: Processes, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    executable(tmp_path / "bin" / "score.sh", "#!/bin/sh\n")
    error = refusal(runner, ["./bin/scores.sh"], tmp_path)
    assert (error.message, error.hint) == ("program './bin/scores.sh' does not exist", "did you mean './bin/score.sh'?")


def test_a_file_without_the_executable_bit_says_how_to_set_it(runner: Processes, tmp_path: Path) -> None:
    executable(tmp_path / "x.sh", "#!/bin/sh\n", 0o644)
    error = refusal(runner, ["./x.sh"], tmp_path)
    assert (error.message, error.hint) == ("cannot run './x.sh': it is not executable", "chmod +x ./x.sh")


def test_a_missing_interpreter_is_named(runner: Processes, tmp_path: Path) -> None:
    executable(tmp_path / "x.sh", "#!/no/such/interpreter -x\n")
    assert refusal(runner, ["./x.sh"], tmp_path).message == \
        "cannot run './x.sh': its interpreter '/no/such/interpreter' does not exist"


def test_a_script_saved_with_windows_line_ends_shows_why(runner: Processes, tmp_path: Path) -> None:
    executable(tmp_path / "x.sh", "#!/bin/sh\r\necho\r\n")
    assert "'/bin/sh\\r' does not exist" in refusal(runner, ["./x.sh"], tmp_path).message


def test_a_script_without_a_first_line_is_told_to_have_one(runner: Processes, tmp_path: Path) -> None:
    executable(tmp_path / "x.sh", "echo hello\n")
    assert refusal(runner, ["./x.sh"], tmp_path).hint == "begin it with a line such as #!/bin/sh"


@pytest.mark.parametrize(("argv", "message"), [
    ([], "the command names no program"),
    ([""], "the command names no program"),
    (["a\0b"], "NUL character"),
    (["true", "a\0b"], "NUL character"),
    (["true", "\ud800"], "lone surrogate"),
    (["."], "not on the PATH|is a folder"),
    (["./."], "is a folder"),
    (["true", "x" * 3_000_000], "too long for the system"),
])
def test_what_is_no_command_is_refused(runner: Processes, tmp_path: Path, argv: list[str], message: str) -> None:
    error = refusal(runner, argv, tmp_path)
    assert any(part in error.message for part in message.split("|")), error.message


def test_a_missing_folder_is_named(runner: Processes, tmp_path: Path) -> None:
    assert "there is no folder" in refusal(runner, ["true"], tmp_path / "gone").message
