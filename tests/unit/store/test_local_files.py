"""The files of an experience: read inside its folder, refused outside it, matched by pattern."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import IO

import pytest

from oe.digests import Part
from oe.errors import NotFoundError, OeError
from oe.store import local_files
from oe.store.local_files import LocalFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "experience"
    for name in ("a.txt", "b.md", "tools/x.py", "tools/deep/y.py", "tools/deep/er/z.py", ".hidden", ".git/config",
                 "tools/__pycache__/x.pyc", "tools/.cache/c.py", "with space/ü.txt"):
        path = inside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "outside.txt").write_text("secret")
    (tmp_path / "experience-2").mkdir()
    (tmp_path / "experience-2" / "x").touch()
    return inside


@pytest.fixture
def files(folder: Path) -> LocalFiles:
    return LocalFiles(folder)


def test_files_and_folders_are_told_apart(files: LocalFiles) -> None:
    assert files.is_file("a.txt")
    assert files.is_file("./tools/../a.txt")
    assert not files.is_file("tools")
    assert not files.is_file("absent")
    assert files.is_folder("tools")
    assert files.is_folder(".")
    assert not files.is_folder("a.txt")


def test_contents_and_names_are_read(files: LocalFiles, folder: Path) -> None:
    assert files.read_bytes("tools/x.py") == b"tools/x.py"
    assert files.names("tools/deep") == ["er", "y.py"]
    assert files.absolute("tools") == str(folder.resolve() / "tools")


@pytest.mark.parametrize("path", ["../outside.txt", "..", "tools/../../outside.txt", "/etc/passwd", "../experience-2/x",
                                  "link-out", "folder-out/outside.txt", "link-abs", "chain", "absent/../../x"])
def test_what_leads_outside_is_refused_everywhere(files: LocalFiles, folder: Path, path: str) -> None:
    (folder / "link-out").symlink_to("../outside.txt")
    (folder / "folder-out").symlink_to("..")
    (folder / "link-abs").symlink_to("/etc/passwd")
    (folder / "chain").symlink_to("link-out")
    for use in (files.is_file, files.is_folder, files.read_bytes, files.names, files.absolute):
        with pytest.raises(OeError, match="outside") as caught:
            use(path)
        assert caught.value.code == "path-outside"


def test_an_absolute_path_into_the_folder_is_refused_too(files: LocalFiles, folder: Path) -> None:
    with pytest.raises(OeError) as caught:
        files.read_bytes(str(folder / "a.txt"))
    assert caught.value.code == "path-outside"


def test_links_inside_the_folder_are_followed(files: LocalFiles, folder: Path) -> None:
    (folder / "alias.txt").symlink_to("a.txt")
    (folder / "sub").symlink_to("tools/deep")
    assert files.read_bytes("alias.txt") == b"a.txt"
    assert files.read_bytes("sub/y.py") == b"tools/deep/y.py"
    assert files.is_folder("sub")


def test_a_folder_that_is_itself_behind_a_link_works(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(folder)
    assert LocalFiles(tmp_path / "alias").read_bytes("a.txt") == b"a.txt"


@pytest.mark.parametrize("path", ["absent", "tools", "ring", "a\0b", "\ud800", "x" * 5000, "a.txt/below"])
def test_what_cannot_be_read_as_a_file_is_not_found(files: LocalFiles, folder: Path, path: str) -> None:
    (folder / "ring").symlink_to("ring")
    assert not files.is_file(path)
    with pytest.raises(NotFoundError):
        files.read_bytes(path)


def test_a_pipe_is_no_file_and_does_not_block(files: LocalFiles, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert not files.is_file("pipe")
    with pytest.raises(NotFoundError):
        files.read_bytes("pipe")


def test_names_of_what_is_no_folder_are_not_found(files: LocalFiles) -> None:
    for path in ("absent", "a.txt", "a\0b"):
        with pytest.raises(NotFoundError):
            files.names(path)


@pytest.mark.parametrize(("pattern", "expected"), [
    ("*.txt", ["a.txt"]),
    ("*", ["a.txt", "b.md"]),
    ("?.m[de]", ["b.md"]),
    ("tools/*.py", ["tools/x.py"]),
    ("./tools//x.py", ["tools/x.py"]),
    ("**/*.py", ["tools/deep/er/z.py", "tools/deep/y.py", "tools/x.py"]),
    ("tools/**", ["tools/deep/er/z.py", "tools/deep/y.py", "tools/x.py"]),
    ("**", ["a.txt", "b.md", "tools/deep/er/z.py", "tools/deep/y.py", "tools/x.py", "with space/ü.txt"]),
    ("**/deep/**/*.py", ["tools/deep/er/z.py", "tools/deep/y.py"]),
    ("*/deep/*", ["tools/deep/y.py"]),
    (".*", [".hidden"]),
    (".git/*", [".git/config"]),
    ("with space/*", ["with space/ü.txt"]),
    ("tools", []),
    ("A.txt", []),
    ("absent/*", []),
    ("", []),
    ("a.txt/*", []),
    ("/".join(["**"] * 5000 + ["x.py"]), ["tools/x.py"]),
])
def test_patterns_match_as_in_a_shell(files: LocalFiles, pattern: str, expected: list[str]) -> None:
    assert files.glob(pattern) == expected


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "tools/../../*"])
def test_a_pattern_does_not_lead_outside(files: LocalFiles, pattern: str) -> None:
    with pytest.raises(OeError) as caught:
        files.glob(pattern)
    assert caught.value.code == "path-outside"


def test_a_pattern_follows_no_link_outside_and_no_ring(files: LocalFiles, folder: Path) -> None:
    (folder / "out.txt").symlink_to("../outside.txt")
    (folder / "in.txt").symlink_to("a.txt")
    (folder / "tools" / "up").symlink_to("..")
    (folder / "away").symlink_to("../experience-2")
    assert files.glob("**/*.txt") == ["a.txt", "in.txt", "with space/ü.txt"]
    assert files.glob("away/*") == []


def test_a_pattern_that_looks_at_too_much_is_refused(
        files: LocalFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_files, "_MOST_VISITED", 5)
    with pytest.raises(OeError, match="more than 5 files") as caught:
        files.glob("**")
    assert caught.value.code == "glob-too-wide"


def test_many_patterns_of_stars_take_bounded_time(files: LocalFiles, folder: Path) -> None:
    deep = folder
    for _ in range(40):
        deep = deep / "d"
        deep.mkdir()
    (deep / "leaf").touch()
    assert files.glob("**/d/" * 20 + "leaf") == ["/".join(["d"] * 40 + ["leaf"])]
    assert files.glob("*" * 50 + "z" + "*" * 50) == []


def test_a_pattern_goes_through_links_to_folders_and_each_ring_once(files: LocalFiles, folder: Path) -> None:
    (folder / "alias").symlink_to("tools/deep")
    (folder / "tools/deep/er/back").symlink_to("../..")
    (folder / "tools/across").symlink_to("../with space")
    (folder / "with space/across").symlink_to("../tools")
    assert files.glob("alias/*.py") == ["alias/y.py"]
    assert files.glob("alias/**/z.py") == ["alias/er/back/deep/er/z.py", "alias/er/z.py"]
    assert files.glob("tools/**/x.py") == ["tools/x.py"]
    assert "tools/across/ü.txt" in files.glob("**/ü.txt")


@pytest.mark.parametrize("same_size", [True, False])
def test_a_digest_is_that_of_the_file_as_it_is(files: LocalFiles, folder: Path, same_size: bool) -> None:
    """Also where it is replaced within a tick of the clock, or is old when it comes."""
    old = folder / "a.txt"
    os.utime(old, (1, 1))
    first = files.digest("a.txt")
    (folder / "new").write_text("b.txt" if same_size else "longer", encoding="utf-8")
    os.utime(folder / "new", (1, 1))
    os.replace(folder / "new", old)
    assert files.digest("a.txt") != first
    old.write_text("c.txt", encoding="utf-8")
    one = files.digest("a.txt")
    old.write_text("d.txt", encoding="utf-8")
    os.utime(old, (1, 1))
    assert files.digest("a.txt") != one


def test_an_old_file_is_digested_once(files: LocalFiles, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    original = local_files.part_of_stream

    def counted(stream: IO[bytes]) -> Part:
        nonlocal count
        count += 1
        return original(stream)
    monkeypatch.setattr(local_files, "part_of_stream", counted)
    monkeypatch.setattr(local_files, "time_ns", lambda: time.time_ns() + 3_000_000_000)
    assert files.digest("a.txt") == files.digest("./a.txt") and count == 1
    (folder / "a.txt").write_text("other", encoding="utf-8")
    assert files.digest("a.txt").size == 5 and count == 2
