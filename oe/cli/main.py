"""The command line: finds the command, hands over, turns every error into a sentence and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn, TextIO

from oe.cli.console import Console
from oe.cli.version import VERSION
from oe.errors import EXIT_MEANINGS, ExitCode, OeError, SpecError, UsageError
from oe.text import did_you_mean, neutralise


class Command(NamedTuple):
    """One command: a module in oe/cli/commands with `configure(parser)` and `execute(options, console) -> int`."""

    name: str
    module: str
    summary: str


COMMANDS = (
    Command("run", "run", "run an experience"),
    Command("resume", "resume", "continue a run that failed, was cancelled or was killed"),
    Command("plan", "plan", "show what a run would do, and why"),
    Command("explain", "explain", "show why a node was run or cached"),
    Command("validate", "validate", "show every problem of an experience"),
    Command("graph", "graph", "show the graph as a list, Mermaid, DOT, SVG or HTML"),
    Command("inspect", "inspect_run", "show the events of a run, or report on it in an HTML file"),
    Command("top", "top", "show a run, live or over, on the whole terminal"),
    Command("dump", "dump", "show what a live run is doing and what is wrong with it"),
    Command("cancel", "cancel", "ask the process of a live run to end it, or one node"),
    Command("runs", "runs", "list runs"),
    Command("state", "state", "show the values of state fields"),
    Command("reset-state", "reset_state", "clear persistent fields"),
    Command("logs", "logs", "show what the nodes printed"),
    Command("cache", "cache", "list, show and remove kept results"),
    Command("gc", "gc", "prune old runs, their logs and the cache"),
    Command("schema", "schema", "print the JSON Schema of the format or of the events"),
    Command("init", "init", "make a new experience from a template"),
    Command("doctor", "doctor", "check this host"),
    Command("completion", "completion", "print a shell's completion script"),
)

_OUTPUT_FAULTS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF))
"""What standard output may answer with; files are always written with the fault of their own place."""

_NO_THREAD = "can't start new thread"
"""All that Python says of it."""


def main(argv: Sequence[str], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Runs one command and gives its exit code (oe.errors.ExitCode). Nothing but a closed stdout escapes."""
    console = Console(stdin, stdout, stderr)
    try:
        code = _dispatch(list(argv), console)
        console.stdout.flush()
        return code
    except OeError as error:
        return _report(error, console, as_json="--json" in argv)
    except KeyboardInterrupt:
        console.note("oe: interrupted")
        return int(ExitCode.CANCELLED)
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_FAULTS:
            console.note(f"oe: cannot write to standard output: {os.strerror(error.errno).lower()}")
            return int(ExitCode.FAILED)
        shortage = _shortage(error)
        if shortage:
            console.note(f"oe: {shortage[0]}\n    hint: {shortage[1]}")
            return int(ExitCode.FAILED)
        import traceback

        console.traceback(traceback.format_exc())
        console.note(f"oe: this is a fault of oe {VERSION} itself; please report it with the lines above")
        return int(ExitCode.INTERNAL)


def _shortage(error: BaseException | None) -> tuple[str, str] | None:
    """What this host has too little of and what helps, where that has led to the error. It can happen anywhere, and is
    no fault of ours; what was committed is there."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return "too many open files", "raise the limit (ulimit -n), or lower the concurrency"
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return "out of memory", "give it more (ulimit -v, or the container's limit), or lower the concurrency"
        if str(error) == _NO_THREAD:
            return "no more threads", "raise the limit (ulimit -u, or the container's), or lower the concurrency"
        error = error.__cause__ or error.__context__
    return None


def entry() -> NoReturn:
    """The process: arguments and streams from `sys`, the exit code back to it. A reader that went away is no error."""
    if sys.getfilesystemencoding() == "ascii":
        from oe.settings import expect_utf8

        expect_utf8()
    if sys.argv[1:2] in (["run"], ["resume"]):
        from oe.cli.early_signal import answer_early

        answer_early()
    gc.disable()  # until the command is loaded: a start makes no garbage, and looking for it takes 3 ms
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    code = 0
    try:
        code = main(sys.argv[1:], sys.stdin, sys.stdout, sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:
        code = 0
    except OSError:  # told already
        code = code or int(ExitCode.FAILED)
    leave(code)


def _open_what_is_closed() -> None:
    """Lets a standard stream that the caller has closed lead nowhere: were its number left free, a file would get it,
    and be written into by whoever means the stream."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 -- for as long as the process lives


def leave(code: int) -> NoReturn:
    """Ends the process at once. Python's own way out takes 12 ms to dismantle what the kernel takes back for nothing,
    and waits for threads that a tool has left behind, for ever if they never end. Exit handlers still run."""
    import atexit

    atexit._run_exitfuncs()
    os._exit(code)


def overview() -> str:
    """What `oe --help` prints."""
    width = max(len(command.name) for command in COMMANDS)
    lines = ["usage: oe COMMAND [PATH] [options]", "", "Runs written procedures as graphs.", "", "commands:"]
    lines += [f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS]
    lines += ["", "PATH is an experience directory or its YAML or JSON file; default: this directory.",
              "`oe COMMAND --help` shows a command's options; `oe --version` the version.", "", "exit codes:"]
    lines += [f"  {int(code):>3}  {meaning}" for code, meaning in EXIT_MEANINGS.items()]
    return "\n".join(lines)


def _dispatch(argv: list[str], console: Console) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        console.result(overview())
        return int(ExitCode.SUCCESS if argv else ExitCode.USAGE)
    if argv[0] in ("-V", "--version"):
        console.result(f"oe {VERSION}")
        return int(ExitCode.SUCCESS)
    command = next((command for command in COMMANDS if command.name == argv[0]), None)
    if command is None:
        if argv[0].startswith("-"):
            raise UsageError(f"no command before '{argv[0]}'", hint="options stand behind the command")
        names = [command.name for command in COMMANDS]
        raise UsageError(f"no command '{argv[0]}'", hint=did_you_mean(argv[0], names) or "`oe --help` lists them")
    return _execute(command, argv[1:], console)


def _execute(command: Command, argv: list[str], console: Console) -> int:
    from importlib import import_module

    from oe.cli.parser import HelpShown, Parser
    from oe.settings import expect_filled

    module = import_module(f"oe.cli.commands.{command.module}")
    parser = Parser(prog=f"oe {command.name}", description=command.summary, console=console)
    module.configure(parser)
    parser.finish()
    try:
        options = parser.parse_intermixed_args(argv)
    except HelpShown:
        return int(ExitCode.SUCCESS)
    expect_filled(console.environment)
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    return int(module.execute(options, console))


def _report(error: OeError, console: Console, *, as_json: bool) -> int:
    if as_json:
        console.result_json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
    elif isinstance(error, SpecError):
        for problem in error.problems:
            console.problem(problem)
    else:
        console.note(f"oe: {neutralise(error.message)}")
        if error.hint:
            console.note(f"    hint: {neutralise(error.hint)}")
    return int(error.exit_code)
