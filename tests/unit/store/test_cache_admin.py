"""Looking after the cache's folder: listing, finding by prefix, taking out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oe.errors import NotFoundError, OeError, UsageError
from oe.lang.scope import MISSING
from oe.ports.cache import Entry
from oe.store.cache_admin import CacheFolder
from oe.store.cache_files import CacheFiles


def fail(error: OeError) -> None:
    raise error


@pytest.fixture
def folder(tmp_path: Path) -> CacheFolder:
    """Three entries of ascending age, one of them torn, and files that are none."""
    files = CacheFiles(tmp_path, fail)
    for number, key in enumerate(("aa" * 32, "ab" * 32)):
        files.keep(key, Entry({"f": "x" * 100 * number}, MISSING, {}, f"r-{number}", 1000.0 - number, f"n[{number}]", {}, {}))
    torn = tmp_path / f"{'cc' * 32}.json"
    torn.write_text('{"state_delta"')
    os.utime(torn, (2000, 2000))
    for name in ("README", "aa.json", f"{'AA' * 32}.json", f"{'dd' * 32}.json.tmp"):
        (tmp_path / name).write_text("{}")
    return CacheFolder(tmp_path)


def test_entries_are_listed_newest_first_and_corrupt_ones_too(folder: CacheFolder, tmp_path: Path) -> None:
    torn, newer, older = folder.entries()
    assert (torn.key, torn.slot, torn.run_id, torn.ts) == ("cc" * 32, None, None, 2000)
    assert torn.fault is not None
    assert (newer.key, newer.slot, newer.run_id, newer.ts, newer.fault) == ("aa" * 32, "n[0]", "r-0", 1000.0, None)
    assert older.key == "ab" * 32
    assert older.size_bytes == (tmp_path / f"{older.key}.json").stat().st_size
    assert sorted(folder.keys()) == sorted(entry.key for entry in folder.entries())


def test_a_folder_that_is_not_there_is_empty_and_stays_away(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path / "none")
    assert (folder.entries(), folder.drafts(0.0), folder.remove(["ab" * 32])) == ([], [], 0)
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_found_by_its_unique_beginning(folder: CacheFolder) -> None:
    assert folder.find_key("ab") == "ab" * 32
    assert folder.find_key("cc" * 32) == "cc" * 32
    with pytest.raises(UsageError, match="'a' is the beginning of 2 cache keys"):
        folder.find_key("a")
    for absent in ("", "0", "ab" * 33, "../" + "ab" * 32, "R", "AA"):
        with pytest.raises(NotFoundError):
            folder.find_key(absent)


def test_a_corrupt_entry_is_refused_with_the_way_out(folder: CacheFolder) -> None:
    with pytest.raises(OeError, match="cannot be read") as caught:
        folder.read("cc" * 32)
    assert caught.value.hint == "`oe cache rm cccccccccccc` takes it out; the node runs again then"
    assert folder.read("aa" * 32) == {"state_delta": {"f": ""}, "metrics": {}, "meta": {
        "run_id": "r-0", "ts": 1000.0, "slot": "n[0]", "parts": {}}}


def test_removing_says_what_it_freed_and_takes_nothing_else(folder: CacheFolder, tmp_path: Path) -> None:
    sizes = sum(entry.size_bytes for entry in folder.entries())
    others = {path.name for path in tmp_path.iterdir()} - {f"{key}.json" for key in folder.keys()}  # noqa: SIM118
    assert folder.remove([*folder.keys(), "ee" * 32]) == sizes
    assert {path.name for path in tmp_path.iterdir()} == others
    for wrong in ("../README", "", "README"):
        with pytest.raises(ValueError, match="is no cache key"):
            folder.remove([wrong])
