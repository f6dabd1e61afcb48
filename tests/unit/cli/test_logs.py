"""Printing node logs: headers once there are several, text as it comes, nothing that could steer a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from oe.app.inspection import NodeLog
from oe.cli.commands.logs import Printer
from oe.cli.console import Console


class Shown:
    """A printer and what it printed."""

    def __init__(self, folder: Path, *, is_raw: bool = False) -> None:
        self.folder = folder
        self.stdout = io.StringIO()
        self.printer = Printer(Console(io.StringIO(), self.stdout, io.StringIO()), is_raw=is_raw)

    def look(self, **added: bytes) -> str:
        """What one more look prints after these bytes were added to the logs of these slots."""
        for slot, data in added.items():
            with (self.folder / f"{slot}.log").open("ab") as log:
                log.write(data)
        before = len(self.stdout.getvalue())
        self.printer.show([NodeLog(path.stem, str(path)) for path in sorted(self.folder.iterdir())])
        return self.stdout.getvalue()[before:]


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    return Shown(tmp_path)


def test_one_log_has_no_header(shown: Shown) -> None:
    assert shown.look(a=b"one\n") == "one\n"
    assert shown.look(a=b"two") == "two"


def test_several_logs_have_headers_and_empty_ones_have_none(shown: Shown) -> None:
    assert shown.look(a=b"one", b=b"", c=b"two\n") == "==> a <==\none\n\n==> c <==\ntwo\n"


def test_a_header_stands_where_the_log_changes(shown: Shown) -> None:
    assert shown.look(a=b"one\n") == "one\n"
    assert shown.look(b=b"two\n") == "\n==> b <==\ntwo\n"
    assert shown.look(b=b"more\n") == "more\n"
    assert shown.look(a=b"back\n") == "\n==> a <==\nback\n"
    assert shown.look() == ""


def test_a_character_that_comes_in_two_pieces_is_one(shown: Shown) -> None:
    assert shown.look(a="ä".encode()[:1]) == ""
    assert shown.look(a="ä".encode()[1:]) == "ä"


def test_nothing_steers_the_terminal_unless_asked(tmp_path: Path) -> None:
    data = b"\x1b[31mred\x07\r\n\xff\n"
    assert Shown(tmp_path).look(a=data) == "\\x1b[31mred\\x07\n\ufffd\n"
    (tmp_path / "a.log").unlink()
    assert Shown(tmp_path, is_raw=True).look(a=data) == "\x1b[31mred\x07\r\n\ufffd\n"


def test_a_long_log_comes_whole(shown: Shown) -> None:
    data = b"0123456789abcdef" * 20_000
    assert shown.look(a=data) == data.decode()
