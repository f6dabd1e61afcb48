"""Python tools, inline and in a process of their own: what holds for one holds for the other."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from oe.errors import NodeError
from oe.lang.scope import MISSING
from oe.net.processes import Processes
from oe.values import Json
from tests.unit.kinds.attempts import Experiment, fan_out_item


def failure(experiment: Experiment, isolation: str, source: str, function: str = "run") -> NodeError:
    experiment.write("tools/x.py", source)
    with pytest.raises(NodeError) as caught:
        experiment.run(impl=f"./tools/x.py:{function}", isolation=isolation)
    return caught.value


def delta(experiment: Experiment, isolation: str, source: str) -> Json:
    experiment.write("tools/x.py", source)
    return experiment.delta(impl="./tools/x.py", isolation=isolation)


# What a tool is given


def test_a_tool_gets_arguments_item_view_and_edge_inputs(experiment: Experiment, isolation: str) -> None:
    experiment.args = {"x": 1, "list": [1]}
    experiment.scope = fan_out_item({"i": 1}, 7)
    experiment.scope.inputs = {"before": [1]}
    assert delta(experiment, isolation, "def run(inputs, ctx): return {'a': inputs}") == {"a": {
        "x": 1, "list": [1], "$item": {"i": 1}, "$index": 7, "_state": {"a": [1, {"deep": []}]},
        "_edge_inputs": {"before": [1]}}}


def test_outside_a_fan_out_there_is_no_item(experiment: Experiment, isolation: str) -> None:
    assert delta(experiment, isolation, "def run(inputs): return {'a': sorted(inputs)}") == {
        "a": ["_edge_inputs", "_state"]}


def test_a_tool_that_changes_its_inputs_changes_nothing_else(experiment: Experiment, isolation: str) -> None:
    experiment.args = {"list": [[1]]}
    source = ("def run(inputs):\n    inputs['list'][0].append(2)\n    inputs['_state']['a'][1]['deep'].append(3)\n"
              "    inputs['_edge_inputs']['before']['x'] = 4\n    return {'a': 1}")
    delta(experiment, isolation, source)
    assert (experiment.args, experiment.view) == ({"list": [[1]]}, {"a": [1, {"deep": []}]})
    assert experiment.scope.inputs == {"before": {"x": 1}}


@pytest.mark.parametrize("signature", [
    "def run(inputs, ctx)", "def run(inputs)", "def run()", "def run(*args)", "def run(inputs, ctx=None, more=3)",
    "def run(inputs, /, ctx)", "def run(inputs, *, note=1)", "async def run(inputs, ctx)", "async def run()",
    "@functools.lru_cache(None)\ndef run()", "@functools.wraps(print)\ndef run(*a, **k)",
])
def test_a_tool_is_called_with_as_much_as_it_takes(experiment: Experiment, isolation: str, signature: str) -> None:
    assert delta(experiment, isolation, f"import functools\n{signature}: return {{'a': 1}}") == {"a": 1}


def test_a_callable_object_is_a_tool(experiment: Experiment, isolation: str) -> None:
    source = "class Tool:\n    def __call__(self, inputs): return {'a': 'called'}\nrun = Tool()"
    assert delta(experiment, isolation, source) == {"a": "called"}


def test_a_sync_function_that_gives_a_coroutine_is_awaited(experiment: Experiment, isolation: str) -> None:
    source = "async def work(): return {'a': 5}\ndef run(): return work()"
    assert delta(experiment, isolation, source) == {"a": 5}


@pytest.mark.parametrize(("signature", "words"), [
    ("def run(a, b, c)", "wants 3 arguments"), ("def run(inputs, *, key)", "wants the keyword 'key'")])
def test_a_signature_that_cannot_be_served_is_refused(experiment: Experiment, isolation: str, signature: str,
                                                      words: str) -> None:
    experiment.write("tools/x.py", f"def inner(): pass\nrun = inner\n{signature}: pass\nother = run")
    with pytest.raises(NodeError, match=words) as caught:
        experiment.run(impl="./tools/x.py:other", isolation=isolation)
    assert not caught.value.retryable
    assert caught.value.hint == "write def run(inputs, ctx)"


# What a tool may give


@pytest.mark.parametrize(("expression", "expected"), [
    ("None", ({}, MISSING, {})),
    ("{}", ({}, MISSING, {})),
    ("{'a': (1, (2,))}", ({"a": [1, [2]]}, MISSING, {})),
    ("{'edge_output': None}", ({}, None, {})),
    ("{'state_delta': {'a': 1}, 'edge_output': [1], 'metrics': {'n': 1}}", ({"a": 1}, [1], {"n": 1})),
    ("{'state_delta': None, 'edge_output': 1}", ({}, 1, {})),
    ("{'a': E.ONE, 'b': S.TWO}", ({"a": 1, "b": "two"}, MISSING, {})),
    ("{'a': 2**70, 'b': 1e300}", ({"a": 2**70, "b": 1e300}, MISSING, {})),
])
def test_results_in_short_and_long_form(experiment: Experiment, isolation: str, expression: str,
                                        expected: tuple[Json, Json, Json]) -> None:
    experiment.write("tools/x.py", "import enum\nclass E(enum.IntEnum):\n    ONE = 1\nclass S(str, enum.Enum):\n"
                     f"    TWO = 'two'\ndef run(): return {expression}")
    assert experiment.given(impl="./tools/x.py", isolation=isolation) == expected


def test_the_result_is_the_engines_own(experiment: Experiment) -> None:
    experiment.write("tools/x.py", "kept = []\ndef run():\n    kept.append(1)\n    return {'a': kept}")
    node, executor = experiment.executor(impl="./tools/x.py")

    async def main() -> list[Json]:
        first = await executor.execute(experiment.request(node), experiment.context)
        await executor.execute(experiment.request(node), experiment.context)
        return [first.state_delta["a"]]

    assert asyncio.run(main()) == [[1]]


@pytest.mark.parametrize(("expression", "message", "hint"), [
    ("[1]", "the tool returned a list", "return an object of fields to write"),
    ("3", "the tool returned an int", None),
    ("'text'", "the tool returned a str", None),
    ("(x for x in ())", "the tool returned a generator", None),
    ("{'state_delta': {}, 'edge': 1}", "returned 'edge' beside 'state_delta' or 'edge_output'", "the long form has"),
    ("{'state_delta': [1]}", "'state_delta' is a list, not a dict", None),
    ("{'edge_output': 1, 'metrics': {'m': []}}", "the metric 'm' is a list", None),
    ("{'a': [0, {'when': datetime.datetime.now()}]}", "at 'a[1].when' is a datetime", "write .isoformat()"),
    ("{'a': {1}}", "at 'a' is a set", "write sorted(…)"),
    ("{'a': b'x'}", "at 'a' is a bytes", "write .decode()"),
    ("{'a': {1: 2}}", "at 'a' has the key '1' of type int", "write str(key)"),
    ("{'a': float('nan')}", "at 'a' is nan", "write None"),
    ("{'a': {'odd key': float('inf')}}", "at \"a['odd key']\" is inf", None),
    ("{'a': '\\ud800'}", "lone surrogate at character 0", None),
    ("{'\\ud800': 1}", "lone surrogate", None),
    ("{'a': 10**5000}", "is an integer of", "write it as text"),
    ("{'a': object()}", "at 'a' is a object", None),
    ("deep", "nested deeper than 200 levels, or holds itself", None),
    ("{'a': pathlib.Path('x')}", "at 'a' is a PosixPath", "write str(…)"),
    ("{'a': decimal.Decimal(1)}", "at 'a' is a Decimal", "write float(…) or str(…)"),
])
def test_what_is_no_result_is_refused_with_its_place(experiment: Experiment, isolation: str, expression: str,
                                                     message: str, hint: str | None) -> None:
    error = failure(experiment, isolation, "import datetime, decimal, pathlib\ndeep = {}\ndeep['d'] = deep\n"
                    f"def run(): return {expression}")
    assert message in error.message
    assert len(error.message) < 300
    assert not error.retryable
    if hint is not None:
        assert hint in (error.hint or "")


# How a tool may fail


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_exception_names_its_class_text_and_line(experiment: Experiment, isolation: str, kind: str) -> None:
    error = failure(experiment, isolation, f"import helper\n\n{kind} run():\n    helper.fail('boom')\n") \
        if experiment.write("tools/helper.py", "def fail(text):\n    raise LookupError(text)\n") is None else None
    assert error is not None
    assert (error.name, error.message, error.retryable) == (
        "LookupError", "LookupError: boom (tools/helper.py:2)", True)
    log = experiment.context.log_text
    assert "Traceback" in log
    assert 'tools/x.py", line 4, in run' in log
    assert "oe/kinds" not in log, "the frames of oe itself help nobody"


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "asyncio.CancelledError()", "StopIteration()",
                                   "BaseException('base')"])
def test_exceptions_that_end_a_program_end_the_node_alone(experiment: Experiment, isolation: str, kind: str,
                                                          error: str) -> None:
    found = failure(experiment, isolation, f"import asyncio\n{kind} run(): raise {error}")
    assert found.name in (error.partition("(")[0].rpartition(".")[2], "RuntimeError")  # a coroutine's StopIteration


def test_an_exception_whose_text_cannot_be_had_is_a_failure_all_the_same(experiment: Experiment, isolation: str) -> None:
    source = "class Odd(Exception):\n    def __str__(self): raise ValueError\ndef run(): raise Odd"
    assert failure(experiment, isolation, source).message.startswith("Odd: (its text cannot be had: ValueError)")


@pytest.mark.parametrize(("source", "message"), [
    ("def run(:\n", "SyntaxError: invalid syntax (tools/x.py:1:9)"),
    ("x = 1\n  y = 2\n", "IndentationError: unexpected indent (tools/x.py:2:"),
    ("import no_such_module_at_all\n", "ModuleNotFoundError: No module named 'no_such_module_at_all' (tools/x.py:1)"),
    ("import broken\n", "SyntaxError: invalid syntax (tools/broken.py:2:5)"),
    ("raise SystemExit('at import')\n", "SystemExit: at import (tools/x.py:1)"),
    ("1/0\n", "ZeroDivisionError: division by zero (tools/x.py:1)"),
])
def test_a_file_that_cannot_be_loaded_is_no_reason_to_retry(experiment: Experiment, isolation: str, source: str,
                                                            message: str) -> None:
    experiment.write("tools/broken.py", "x = 1\ny = = 2\n")
    experiment.write("tools/x.py", "def run(): return {}")
    node, _ = experiment.executor(impl="./tools/x.py", isolation=isolation)
    experiment.write("tools/x.py", source)  # after the check, as an edit during a run
    executor = type(experiment)(experiment.folder)
    with pytest.raises(NodeError) as caught:
        asyncio.run(_one(executor, node))
    assert caught.value.message.startswith(message)
    assert not caught.value.retryable


async def _one(experiment: Experiment, node: object) -> None:
    from oe.kinds.tool import ToolKind

    executor = ToolKind().prepare(node, experiment.files)  # type: ignore[arg-type]
    await executor.execute(experiment.request(node), experiment.context)  # type: ignore[arg-type]


# What is printed


def test_prints_go_to_the_log_of_a_process(experiment: Experiment) -> None:
    source = ("import os, sys\ndef run():\n    print('text é')\n    sys.stderr.write('err\\n')\n    os.write(1, b'raw\\xff\\n')\n"
              "    print('no end', end='')\n    return {'a': sys.stdin.read()}")
    assert delta(experiment, "process", source) == {"a": ""}
    assert sorted(experiment.context.log_text.splitlines()) == ["err", "no end", "raw\ufffd", "text é"]


# Processes alone


def test_a_process_has_the_folder_and_a_bare_environment(experiment: Experiment) -> None:
    source = "import os\ndef run(): return {'a': [os.getcwd(), sorted(os.environ)]}"
    experiment.write("tools/x.py", source)
    folder, names = experiment.delta(impl="./tools/x.py", isolation="process", env=["DECLARED"])["a"]  # type: ignore[misc]
    assert folder == str(experiment.folder)
    assert set(names) - {"LC_CTYPE"} == {"DECLARED", "OE_ARTIFACT_DIR", "OE_ATTEMPT", "OE_EXPERIENCE_DIR", "OE_RUN_ID",
                                         "OE_OWNER", "OE_SLOT", "PATH"}


def test_workdir_is_resolved_and_stays_inside(experiment: Experiment) -> None:
    experiment.write("tools/x.py", "import os\ndef run(): return {'a': os.path.basename(os.getcwd())}")
    experiment.write("sub/file", "")
    experiment.scope.args = {"given": "sub"}
    assert experiment.delta(impl="./tools/x.py", workdir="$args.given") == {"a": "sub"}
    for outside in ("..", "/", "nowhere"):
        experiment.scope.args = {"given": outside}
        with pytest.raises(NodeError) as caught:
            experiment.run(impl="./tools/x.py", workdir="$args.given")
        assert not caught.value.retryable


@pytest.mark.parametrize(("source", "message"), [
    ("import os\ndef run(): os.kill(os.getpid(), 9)", "the process of 'tools/x.py' was killed by SIGKILL"),
    ("import os\ndef run():\n    os.write(2, b'last words\\n')\n    os.abort()", "was killed by SIGABRT: last words"),
    ("import os\ndef run(): os._exit(0)", "the process of 'tools/x.py' ended without a result"),
    ("import os\ndef run(): os._exit(4)", "the process of 'tools/x.py' ended with exit code 4"),
])
def test_a_process_that_dies_fails_its_node_alone(experiment: Experiment, source: str, message: str) -> None:
    assert message in failure(experiment, "process", source).message


def test_a_tool_that_writes_into_the_message_pipe_fails(experiment: Experiment) -> None:
    source = ("import os\ndef run():\n    for descriptor in range(3, 1000):\n        try: os.write(descriptor, b'[]\\n')\n"
              "        except OSError: pass\n    return {'a': 1}")
    assert failure(experiment, "process", source).name == "ProtocolError"


def test_modules_of_the_working_folder_do_not_stand_before_the_standard_library(experiment: Experiment) -> None:
    experiment.write("json.py", "raise RuntimeError('the wrong json')")
    assert delta(experiment, "process", "import json\ndef run(): return {'a': json.dumps(1)}") == {"a": "1"}


def test_clean_ups_of_a_process_run_last_one_first_and_hide_nothing(experiment: Experiment) -> None:
    source = ("def run(inputs, ctx):\n    ctx.defer(lambda: print('first'))\n    ctx.defer(lambda: 1/0)\n"
              "    async def last(): print('last')\n    ctx.defer(last)\n    return {'a': 1}")
    assert delta(experiment, "process", source) == {"a": 1}
    log = experiment.context.log_text
    assert log.index("last") < log.index("first")
    assert "clean-up failed: ZeroDivisionError: division by zero (tools/x.py:3)" in log


def test_threads_that_a_tool_leaves_do_not_hold_up_its_process(experiment: Experiment) -> None:
    source = ("import threading\ndef run():\n    threading.Thread(target=threading.Event().wait).start()\n"
              "    return {'a': 'done'}")
    assert delta(experiment, "process", source) == {"a": "done"}


def test_a_large_result_comes_whole(experiment: Experiment) -> None:
    assert delta(experiment, "process", "def run(): return {'a': 'é' * 3_000_000}") == {"a": "é" * 3_000_000}


@pytest.mark.parametrize("source", [
    "def run(inputs, ctx):\n    {}\n    import threading\n    threading.Event().wait()\n",
    "async def run(inputs, ctx):\n    {}\n    import asyncio\n    await asyncio.Event().wait()\n",
], ids=["sync", "async"])
def test_a_cancelled_process_cleans_up(experiment: Experiment, source: str) -> None:
    ready = ("ctx.defer(lambda: open('cleaned', 'w').write(str(ctx.cancelled)))\n    ctx.report(1, 'ready')")
    experiment.write("tools/x.py", source.format(ready))
    node, executor = experiment.executor(impl="./tools/x.py", isolation="process")

    async def main() -> None:
        ready = asyncio.Event()
        experiment.context.report = lambda *_: ready.set()  # type: ignore[method-assign]
        task = asyncio.create_task(executor.execute(experiment.request(node), experiment.context))
        await asyncio.wait_for(ready.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert (experiment.folder / "cleaned").read_text() == "True"


def _interpreters() -> list[str]:
    versions = Path(sys.base_prefix).parent.glob("3.*/bin/python")
    return sorted({str(path) for path in versions if int(path.parts[-3].split(".")[1]) >= 8}) or [sys.executable]


@pytest.mark.parametrize("python", _interpreters())
def test_other_interpreters_run_tools(experiment: Experiment, python: str) -> None:
    experiment.write("tools/helper.py", "import sys\nversion = list(sys.version_info[:2])")
    experiment.write("tools/x.py", "def run(inputs, ctx):\n    import helper\n    from helper import version\n"
                     "    ctx.report(0.5)\n    ctx.defer(lambda: None)\n    return {'a': version}\n"
                     "async def bad(inputs): raise ValueError('boom')")
    found = experiment.delta(impl="./tools/x.py", python=python)["a"]
    assert found[0] == 3  # type: ignore[index]
    with pytest.raises(NodeError, match=r"ValueError: boom \(tools/x.py:7\)"):
        experiment.run(impl="./tools/x.py:bad", python=python)


def test_an_interpreter_that_does_not_exist_is_named(experiment: Experiment) -> None:
    experiment.write("tools/x.py", "def run(): return {}")
    with pytest.raises(NodeError, match="'python-no-such' is not on the PATH") as caught:
        experiment.run(impl="./tools/x.py", python="python-no-such")
    assert not caught.value.retryable


# Which isolation


@pytest.mark.parametrize(("options", "source", "expected"), [
    ({}, "def run()", "inline"),
    ({"timeout": 30}, "def run()", "process"),
    ({"timeout": 30}, "async def run()", "inline"),
    ({"timeout": 30, "isolation": "inline"}, "def run()", "inline"),
    ({"isolation": "process"}, "async def run()", "process"),
    ({"workdir": "."}, "def run()", "process"),
])
def test_where_a_tool_runs(experiment: Experiment, options: dict[str, Json], source: str, expected: str) -> None:
    experiment.write("tools/x.py", f"import os\n{source}: return {{'a': os.getpid()}}")
    inline = experiment.delta(impl="./tools/x.py", **options)["a"] == __import__("os").getpid()
    assert inline == (expected == "inline")


def test_an_inline_tool_that_is_cancelled_is_told_and_abandoned(experiment: Experiment) -> None:
    experiment.write("tools/x.py", "def run(inputs, ctx):\n    ctx.report(0)\n    while not ctx.cancelled: pass\n"
                     "    ctx.report(1)")
    node, executor = experiment.executor(impl="./tools/x.py")

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        began, ended = asyncio.Event(), asyncio.Event()
        experiment.context.report = (  # type: ignore[method-assign]
            lambda pct, *_: loop.call_soon_threadsafe((ended if pct else began).set))
        task = asyncio.create_task(executor.execute(experiment.request(node), experiment.context))
        await asyncio.wait_for(began.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        abandoned = experiment.context.threads.abandoned()
        experiment.context.cancelled = True
        await asyncio.wait_for(ended.wait(), 20)
        return abandoned

    assert asyncio.run(main()) == ["node: tools/x.py"]


def test_the_runner_of_processes_is_not_asked_for_an_inline_tool(experiment: Experiment,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processes, "run", None)
    assert delta(experiment, "inline", "def run(): return {'a': 1}") == {"a": 1}
