"""Programs as tools: what they are handed, how their output is read, how they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oe.errors import NodeError
from oe.kinds import tool_command
from oe.lang.scope import MISSING
from oe.values import Json
from tests.unit.kinds.attempts import Experiment


def printing(experiment: Experiment, data: bytes) -> str:
    (experiment.folder / "printed").write_bytes(data)
    return "cat"


def failure(experiment: Experiment, *command: Json, **options: Json) -> NodeError:
    with pytest.raises(NodeError) as caught:
        experiment.run(command=list(command), **options)
    return caught.value


def test_inputs_are_one_line_of_json_on_standard_input(experiment: Experiment) -> None:
    experiment.args = {"x": "é"}
    assert experiment.delta(command=["sh", "-c", "cat > got; wc -l < got"], output="text", writes=["a"]) == {"a": "1"}
    assert json.loads((experiment.folder / "got").read_text()) == {
        "x": "é", "_state": {"a": [1, {"deep": []}]}, "_edge_inputs": {"before": {"x": 1}}}


def test_references_become_arguments_and_no_shell_reads_them(experiment: Experiment) -> None:
    experiment.scope.args = {"given": {"k": [1, None]}}
    command = ["printf", "%s\n", "$args.given", "$args.given.k[0]", "$$plain", "a b; echo $HOME", "$.a[0]"]
    assert experiment.delta(command=command, output="lines", writes=["a"], reads=["a"]) == {
        "a": ['{"k":[1,null]}', "1", "$plain", "a b; echo $HOME", "1"]}


def test_the_environment_is_an_allow_list_and_what_is_declared(experiment: Experiment) -> None:
    lines = experiment.delta(command=["env"], output="lines", writes=["a"], env=["DECLARED", "NOT_SET"])["a"]
    names = {str(line).partition("=")[0] for line in lines}  # type: ignore[union-attr]
    assert names == {"PATH", "DECLARED", "OE_RUN_ID", "OE_SLOT", "OE_ATTEMPT", "OE_ARTIFACT_DIR",
                     "OE_EXPERIENCE_DIR", "OE_OWNER"}


def test_a_key_reaches_a_program_only_where_it_is_declared(experiment: Experiment) -> None:
    command = ["sh", "-c", "echo ${MY_API_KEY-unset}"]
    assert experiment.delta(command=command, output="text", writes=["a"]) == {"a": "unset"}
    assert experiment.delta(command=command, output="text", writes=["a"], env=["MY_API_KEY"]) == {"a": "key-value-1"}


def test_a_program_runs_in_the_experiences_folder_or_in_workdir(experiment: Experiment) -> None:
    experiment.write("sub/go.sh", "#!/bin/sh\nbasename \"$PWD\"\n", executable=True)
    assert experiment.delta(command=["./sub/go.sh"], output="text", writes=["a"]) == {"a": "experience"}
    assert experiment.delta(command=["./go.sh"], workdir="sub", output="text", writes=["a"]) == {"a": "sub"}


@pytest.mark.parametrize(("printed", "expected"), [
    ("", ({}, MISSING, {})),
    ("  \n", ({}, MISSING, {})),
    ("null", ({}, MISSING, {})),
    ('{"a": 1}\n', ({"a": 1}, MISSING, {})),
    ('\ufeff{"a": "é"}', ({"a": "é"}, MISSING, {})),
    ('{"state_delta": {"a": 1}, "edge_output": [2], "metrics": {"m": 3}}', ({"a": 1}, [2], {"m": 3})),
])
def test_json_is_read_as_a_python_tool_returns_it(experiment: Experiment, printed: str,
                                                  expected: tuple[Json, Json, Json]) -> None:
    experiment.write("printed", printed)
    assert experiment.given(command=["cat", "printed"]) == expected


@pytest.mark.parametrize(("form", "printed", "expected"), [
    ("text", "one\ntwo\n", "one\ntwo"), ("text", "one\r\n", "one"), ("text", "\n", ""), ("text", "a\n\n", "a\n"),
    ("lines", "one\ntwo\n", ["one", "two"]), ("lines", "one\r\n\r\ntwo", ["one", "", "two"]), ("lines", "\n", [""]),
])
def test_text_and_lines_fill_the_field_and_the_edge(experiment: Experiment, form: str, printed: str,
                                                    expected: Json) -> None:
    experiment.write("printed", printed.encode())
    assert experiment.given(command=["cat", "printed"], output=form, writes=["a"]) == ({"a": expected}, expected, {})
    assert experiment.given(command=["cat", "printed"], output=form) == ({}, expected, {})


@pytest.mark.parametrize("form", ["json", "text", "lines"])
def test_nothing_printed_is_no_output(experiment: Experiment, form: str) -> None:
    assert experiment.given(command=["true"], output=form, writes=["a"]) == ({}, MISSING, {})


@pytest.mark.parametrize(("printed", "message"), [
    (b"[1]", "'cat' printed a list"),
    (b"{\"a\": 1,\n oops}", "printed no JSON: expecting property name enclosed in double quotes at line 2, column 2, "
     "found 'oops}'"),
    (b"{\"a\": 1} tail", "printed no JSON: extra data at line 1, column 10, found 'tail'"),
    (b"{\"a\": ", "the text ends there"),
    (b"{\"a\": NaN}", "NaN is no JSON number"),
    (b"{\"a\": 1e999}", "at 'a' is inf"),
    (b"{\"a\": \"\\ud800\"}", "lone surrogate"),
    (b"{\"a\": " + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (b"{\"a\": " + b"[" * 300 + b"]" * 300 + b"}", "nested deeper than 200 levels"),
    (b"{\"a\": " + b"9" * 5000 + b"}", "printed JSON that cannot be read: exceeds the limit"),
    (b"{\"a\": \"\xff\"}", "printed no UTF-8: byte 0xff at offset 7"),
    (b"{\"state_delta\": {}, \"other\": 1}", "printed 'other' beside"),
])
def test_what_is_no_result_is_refused(experiment: Experiment, printed: bytes, message: str) -> None:
    experiment.write("printed", printed)
    error = failure(experiment, "cat", "printed")
    assert message.lower() in error.message.lower()
    assert not error.retryable


def test_a_failing_program_says_its_last_words_and_may_be_tried_again(experiment: Experiment) -> None:
    error = failure(experiment, "sh", "-c", "echo '{}'; seq 1 100 >&2; echo 'no such table' >&2; exit 3")
    assert error.message.startswith("'sh' ended with exit code 3: ")
    assert error.message.endswith("\n99\n100\nno such table")
    assert len(error.message) < 700
    assert error.retryable
    assert experiment.context.log_text.splitlines() == [*(str(number) for number in range(1, 101)), "no such table"]


def test_a_signal_is_named(experiment: Experiment) -> None:
    assert failure(experiment, "sh", "-c", "kill -SEGV $$").message == "'sh' was killed by SIGSEGV"


def test_errors_that_are_no_utf8_are_shown_with_replacements(experiment: Experiment) -> None:
    error = failure(experiment, "sh", "-c", "printf 'bad \\377 byte' >&2; exit 1")
    assert error.message.endswith(": bad \ufffd byte")
    assert experiment.context.log_text == "bad \ufffd byte\n"


def test_endless_output_ends_the_program_with_a_reason(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_command, "MOST_OUTPUT_BYTES", 1_000_000)
    error = failure(experiment, "yes")
    assert error.message == "the standard output of 'yes' is longer than 976.6 KiB"
    assert not error.retryable


def test_one_endless_line_of_errors_does_not_fill_the_memory(experiment: Experiment) -> None:
    experiment.run(command=["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x >&2"])
    assert len(experiment.context.logged) > 5
    assert len(experiment.context.log_text.replace("\n", "")) == 1_000_000


def test_a_program_that_is_not_there_is_no_reason_to_retry(experiment: Experiment) -> None:
    error = failure(experiment, "no-such-program-at-all")
    assert (error.message, error.retryable) == ("program 'no-such-program-at-all' is not on the PATH", False)


@pytest.mark.parametrize(("given", "message"), [(3, "'workdir' is 3, not a path"), ("..", "outside"),
                                                ("nowhere", "which is no folder of the experience")])
def test_a_working_folder_is_a_folder_of_the_experience(experiment: Experiment, given: Json, message: str) -> None:
    experiment.scope.args = {"given": given}
    error = failure(experiment, "true", workdir="$args.given")
    assert message in error.message
    assert not error.retryable


def test_artifacts_have_a_place(experiment: Experiment) -> None:
    experiment.run(command=["sh", "-c", "echo made > \"$OE_ARTIFACT_DIR/x.txt\""])
    assert Path(experiment.folder, "artifacts", "x.txt").read_text() == "made\n"
