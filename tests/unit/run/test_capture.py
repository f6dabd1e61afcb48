"""Prints of inline tools: each node's in its own log, strays on stderr, nothing on stdout."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from oe.run.capture import OutputCapture, Printed, send_prints_to
from oe.run.threads import DaemonThreads


@contextmanager
def own_streams() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """The process's streams while a test runs; the test runner has others between its phases, so a fixture is no place."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield out, err
        finally:
            send_prints_to(None)


def test_prints_of_a_node_go_to_its_log_by_whole_lines() -> None:
    with own_streams() as (out, err):
        lines: list[str] = []
        printed = Printed(lines.append)
        with OutputCapture():
            send_prints_to(printed)
            print("one", "two")
            print("par", end="")
            print("of err", file=sys.stderr)
            print("tial")
            print("last", end="")
        assert lines == ["one two\n", "of err\n", "partial\n"]
        printed.finish()
        assert lines[3:] == ["last"]
        assert (out.getvalue(), err.getvalue()) == ("", "")


def test_prints_outside_any_node_go_to_stderr() -> None:
    with own_streams() as (out, err):
        with OutputCapture():
            print("stray")
            sys.stdout.buffer.write("bytes é\n".encode())
        assert (out.getvalue(), err.getvalue()) == ("", "stray\nbytes é\n")


def test_the_originals_are_back_afterwards() -> None:
    with own_streams() as (out, err):
        with pytest.raises(KeyError), OutputCapture():
            raise KeyError
        assert (sys.stdout, sys.stderr) == (out, err)


def test_tasks_and_their_threads_each_print_to_their_own_node() -> None:
    with own_streams():
        logs: dict[str, list[str]] = {name: [] for name in "abc"}
        threads = DaemonThreads()

        async def node(name: str) -> None:
            send_prints_to(Printed(logs[name].append))
            print(f"{name} on the loop")
            await threads.call(lambda: print(f"{name} in a thread"), name)

        async def main() -> None:
            with OutputCapture():
                await asyncio.gather(*(node(name) for name in "abc"))

        asyncio.run(main())
        assert logs == {name: [f"{name} on the loop\n", f"{name} in a thread\n"] for name in "abc"}


def test_a_thread_that_a_tool_starts_itself_prints_to_stderr() -> None:
    with own_streams() as (_, err):
        lines: list[str] = []
        with OutputCapture():
            send_prints_to(Printed(lines.append))
            thread = threading.Thread(target=print, args=("from a thread",))
            thread.start()
            thread.join()
        assert (lines, err.getvalue()) == ([], "from a thread\n")


def test_lines_of_two_threads_of_one_node_stay_whole() -> None:
    with own_streams():
        written: list[str] = []
        printed = Printed(written.append)

        def work(letter: str) -> None:
            for _ in range(500):
                sys.stdout.write(letter * 50 + "\n")

        async def main() -> None:
            threads = DaemonThreads()
            send_prints_to(printed)
            await asyncio.gather(*(threads.call(lambda letter=letter: work(letter), letter) for letter in "xyz"))

        with OutputCapture():
            asyncio.run(main())
        lines = "".join(written).splitlines()
        assert sorted(lines) == sorted([letter * 50 for letter in "xyz" for _ in range(500)])


def test_a_character_split_over_two_writes_of_bytes_is_whole() -> None:
    with own_streams():
        lines: list[str] = []
        with OutputCapture():
            send_prints_to(Printed(lines.append))
            sys.stdout.buffer.write(b"caf\xc3")
            sys.stdout.buffer.write(b"\xa9 \xff\n")
        assert lines == ["café \ufffd\n"]


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    with own_streams(), OutputCapture():
        pieces: list[str] = []
        send_prints_to(Printed(pieces.append))
        for _ in range(1000):
            print("x" * 1000, end="")
        assert sum(map(len, pieces)) > 900_000
        assert max(map(len, pieces)) < 100_000


def test_the_stand_in_answers_as_a_stream_does() -> None:
    with own_streams(), OutputCapture():
        send_prints_to(Printed(lambda _: None))
        assert not sys.stdout.isatty()
        assert sys.stdout.encoding == "utf-8"
        assert sys.stdout.writable()
        assert (sys.stdout.name, sys.stderr.name) == ("<stdout>", "<stderr>")
        assert sys.stdout.write("four") == 4
        sys.stdout.writelines(["a\n", "b\n"])
        sys.stdout.flush()
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[attr-defined]
        sys.stdout.close()
        print("still open")
        with pytest.raises(TypeError):
            sys.stdout.write(b"bytes")  # type: ignore[arg-type]
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.fileno()


def test_a_child_that_is_given_stdout_gets_stderrs_descriptor() -> None:
    with OutputCapture() as capture:
        assert capture is not None
        try:
            expected = sys.__stderr__.fileno() if sys.__stderr__ else None
            found = sys.stdout.fileno()
        except io.UnsupportedOperation:
            return  # the test runner's own stderr has none
        assert found >= 0 and expected is not None


def test_captures_may_overlap_in_any_order() -> None:
    with own_streams() as (out, err):
        first, second = OutputCapture(), OutputCapture()
        lines: list[str] = []
        first.__enter__()
        second.__enter__()
        first.__exit__()
        send_prints_to(Printed(lines.append))
        print("node")
        send_prints_to(None)
        print("stray")
        second.__exit__()
        assert (sys.stdout, sys.stderr) == (out, err)
        print("plain")
        assert (lines, err.getvalue(), out.getvalue()) == (["node\n"], "stray\n", "plain\n")


def test_a_reference_kept_beyond_the_run_prints_where_it_would_have() -> None:
    with own_streams() as (out, _):
        with OutputCapture():
            kept = sys.stdout
        print("late", file=kept)
        assert out.getvalue() == "late\n"
