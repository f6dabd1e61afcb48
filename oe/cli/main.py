"""The command line: parses, hands the work to the command, prints and exits."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

VERSION = "0.1.0"


def main(argv: Sequence[str], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Runs one command and gives its exit code; argparse's own exits are turned into codes."""
    parser = argparse.ArgumentParser(prog="oe", description="Run written procedures as graphs.")
    parser.add_argument("--version", action="version", version=f"oe {VERSION}")
    try:
        parser.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def entry() -> NoReturn:
    """The process: arguments and streams from `sys`, the exit code back to it. A reader that went away is no error."""
    try:
        code = main(sys.argv[1:], sys.stdin, sys.stdout, sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit fails again
        code = 0
    sys.exit(code)
