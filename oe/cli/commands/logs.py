"""`oe logs`: what the nodes of a run printed."""

from __future__ import annotations

import argparse
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Iterator, Sequence

from oe.app.inspection import NodeLog, is_over, node_logs, open_workspace
from oe.app.workspace import Workspace
from oe.cli.console import Console
from oe.cli.following import wait
from oe.cli.parser import add_data_dir, add_experience, add_run
from oe.errors import ExitCode
from oe.text import neutralise

_CHUNK = 1 << 16
_new_decoder = getincrementaldecoder("utf-8")


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of logs."""
    add_run(parser)
    parser.add_argument("node", nargs="?", metavar="NODE", help="only this node, or one slot such as review[3]")
    add_experience(parser)
    parser.add_argument("--follow", action="store_true", help="show text as it comes, until the run is over")
    parser.add_argument("--raw", action="store_true", help="control characters as they are (default: made visible)")
    add_data_dir(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints log after log, each under a header where there are several."""
    with open_workspace(options.path, options.data_dir) as workspace:
        run = workspace.find_run(options.run)
        printer = Printer(console, is_raw=options.raw)
        printer.show(node_logs(workspace, run, options.node, by_start=True))
        if options.follow:
            for _ in _looks(workspace, run.run_id, console):
                printer.show(node_logs(workspace, run, options.node, by_start=False))
        if not printer.shown:
            whose = f"'{options.node}' has" if options.node else "the nodes have"
            console.note(f"{whose} printed nothing in run {run.run_id}")
    return int(ExitCode.SUCCESS)


def _looks(workspace: Workspace, run_id: str, console: Console) -> Iterator[None]:
    """One item for each look; the last one after the run is over, so that nothing is missed."""
    while not is_over(workspace, run_id):
        wait(console)
        yield
    yield


class Printer:
    """Prints what has been added to logs since it saw them last. Once there are several, each piece has a header."""

    def __init__(self, console: Console, *, is_raw: bool) -> None:
        self._console = console
        self._is_raw = is_raw
        self._positions: dict[str, int] = {}
        self._decoders: dict[str, IncrementalDecoder] = {}
        self._current: str | None = None
        self._at_line_start = True

    @property
    def shown(self) -> bool:
        """Whether anything was printed."""
        return self._current is not None

    def show(self, logs: Sequence[NodeLog]) -> None:
        """One look at all logs."""
        for log in logs:
            self._show(log, with_header=len(logs) > 1 or self._current not in {None, log.slot})

    def _show(self, log: NodeLog, *, with_header: bool) -> None:
        decoder = self._decoders.setdefault(log.path, _new_decoder("replace"))
        with open(log.path, "rb") as file:
            file.seek(self._positions.get(log.path, 0))
            while chunk := file.read(_CHUNK):
                if with_header and self._current != log.slot:
                    self._header(log.slot)
                self._current = log.slot
                self._write(decoder.decode(chunk))
            self._positions[log.path] = file.tell()

    def _header(self, slot: str) -> None:
        lead = "" if self._current is None else "\n" if self._at_line_start else "\n\n"
        self._console.result(f"{lead}==> {neutralise(slot)} <==")

    def _write(self, text: str) -> None:
        self._at_line_start = text.endswith("\n") or (not text and self._at_line_start)
        self._console.stdout.write(text if self._is_raw else neutralise(text.replace("\r\n", "\n")))
