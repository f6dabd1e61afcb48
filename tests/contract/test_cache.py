"""What every ResultCache does: an entry comes back as it went in, whole or not at all, and a fault never fails a run."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from oe import CacheStore, run_experience
from oe.errors import OeError
from oe.lang.scope import MISSING, Missing
from oe.ports.cache import Entry, ResultCache
from oe.store.cache_admin import CacheFolder
from oe.store.cache_files import CacheFiles
from oe.store.memory_cache import MemoryCache
from oe.values import Json
from tests.support.experiences import write_experience
from tests.unit.store.processes import Other, run_other

KEY, OTHER_KEY = "ab" * 32, "cd" * 32
VALUES: list[Json] = [
    None, True, 0, -0.0, 1.5, 1e300, 10**400, "", "ü 日本 \U0001f600", "lone \udc80 surrogate", "\x00\x1b\u2028",
    {"a": [1, {"b": []}], "": {}}, [[]] * 3,
]


def entry(value: Json = 1, *, edge: Json | Missing = MISSING, **changes: object) -> Entry:
    return Entry({"field": value}, edge, {"tokens": 3}, "r-1", 1000.25, "review[3]", {"spec": "d1"}, {"out.txt": "d2"},
                 )._replace(**changes)


def _fail(error: OeError) -> None:
    raise AssertionError(f"unexpected trouble: {error}")


@pytest.fixture(params=["files", "memory"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> ResultCache:
    return MemoryCache() if request.param == "memory" else CacheFiles(tmp_path / "cache", _fail)


@pytest.fixture
def told() -> list[OeError]:
    return []


@pytest.fixture
def files(tmp_path: Path, told: list[OeError]) -> CacheFiles:
    return CacheFiles(tmp_path / "cache", told.append)


def file_of(tmp_path: Path, key: str = KEY) -> Path:
    return tmp_path / "cache" / f"{key}.json"


def test_what_was_never_kept_is_a_miss(cache: ResultCache) -> None:
    assert cache.find(KEY) is None
    cache.keep(OTHER_KEY, entry())
    assert cache.find(KEY) is None


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_they_were(cache: ResultCache, value: Json) -> None:
    cache.keep(KEY, entry(value, edge=value))
    found = cache.find(KEY)
    assert found is not None
    assert json.dumps([found.state_delta["field"], found.edge_output]) == json.dumps([value, value])
    assert found._replace(state_delta={}, edge_output=1) == entry()._replace(state_delta={}, edge_output=1)


def test_no_edge_output_is_not_null(cache: ResultCache) -> None:
    cache.keep(KEY, entry())
    cache.keep(OTHER_KEY, entry(edge=None))
    without, with_null = cache.find(KEY), cache.find(OTHER_KEY)
    assert without is not None and isinstance(without.edge_output, Missing)
    assert with_null is not None and with_null.edge_output is None


def test_a_later_entry_takes_the_place_of_an_earlier_one(cache: ResultCache) -> None:
    cache.keep(KEY, entry("a much longer value than the one that follows"))
    cache.keep(KEY, entry("b", run_id="r-2", produces={}))
    assert cache.find(KEY) == entry("b", run_id="r-2", produces={})


def test_what_was_kept_is_not_what_the_caller_changes_later(cache: ResultCache) -> None:
    value = ["a"]
    cache.keep(KEY, entry(value))
    value.append("b")
    found = cache.find(KEY)
    assert found is not None and found.state_delta == {"field": ["a"]}
    assert isinstance(found.state_delta["field"], list)
    found.state_delta["field"].append("c")
    assert cache.find(KEY) == entry(["a"])


def test_a_file_cut_at_any_byte_is_a_miss_told_once(files: CacheFiles, told: list[OeError], tmp_path: Path) -> None:
    files.keep(KEY, entry("ü", edge=[1, 2]))
    whole = file_of(tmp_path).read_bytes()
    for length in range(len(whole)):
        file_of(tmp_path).write_bytes(whole[:length])
        assert files.find(KEY) is None, length
    assert [error.code for error in told] == ["cache-entry"]
    file_of(tmp_path).write_bytes(whole)
    assert files.find(KEY) == entry("ü", edge=[1, 2])


@pytest.mark.parametrize("content", [
    b"", b"[]", b"{}", b"null", b'{"state_delta": []}', b'{"state_delta": {}}', b'{"state_delta": {}, "meta": {"ts": "x"}}',
    b'{"state_delta": {}, "meta": {"ts": true}}', b'{"state_delta": {"a": NaN}, "meta": {"ts": 1}}', b"\xff\xfe", b"[" * 100_000,
    b'{"state_delta": {}, "metrics": [], "meta": {"ts": 1}}', b'{"state_delta": {}, "meta": {"ts": 1e999}}',
])
def test_what_is_no_entry_is_a_miss(files: CacheFiles, told: list[OeError], tmp_path: Path, content: bytes) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_bytes(content)
    assert files.find(KEY) is None
    assert len(told) == 1
    files.keep(KEY, entry())
    assert files.find(KEY) == entry()


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, KEY + "/", KEY + "\n", "ab" * 31 + "/x"])
def test_only_a_key_becomes_a_path(files: CacheFiles, key: str) -> None:
    with pytest.raises(ValueError, match="is no cache key"):
        files.keep(key, entry())
    assert files.find(key) is None


def test_files_are_their_owners_alone_whatever_the_umask(files: CacheFiles, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.keep(KEY, entry())
    finally:
        os.umask(before)
    assert stat.S_IMODE(file_of(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(file_of(tmp_path).parent.stat().st_mode) == 0o700


def test_no_draft_is_left_and_none_is_read(files: CacheFiles, tmp_path: Path) -> None:
    files.keep(KEY, entry("a"))
    (tmp_path / "cache" / f"{OTHER_KEY}.json.4711").write_bytes(file_of(tmp_path).read_bytes())
    assert files.find(OTHER_KEY) is None
    files.keep(OTHER_KEY, entry("b"))
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [
        f"{KEY}.json", f"{OTHER_KEY}.json", f"{OTHER_KEY}.json.4711"]


def test_a_name_in_the_way_is_told_and_leaves_no_draft(files: CacheFiles, told: list[OeError], tmp_path: Path) -> None:
    file_of(tmp_path).mkdir(parents=True)
    files.keep(KEY, entry())
    files.keep(KEY, entry())
    assert len(told) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{KEY}.json"]


def test_a_value_that_no_file_can_hold_is_told(files: CacheFiles, told: list[OeError], tmp_path: Path) -> None:
    files.keep(KEY, entry(float("nan")))
    assert "the result of 'review[3]' cannot be kept" in told[0].message
    assert files.find(KEY) is None


_WRITER = """
from oe.ports.cache import Entry
from oe.store.cache_files import CacheFiles
def fail(error): raise error
cache = CacheFiles(sys.argv[1], fail)
ready()
for number in range(300):
    cache.keep(sys.argv[2], Entry({"who": sys.argv[3], "pad": sys.argv[3] * (number % 7 * 900)}, None, {}, "r", 1.0, "s", {}, {}))
"""


def test_two_processes_may_keep_the_same_key(tmp_path: Path) -> None:
    reader = CacheFiles(tmp_path / "cache", _fail)
    with Other(_WRITER, tmp_path / "cache", KEY, "a") as one, Other(_WRITER, tmp_path / "cache", KEY, "b") as two:
        for other in (one, two):
            other.wait_ready()
        for other in (one, two):
            other.go()
        for _ in range(500):
            found = reader.find(KEY)
            assert found is None or set(str(found.state_delta["pad"])) <= {str(found.state_delta["who"])}
        for other in (one, two):
            other.finish()
    found = reader.find(KEY)
    assert found is not None and len(str(found.state_delta["pad"])) == 299 % 7 * 900
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{KEY}.json"]


_KILLED = """
from oe.ports.cache import Entry
from oe.store.cache_files import CacheFiles
os.replace = lambda *paths: (ready(), None)
CacheFiles(sys.argv[1], print).keep(sys.argv[2], Entry({}, None, {}, "r", 1.0, "s", {}, {}))
"""


def test_the_draft_of_a_killed_process_is_found_and_that_of_a_live_one_left(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path / "cache")
    now = os.stat(tmp_path).st_mtime
    with Other(_KILLED, tmp_path / "cache", KEY) as other:
        other.wait_ready()
        assert folder.drafts(now) == []
        assert len(folder.drafts(now + 7200)) == 1, "no write takes two hours"
        other.kill()
    drafts = folder.drafts(now)
    assert len(drafts) == 1
    assert folder.entries() == []
    assert folder.remove_drafts(drafts) > 0
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder with one entry that another user may only read: pytest's own are closed to others."""
    for parent in (tmp_path, *list(tmp_path.parents)[:3]):
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    folder = tmp_path / "cache"
    CacheFiles(folder, _fail).keep(KEY, entry())
    file_of(tmp_path).chmod(0o644)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_read_only_folder_is_one_warning_and_still_read(read_only: Path) -> None:
    out = run_other("""
from oe.ports.cache import Entry
from oe.store.cache_files import CacheFiles
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
cache = CacheFiles(sys.argv[1], lambda error: print(error.code, error.hint))
for key in ("cd" * 32, "ef" * 32):
    cache.keep(key, Entry({}, None, {}, "r", 1.0, "s", {}, {}))
print(cache.find(sys.argv[2]).state_delta)
""", read_only, KEY)
    lines = out.splitlines()
    assert lines[0].startswith("store-read-only ") and "--data-dir" in lines[0]
    assert lines[1:] == ["{'field': 1}"]


def test_a_caller_of_the_library_gives_a_cache_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_experience(tmp_path / "x", "name: x\nversion: 1.0.0\nstate: {schema: {n: {type: integer}}}\ngraph:\n"
                              "  nodes:\n    - {id: a, kind: tool, impl: ./t.py, writes: [n]}\n",
                              t="def run(inputs, ctx):\n    open(ctx.artifact('ran'), 'w').close()\n    return {'n': 1}\n")
    for _ in range(2):
        result = asyncio.run(run_experience(folder, cache=CacheStore(dir=tmp_path / "mine")))
        assert (result.status, result.state) == ("success", {"n": 1})
    assert [node["cached"] for node in result.as_object()["nodes"]] == [True]  # type: ignore[index,call-overload,union-attr]
    assert len(CacheFolder(tmp_path / "mine").entries()) == 1
    assert not (folder / ".openexpertise" / "cache").exists()
    next((tmp_path / "mine").iterdir()).write_text("torn")
    asyncio.run(run_experience(folder, cache=CacheStore(dir=tmp_path / "mine")))
    assert capsys.readouterr().err.count("counts as a miss") == 1
