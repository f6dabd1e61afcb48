"""Node logs as files: bounded, private, redacted, never a failure."""

from __future__ import annotations

import os
import stat
import threading
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oe.redact import Redactor
from oe.store.node_log import NodeLogFile, NodeLogFiles

SECRET = "s3cr3t-value"


def written(path: Path, *chunks: str | bytes, secrets: tuple[str, ...] = (), limit: int = 1 << 20) -> str:
    log = NodeLogFile(str(path), Redactor(secrets), limit)
    for chunk in chunks:
        log.write(chunk)
    log.close()
    return path.read_text() if path.exists() else "(no file)"


def test_the_first_write_makes_a_private_file_in_a_private_folder(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "r-1" / "node.log"
    previous = os.umask(0)
    try:
        log = NodeLogFiles(lambda slot: str(path.with_name(f"{slot}.log")), Redactor()).open("node")
        assert not path.exists()
        log.write("line\n")
        assert path.read_text() == "line\n"  # at once: someone may be following
        log.close()
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_written_is_no_file(tmp_path: Path) -> None:
    assert written(tmp_path / "x.log", "", b"") == "(no file)"


def test_a_later_attempt_appends(tmp_path: Path) -> None:
    written(tmp_path / "x.log", "first\n")
    assert written(tmp_path / "x.log", "second\n") == "first\nsecond\n"


def test_writes_after_the_close_are_dropped(tmp_path: Path) -> None:
    log = NodeLogFile(str(tmp_path / "x.log"), Redactor())
    log.write("a")
    log.close()
    log.write("b")
    log.close()
    assert (tmp_path / "x.log").read_text() == "a"


@pytest.mark.parametrize("cut", range(1, len(SECRET)))
def test_a_secret_split_over_two_writes_is_blanked(tmp_path: Path, cut: int) -> None:
    text = written(tmp_path / "x.log", f"key={SECRET[:cut]}", f"{SECRET[cut:]}.\n", secrets=(SECRET,))
    assert text == "key=[redacted].\n"


def test_a_secret_written_letter_by_letter_among_many_is_blanked(tmp_path: Path) -> None:
    text = f"a {SECRET} b " * 50 + SECRET * 20
    assert written(tmp_path / "x.log", *text, secrets=(SECRET,)) == "a [redacted] b " * 50 + "[redacted]" * 20


def test_a_secret_that_begins_with_another_shows_no_part_of_itself(tmp_path: Path) -> None:
    longer = f"{SECRET}-and-more"
    text = written(tmp_path / "x.log", *f"1 {longer} 2 {SECRET} 3", secrets=(SECRET, longer))
    assert text == "1 [redacted] 2 [redacted] 3"


def test_what_only_begins_like_a_secret_is_written_whole(tmp_path: Path) -> None:
    assert written(tmp_path / "x.log", "to ", SECRET[:5], secrets=(SECRET,)) == f"to {SECRET[:5]}"


def test_bytes_that_are_no_utf8_are_replaced_and_split_characters_are_not(tmp_path: Path) -> None:
    assert written(tmp_path / "x.log", b"caf\xc3", b"\xa9 \xff\n") == "café \ufffd\n"


def test_a_lone_surrogate_is_shown_as_an_escape(tmp_path: Path) -> None:
    assert written(tmp_path / "x.log", "\ud800\n") == "\\ud800\n"


def test_a_long_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    lines = [f"line {number:06}\n" for number in range(20_000)]
    text = written(tmp_path / "x.log", *lines, limit=100_000)
    assert len(text) <= 100_000 + 100
    assert text.startswith("line 000000\nline 000001\n")
    assert text.endswith("line 019998\nline 019999\n")
    left_out = int(text.partition("[... ")[2].partition(" bytes left out")[0])
    assert left_out + len(text) - len(f"\n[... {left_out} bytes left out ...]\n") == 12 * 20_000


def test_a_log_of_just_the_limit_is_whole(tmp_path: Path) -> None:
    assert written(tmp_path / "x.log", "x" * 1000, limit=1000) == "x" * 1000


def test_one_huge_write_is_bounded_too(tmp_path: Path) -> None:
    assert len(written(tmp_path / "x.log", "x" * 1_000_000, limit=10_000)) < 10_200


def test_many_attempts_of_one_slot_stay_bounded(tmp_path: Path) -> None:
    for _ in range(20):
        written(tmp_path / "x.log", "x" * 50_000, limit=10_000)
    assert (tmp_path / "x.log").stat().st_size < 25_000


def test_a_place_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = NodeLogFile(str(tmp_path / "file" / "x.log"), Redactor())
    log.write("text")
    log.close()
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_full_disk_fails_nothing() -> None:
    log = NodeLogFile("/dev/full", Redactor())
    log.write("text\n")
    log.write("more\n")
    log.close()


def test_threads_write_whole_pieces(tmp_path: Path) -> None:
    log = NodeLogFile(str(tmp_path / "x.log"), Redactor((SECRET,)))

    def work(letter: str) -> None:
        for _ in range(300):
            log.write(letter * 40 + "\n")

    workers = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    log.close()
    lines = (tmp_path / "x.log").read_text().splitlines()
    assert sorted(lines) == sorted([letter * 40 for letter in "abcd" for _ in range(300)])


@given(text=st.text("abc \n", max_size=200), secrets=st.lists(st.text("abc", min_size=6, max_size=12), max_size=4),
       cuts=st.lists(st.integers(0, 200), max_size=30))
def test_however_a_text_is_cut_no_secret_is_shown_and_nothing_else_is_lost(text: str, secrets: list[str],
                                                                           cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    with TemporaryDirectory() as folder:
        shown = written(Path(folder, "x.log"), *(text[a:b] for a, b in pairwise(places)), secrets=tuple(secrets))
    redactor = Redactor(secrets)
    assert not redactor.finds(shown)
    if not redactor.finds(text):
        assert shown == (text or "(no file)")
