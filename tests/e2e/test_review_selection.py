"""What is run anew when somebody says so, and what a resumed run takes over: with the real program and its cache."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.counted import Counted
from tests.support.program import Program

TOOL = """\
import os
from count import count

def one(inputs, ctx):
    count("one", ctx)
    return {"log": ["one"]}

def two(inputs, ctx):
    count("two", ctx)
    if os.path.exists(ctx.folder + "/broken"):
        raise ValueError("broken")
    return {"log": ["two"]}

def three(inputs, ctx):
    count("three", ctx)
    return {"log": ["three"]}

def step(inputs, ctx):
    count(inputs["i"], ctx)
    return {"i": inputs["i"] + 1}
"""
CHAIN = """\
name: chain
version: 1.0.0
state: {schema: {log: {type: array, merge: array_append}}}
graph:
  nodes:
    - {id: one, kind: tool, impl: ./tools/tool.py:one, writes: [log], cache: true}
    - {id: two, kind: tool, impl: ./tools/tool.py:two, needs: [one], writes: [log], cache: true}
    - {id: three, kind: tool, impl: ./tools/tool.py:three, writes: [log], cache: true, effects: EFFECTS}
"""
LOOP = """\
name: loop
version: 1.0.0
state: {schema: {i: {type: integer, default: 0}}}
graph:
  nodes:
    - {id: step, kind: tool, impl: ./tools/tool.py:step, args: {i: $.i}, writes: [i], cache: CACHE}
    - {id: after, kind: tool, impl: ./tools/tool.py:AFTER, needs: [again], args: {i: $.i}, writes: [i], cache: false}
  loops:
    - {id: again, body: [step], max_iters: 3}
"""


@pytest.fixture
def chain(program: Program, tmp_path: Path) -> Counted:
    return Counted(program, tmp_path / "chain", CHAIN.replace("EFFECTS", "false"), TOOL)


def loop(program: Program, tmp_path: Path, cache: str = "true", after: str = "step") -> Counted:
    return Counted(program, tmp_path / "loop", LOOP.replace("CACHE", cache).replace("AFTER", after), TOOL)


def test_retry_runs_a_finished_node_again_although_it_is_cached(chain: Counted) -> None:
    chain.write("broken", "")
    assert chain.run().names == ["one", "three", "two"]
    (chain.folder / "broken").unlink()
    assert chain.resume("--retry", "one").names == ["one", "two"], "the cache answered for the node that was to be run"


def test_refresh_of_a_loop_runs_its_body(program: Program, tmp_path: Path) -> None:
    counted = loop(program, tmp_path)
    assert counted.run().names == [0, 1, 2, 3]
    assert counted.run("--refresh", "again").names == [0, 1, 2, 3], "only 'after' ran: the body came from the cache"


def test_from_a_loop_runs_its_body(program: Program, tmp_path: Path) -> None:
    counted = loop(program, tmp_path)
    counted.run()
    assert counted.run("--from", "again").names == [0, 1, 2, 3]


def test_only_a_unit_behind_a_loop_does_not_run_the_loop(program: Program, tmp_path: Path) -> None:
    counted = loop(program, tmp_path, cache="false")
    counted.run()
    assert counted.run("--only", "after").names == [3], "the loop's body ran although its results are known"


def test_from_a_unit_behind_a_loop_does_not_run_the_loop(program: Program, tmp_path: Path) -> None:
    counted = loop(program, tmp_path, cache="false")
    counted.run()
    assert counted.run("--from", "after").names == [3]


def test_a_resumed_run_of_one_unit_stays_a_run_of_one_unit(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "chain", CHAIN.replace("EFFECTS", "true"), TOOL)
    counted.run()
    counted.write("broken", "")
    assert counted.run("--only", "two").names == ["two"]
    (counted.folder / "broken").unlink()
    assert "three" not in counted.resume().names, "it changes the world, and nobody asked for it"


def test_a_resumed_run_remembers_what_was_to_be_refreshed(chain: Counted) -> None:
    chain.run()
    chain.edit("experience.yaml", "writes: [log], cache: true}\n    - {id: three",
               "writes: [log], cache: true}\n    - {id: before, kind: tool, impl: './tools/kill.py'}\n    - {id: three")
    chain.edit("experience.yaml", "id: one, kind: tool,", "id: one, kind: tool, needs: [before],")
    chain.write("tools/kill.py", "import os, signal\ndef run(inputs, ctx):\n    if not os.path.exists('go'):\n"
                                 "        os.kill(os.getpid(), signal.SIGKILL)\n")
    killed = chain.start("run", "--refresh", "one")
    assert killed.wait(60) == -signal.SIGKILL
    (chain.folder / "go").touch()
    chain.ran()
    assert "one" in chain.resume().names


def test_an_argument_that_was_added_since_has_its_default_on_resume(chain: Counted) -> None:
    chain.write("broken", "")
    chain.run()
    (chain.folder / "broken").unlink()
    chain.edit("experience.yaml", "state:", "args: {n: {type: integer, default: 5}}\nstate:")
    chain.edit("experience.yaml", "impl: ./tools/tool.py:two,", "impl: ./tools/tool.py:two, args: {n: $args.n},")
    resumed = chain.resume()
    assert resumed.exit_code == 0, resumed.node("two")


def test_a_field_that_was_added_since_has_its_default_on_resume(chain: Counted) -> None:
    chain.write("broken", "")
    chain.run()
    (chain.folder / "broken").unlink()
    chain.edit("experience.yaml", "schema: {", "schema: {n: {type: integer, default: 5}, ")
    chain.edit("experience.yaml", "impl: ./tools/tool.py:two,", "impl: ./tools/tool.py:two, args: {n: $.n},")
    resumed = chain.resume()
    assert resumed.exit_code == 0, resumed.node("two")


def test_a_resumed_run_of_one_unit_takes_its_inputs_from_the_run_before(program: Program, tmp_path: Path) -> None:
    text = CHAIN.replace("EFFECTS", "true").replace("id: one, kind: tool, impl: ./tools/tool.py:one, writes: [log], cache: true",
                                                    "id: one, kind: tool, impl: ./tools/tool.py:one, writes: [log], cache: false")
    counted = Counted(program, tmp_path / "chain", text, TOOL)
    counted.run()
    counted.write("broken", "")
    failed = counted.run("--only", "two")
    listed = program.run("runs", "--json", cwd=counted.folder).json()["runs"]
    assert [run["selection"] for run in listed] == [{"only": "two"}, {}]
    (counted.folder / "broken").unlink()
    refused = program.run("resume", "--retry", "three", cwd=counted.folder)
    assert (refused.exit_code, "not in the part" in refused.stderr) == (2, True)
    resumed = counted.resume()
    assert (failed.names, resumed.names, resumed.exit_code) == (["two"], ["two"], 0)
    assert resumed.state == {"log": ["one", "two"]}


def test_an_argument_that_was_added_without_a_default_is_named(chain: Counted) -> None:
    chain.write("broken", "")
    chain.run()
    chain.edit("experience.yaml", "state:", "args: {n: {type: integer, required: true}}\nstate:")
    refused = chain._program.run("resume", cwd=chain.folder)
    assert refused.exit_code == 2
    assert "'n' has been added since" in refused.stderr


def test_an_argument_that_is_no_longer_declared_is_left_out(chain: Counted) -> None:
    chain.edit("experience.yaml", "state:", "args: {n: {type: integer}, m: {type: integer, default: 3}}\nstate:")
    chain.write("broken", "")
    chain.run("--arg", "n=1", "--arg", "m=2")
    (chain.folder / "broken").unlink()
    chain.edit("experience.yaml", "n: {type: integer}, ", "")
    chain.edit("experience.yaml", "impl: ./tools/tool.py:two,", "impl: ./tools/tool.py:two, args: {m: $args.m},")
    assert chain.resume().exit_code == 0
    assert chain.events("run.started")[0]["args"] == {"n": 1, "m": 2}, "what was recorded stays"


WAITING = """\
name: waiting
version: 1.0.0
graph:
  nodes:
    - {id: wait, kind: tool, impl: ./tools/tool.py:run, cache: false}
"""
WAIT = """\
def run(inputs, ctx):
    with open(ctx.folder + "/begun", "w") as begun:
        begun.write("yes")
    with open(ctx.folder + "/gate") as gate:
        gate.read()
"""


def ended(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit code, or None where it does not end."""
    try:
        return process.wait(60)
    except subprocess.TimeoutExpired:
        return None


def test_an_interrupt_ends_the_waiting_for_another_run(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "waiting", WAITING, WAIT)
    for name in ("gate", "begun"):
        os.mkfifo(counted.folder / name)
    first = counted.start("run")
    with (counted.folder / "begun").open() as begun:
        begun.read()
    second = counted.start("run", "--if-running", "wait")
    try:
        while not (counted.folder / ".openexpertise/runs/turn.lock").exists():
            assert second.poll() is None
        second.send_signal(signal.SIGINT)
        assert ended(second) == 130
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()


BLOCKING = "import time\n\nasync def run(inputs, ctx):\n    with open(ctx.folder + '/begun', 'w') as begun:\n" \
           "        begun.write('yes')\n    time.sleep(3600)\n"


def test_two_interrupts_end_a_run_whose_loop_is_blocked(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "blocked", WAITING, BLOCKING)
    os.mkfifo(counted.folder / "begun")
    process = counted.start("run")
    with (counted.folder / "begun").open() as begun:
        begun.read()
    try:
        deadline = time.monotonic() + 100
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)  # two at once would be one
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
        assert process.poll() == 130
    finally:
        process.kill()
        process.wait(60)


def test_no_run_is_called_as_the_latest_is_asked_for(program: Program, chain: Counted) -> None:
    refused = program.run("run", "--run-id", "latest", cwd=chain.folder)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "'latest' is no run id" in refused.stderr


GROWING = """\
name: growing
version: 1.0.0
state:
  schema:
    log: {type: array, merge: array_append, persist: true, default: [base]}
    sight: {type: array}
graph:
  nodes:
    - {id: one, kind: tool, impl: ./tools/tool.py:one, writes: [log], cache: CACHE}
    - {id: see, kind: tool, impl: ./tools/tool.py:see, needs: [one], args: {log: $.log}, writes: [sight, log]}
"""


@pytest.mark.parametrize("cache", ["true", "false"])
def test_what_a_reused_node_appended_is_there_once(program: Program, tmp_path: Path, cache: str) -> None:
    counted = Counted(program, tmp_path / "growing", GROWING.replace("CACHE", cache),
                      TOOL + 'def see(inputs, ctx):\n    return {"sight": inputs["log"], "log": ["see"]}\n')
    folder = counted.folder
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    for options in (("--only", "see"), ("--only", "see"), ("--from", "see"), ("--from", "see")):
        state = program.run("run", "--json", *options, cwd=folder).json()["state"]
        assert state == {"log": ["base", "one", "see"], "sight": ["base", "one"]}, options
    published = program.run("state", "log", "--workspace", cwd=folder).json()
    assert published == ["base", "one", *["see"] * 5], "each publishes what it ran, and nothing else"


def test_what_a_run_did_not_publish_is_published_by_the_run_that_reuses_it(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "growing", GROWING.replace("CACHE", "true"),
                      TOOL + 'def see(inputs, ctx):\n    raise ValueError("broken")\n')
    folder = counted.folder
    assert program.run("run", "--quiet", cwd=folder).exit_code == 8
    tool = folder / "tools/tool.py"
    tool.write_text(tool.read_text().replace('raise ValueError("broken")', 'return {"log": ["see"]}'))
    assert program.run("run", "--quiet", "--from", "see", cwd=folder).exit_code == 0
    assert program.run("state", "log", "--workspace", cwd=folder).json() == ["base", "one", "see"]


def test_an_unknown_node_is_not_retried_whatever_became_of_the_run(chain: Counted, program: Program) -> None:
    chain.run()
    result = program.run("resume", "--retry", "tow", cwd=chain.folder)
    assert (result.exit_code, result.stdout) == (5, "")
    assert "the experience has no unit 'tow'" in result.stderr and "did you mean 'two'" in result.stderr


DEFAULTS = """\
name: defaults
version: 1.0.0
state:
  schema:
    level: {type: integer, default: 1}
    kept: {type: integer, default: 1, persist: true}
    seen: {type: array, merge: array_append}
graph:
  nodes:
    - {id: one, kind: tool, impl: ./tools/tool.py:look, args: {level: $.level, kept: $.kept}, writes: [seen]}
    - {id: two, kind: tool, impl: ./tools/tool.py:two, needs: [one]}
"""
LOOK = """\
from count import count

def look(inputs, ctx):
    count("look", ctx)
    return {"seen": [[inputs["level"], inputs["kept"]]]}
"""


def test_a_default_that_was_edited_since_holds_on_resume(program: Program, tmp_path: Path) -> None:
    counted = Counted(program, tmp_path / "defaults", DEFAULTS, LOOK + 'def two(inputs, ctx):\n    open("/no/such")\n')
    assert counted.run().state == {"level": 1, "kept": 1, "seen": [[1, 1]]}
    counted.edit("experience.yaml", "{type: integer, default: 1}", "{type: integer, default: 2}")
    counted.edit("experience.yaml", "default: 1, persist", "default: 2, persist")
    resumed = counted.resume()
    assert (resumed.names, resumed.state) == (["look"], {"level": 2, "kept": 1, "seen": [[2, 1]]})
