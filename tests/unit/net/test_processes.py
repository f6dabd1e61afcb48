"""Programs as owned groups, with real children: what comes back, what is ended, what is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from oe.errors import NodeError
from oe.net import processes as module
from oe.net.processes import Processes
from oe.ports.process import Command, Exit
from tests.support.descriptors import open_descriptors
from tests.unit.net.children import ENVIRONMENT, STUBBORN, Sink, is_alive, outcome, run, sh

HAS_PIDFD = hasattr(os, "pidfd_open")


@pytest.fixture(params=["pidfd", "thread"])
def any_runner(request: pytest.FixtureRequest, runner: Processes, monkeypatch: pytest.MonkeyPatch) -> Processes:
    """With the kernel's own notice of an end, and without, as on macOS."""
    if request.param == "thread":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not HAS_PIDFD:
        pytest.fail("this system has no pidfd: leave the parameter out on it")
    return runner


def test_output_streams_and_exit_code_come_back(any_runner: Processes) -> None:
    assert outcome(any_runner, sh("echo out; echo err >&2; exit 7")) == (Exit(7), b"out\n", b"err\n")


def test_a_signal_is_a_negative_code(any_runner: Processes) -> None:
    assert outcome(any_runner, sh("kill -KILL $$"))[0] == Exit(-signal.SIGKILL)


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_stdin_of_any_size_arrives_whole_and_ends(any_runner: Processes, size: int) -> None:
    exit_, out, _ = outcome(any_runner, sh("wc -c", stdin=b"x" * size))
    assert (exit_, int(out)) == (Exit(0), size)


def test_large_input_and_large_output_do_not_lock_each_other(runner: Processes) -> None:
    data = bytes(range(256)) * 8000
    assert outcome(runner, sh("cat", stdin=data)) == (Exit(0), data, b"")


@pytest.mark.parametrize("script", ["exit 0", "exec <&-; echo done"])
def test_a_program_that_does_not_read_its_input_is_no_error(runner: Processes, script: str) -> None:
    assert outcome(runner, sh(script, stdin=b"x" * 1_000_000))[0] == Exit(0)


def test_the_program_leads_its_own_session_in_its_folder_with_its_environment_alone(runner: Processes,
                                                                                    tmp_path: Path) -> None:
    script = "import os, json; print(json.dumps([os.getpid() == os.getsid(0), os.getcwd(), sorted(os.environ)]))"
    command = Command((sys.executable, "-I", "-c", script), str(tmp_path), {"ONLY": "this", "LC_ALL": "C.UTF-8"})
    _, out, _ = outcome(runner, command)
    assert out.decode() == f'[true, "{tmp_path}", ["LC_ALL", "OE_OWNER", "ONLY"]]\n'


def test_messages_have_a_pipe_of_their_own(runner: Processes) -> None:
    script = "import os; os.write(int(os.environ['OE_MESSAGE_FD']), b'news'); print('text')"

    async def main() -> tuple[bytes, bytes]:
        out, messages = Sink(), Sink()
        await runner.run(Command((sys.executable, "-c", script), "/", ENVIRONMENT), out, Sink(), messages)
        return out.data, messages.data

    assert run(main()) == (b"text\n", b"news")


def test_without_a_sink_there_is_no_message_pipe(runner: Processes) -> None:
    assert outcome(runner, sh("echo ${OE_MESSAGE_FD-none}"))[1] == b"none\n"


def test_a_gigabyte_of_output_passes_in_chunks(runner: Processes) -> None:
    async def main() -> tuple[int, int]:
        sizes = [0, 0]

        def sink(chunk: bytes) -> None:
            sizes[0] += len(chunk)
            sizes[1] = max(sizes[1], len(chunk))

        await runner.run(sh("head -c 1000000000 /dev/zero"), sink, Sink())
        return sizes[0], sizes[1]

    total, largest = run(main())
    assert total == 1_000_000_000
    assert largest <= 1 << 20


def test_a_program_that_closes_its_output_runs_on(runner: Processes, tmp_path: Path) -> None:
    exit_, _, _ = outcome(runner, sh("exec >&- 2>&-; echo later > late", str(tmp_path)))
    assert (exit_, (tmp_path / "late").read_text()) == (Exit(0), "later\n")


def test_what_is_left_behind_is_ended_and_does_not_hold_up_the_end(any_runner: Processes) -> None:
    exit_, out, _ = outcome(any_runner, sh("sleep 1000 & echo $!"))
    assert exit_ == Exit(0)
    assert not is_alive(int(out))


def test_what_is_left_behind_and_ignores_term_is_killed_after_the_grace(any_runner: Processes) -> None:
    script = ("trap 'exit 3' USR1; sh -c 'trap \"\" TERM; echo $$; kill -USR1 $PPID; while :; do sleep 1000; done' &"
              " wait")
    exit_, out, _ = outcome(any_runner, sh(script, grace_seconds=0.05))
    assert exit_ == Exit(3)
    assert not is_alive(int(out))


def test_what_is_left_behind_and_prints_for_ever_is_ended(runner: Processes) -> None:
    async def main() -> tuple[Exit, bytes]:
        err = Sink()
        return await runner.run(sh("yes & echo $! >&2; exit 4"), lambda _: None, err), err.data

    exit_, pid = run(main())
    assert exit_ == Exit(4)
    assert not is_alive(int(pid))


def cancelled(runner: Processes, command: Command, *, times: int = 1) -> tuple[int, float]:
    """The pid that the program prints once it is ready, and how long its cancellation took."""

    async def main() -> tuple[int, float]:
        out = Sink()
        task = asyncio.create_task(runner.run(command, out, Sink()))
        await out.until(b"ready")
        started = time.monotonic()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        return int(out.data.split()[0]), time.monotonic() - started

    return run(main())


def test_cancelling_ends_leader_and_group(any_runner: Processes) -> None:
    pid, taken = cancelled(any_runner, sh("sleep 1000 & echo $! ready; wait", grace_seconds=100))
    assert not is_alive(pid)
    assert taken < 50, "the grace is for those that go on"


def test_cancelling_lets_a_program_clean_up(runner: Processes, tmp_path: Path) -> None:
    script = "trap 'echo clean > cleaned; exit 0' TERM; echo $$ ready; while :; do sleep 0.01; done"
    cancelled(runner, sh(script, str(tmp_path)))
    assert (tmp_path / "cleaned").read_text() == "clean\n"


def test_a_program_that_ignores_term_is_killed_after_the_grace(any_runner: Processes) -> None:
    pid, taken = cancelled(any_runner, sh(STUBBORN.replace("echo ready", "echo $$ ready"), grace_seconds=0.1))
    assert not is_alive(pid)
    assert taken >= 0.1


def test_a_second_cancellation_kills_at_once(any_runner: Processes) -> None:
    command = sh(STUBBORN.replace("echo ready", "echo $$ ready"), grace_seconds=100)
    pid, taken = cancelled(any_runner, command, times=2)
    assert not is_alive(pid)
    assert taken < 50


def test_a_sink_that_raises_ends_the_program_and_is_heard(any_runner: Processes) -> None:
    pids = []

    def sink(chunk: bytes) -> None:
        pids.append(int(chunk))
        raise NodeError("enough")

    async def main() -> None:
        await any_runner.run(sh("echo $$; while :; do sleep 0.01; done"), sink, Sink())

    with pytest.raises(NodeError, match="enough"):
        run(main())
    assert not is_alive(pids[0])


def test_a_sink_that_raises_over_the_last_words_is_heard_too(runner: Processes) -> None:
    def sink(_: bytes) -> None:
        raise NodeError("enough")

    async def main() -> None:
        await runner.run(sh("echo last"), sink, Sink())

    with pytest.raises(NodeError, match="enough"):
        run(main())


def children_of_this_process() -> set[int]:
    """Those that live and those that nobody has reaped."""
    found: set[int] = set()
    for thread in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError):  # it has ended meanwhile
            found |= set(map(int, Path("/proc/self/task", thread, "children").read_text().split()))
    return found


def test_nothing_leaks(any_runner: Processes) -> None:
    async def main() -> None:
        for _ in range(30):
            await any_runner.run(sh("echo x; echo y >&2; sleep 1000 &", stdin=b"in"), Sink(), Sink(), Sink())
            with pytest.raises(NodeError):
                await any_runner.run(Command(("no-such-program",), "/", {}, b"in"), Sink(), Sink(), Sink())
            task = asyncio.create_task(any_runner.run(sh("echo ready; sleep 1000"), out := Sink(), Sink()))
            await out.until(b"ready")
            task.cancel()
            await asyncio.wait([task])

    outcome(any_runner, sh("true"))  # the guard has started
    descriptors, children = open_descriptors(), children_of_this_process()
    run(main())
    assert open_descriptors() <= descriptors
    assert children_of_this_process() <= children


def test_many_programs_at_once(runner: Processes) -> None:
    async def main() -> list[bytes]:
        sinks = [Sink() for _ in range(100)]
        await asyncio.gather(*(runner.run(sh(f"echo {number}"), sink, Sink()) for number, sink in enumerate(sinks)))
        return [sink.data for sink in sinks]

    assert run(main()) == [b"%d\n" % number for number in range(100)]


def test_an_ignored_sigchld_that_was_inherited_hides_no_exit_code(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        f"import asyncio, sys\nsys.path.insert(0, {str(Path(module.__file__).parents[2])!r})\n"
        "from oe.net.processes import Processes\nfrom oe.ports.process import Command\n"
        "ignore = lambda chunk: None\n"
        "print(asyncio.run(Processes().run(Command(('sh', '-c', 'exit 5'), '/', {}), ignore, ignore)))\n")
    command = Command(("sh", "-c", f"trap '' CHLD; exec {sys.executable} {script}"), "/", ENVIRONMENT)
    processes = Processes()
    assert outcome(processes, command)[1] == b"Exit(code=5)\n"
    processes.close()


def test_the_loop_goes_on_while_a_program_runs(runner: Processes) -> None:
    async def main() -> list[str]:
        order: list[str] = []
        out = Sink()
        task = asyncio.create_task(runner.run(sh("echo ready; read line; echo $line"), out, Sink()))
        await out.until(b"ready")
        order.append("loop")
        await task
        order.append("program")
        return order

    assert run(main()) == ["loop", "program"]
