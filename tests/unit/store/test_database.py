"""Opening the database: modes, migrations, other owners, damage."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import pytest

from oe.errors import NotFoundError, StoreError
from oe.ports.store import Publication, Reopened
from oe.store import database
from oe.store.sqlite_store import SqliteStore
from tests.contract.builders import OWNER, ending, new_run, outcome
from tests.unit.store.processes import ROOT, Other, run_other


def _filled(path: Path) -> Path:
    store = SqliteStore.open(path)
    store.create_run(new_run())
    store.commit("r-1", [outcome(f"n{number}", 1, ("f", "x" * 100)) for number in range(200)])
    store.close()
    return path


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277])
def test_only_the_owner_can_read_the_files(tmp_path: Path, mask: int) -> None:
    os.umask(mask)
    store = SqliteStore.open(tmp_path / "state.sqlite")
    store.create_run(new_run())
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    store.close()
    assert modes == {"state.sqlite": 0o600, "state.sqlite-wal": 0o600, "state.sqlite-shm": 0o600}


def test_a_closed_store_is_one_file_that_says_whose_it_is(tmp_path: Path) -> None:
    path = _filled(tmp_path / "state.sqlite")
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.sqlite"]
    assert path.read_bytes()[68:72] == b"oe_1"


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.sqlite")
    store.close()
    store.close()


def test_closing_beside_a_reader_waits_for_nobody(tmp_path: Path) -> None:
    path = _filled(tmp_path / "state.sqlite")
    reader = sqlite3.connect(path, isolation_level=None)
    writer = SqliteStore.open(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM journal").fetchone()
    writer.commit("r-1", [outcome("late")])
    writer.close()
    assert reader.execute("SELECT count(*) FROM journal WHERE slot = 'late'").fetchone() == (0,)
    reader.close()
    again = SqliteStore.open(path)
    assert [row.slot for row in again.journal("r-1")][-1] == "late"
    again.close()


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("power", 2)])
def test_durability_sets_how_often_the_disk_is_waited_for(
        tmp_path: Path, durability: database.Durability, level: int) -> None:
    connection = database.open_database(str(tmp_path / "state.sqlite"), durability=durability)
    assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    foreign = sqlite3.connect(path)
    foreign.executescript("CREATE TABLE state(field TEXT, value TEXT); INSERT INTO state VALUES ('a', '1');")
    foreign.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="another program") as caught:
            SqliteStore.open(path, read_only=read_only)
        assert caught.value.code == "store-foreign"
        assert "--data-dir" in str(caught.value.hint)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = _filled(tmp_path / "state.sqlite")
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 999")
    newer.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="schema 999") as caught:
            SqliteStore.open(path, read_only=read_only)
        assert caught.value.code == "store-newer"
        assert "newer oe" in str(caught.value.hint)
    assert path.read_bytes() == before


def test_an_older_schema_is_brought_up_to_date_for_readers_too(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _filled(tmp_path / "state.sqlite")
    texts = {"migrations/9999_more.sql": "-- a comment; with a semicolon\nCREATE TABLE more (x);\nINSERT INTO more VALUES (';');\n"}
    read = database.read_sql
    monkeypatch.setattr(database, "read_sql", lambda name: texts.get(name) or read(name))
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, *texts))
    store = SqliteStore.open(path, read_only=True)
    assert len(list(store.journal("r-1"))) == 200
    store.close()
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT x FROM more").fetchall() == [(";",)]
    assert raw.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
    raw.close()


def test_runs_of_the_first_schema_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.sqlite"
    with monkeypatch.context() as first:
        first.setattr(database, "MIGRATIONS", database.MIGRATIONS[:1])
        raw = database.open_database(str(path))
    raw.execute("INSERT INTO spec (id, text) VALUES (1, '{}')")
    raw.execute("INSERT INTO run (run_id, experience, name, version, status, started_at, owner_host, owner_pid, "
                "owner_started, spec, secrets, args, base) VALUES ('r-1', 'x', 'x', '1.0.0', 'failed', 1, 'h', 1, 1, 1, "
                "'{}', '{}', '{\"n\": 1}')")
    raw.close()
    store = SqliteStore.open(path)
    run = store.reopen_run(Reopened("r-1", OWNER, 2.0, "{}", {"m": 2}, persistent=["n"]))
    store.close()
    assert (run.selection, run.base, run.status) == ({}, {"n": 1, "m": 2}, "running")


def test_a_migration_is_done_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _filled(tmp_path / "state.sqlite")
    read = database.read_sql
    monkeypatch.setattr(database, "read_sql", lambda name: "CREATE TABLE more (x);\nINSERT INTO absent VALUES (1);\n"
                        if name == "bad" else read(name))
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, "bad"))
    with pytest.raises(StoreError, match="absent"):
        SqliteStore.open(path)
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS) - 1,)
    assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    raw.close()


def test_an_old_sqlite_is_refused_by_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 33, 0))
    with pytest.raises(StoreError, match=r"3\.34 or newer") as caught:
        SqliteStore.open(tmp_path / "state.sqlite")
    assert caught.value.code == "sqlite-too-old"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(("offset", "size"), [(0, 16), (0, 4096), (4096, 4096)])
def test_damage_is_reported_as_damage(tmp_path: Path, offset: int, size: int, read_only: bool) -> None:
    path = _filled(tmp_path / "state.sqlite")
    content = bytearray(path.read_bytes())
    content[offset:offset + size] = bytes(byte ^ 0xFF for byte in content[offset:offset + size])
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        store = SqliteStore.open(path, read_only=read_only)
        store.find_run("r-1")
        list(store.everything("r-1"))
    assert caught.value.code in {"store-corrupt", "store-foreign"}
    assert caught.value.hint
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_cannot_be_opened_is_told_as_such(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "state.sqlite").mkdir()  # root may open whatever is a file
    with pytest.raises(StoreError, match=r"state\.sqlite") as caught:
        SqliteStore.open(tmp_path / "state.sqlite", read_only=read_only)
    assert caught.value.code in {"store-cannot-open", "store-io"} and caught.value.hint


@pytest.mark.parametrize("read_only", [False, True])
def test_a_truncated_file_is_reported_as_damage(tmp_path: Path, read_only: bool) -> None:
    path = _filled(tmp_path / "state.sqlite")
    os.truncate(path, 3 * 4096)
    with pytest.raises(StoreError) as caught:
        store = SqliteStore.open(path, read_only=read_only)
        list(store.journal("r-1"))
    assert caught.value.code == "store-corrupt"


def test_a_value_that_is_no_json_is_damage_too(tmp_path: Path) -> None:
    path = _filled(tmp_path / "state.sqlite")
    raw = sqlite3.connect(path)
    raw.execute("UPDATE journal SET writes = '[[' WHERE slot = 'n7'")
    raw.commit()
    raw.close()
    store = SqliteStore.open(path)
    with pytest.raises(StoreError) as caught:
        list(store.journal("r-1"))
    assert caught.value.code == "store-corrupt"
    store.close()


def test_reading_what_is_not_there_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"state\.sqlite"):
        SqliteStore.open(tmp_path / "state.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_of_a_start_that_was_killed_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").touch()
    reader = SqliteStore.open(tmp_path / "state.sqlite", read_only=True)
    assert reader.find_runs(None) == []
    reader.close()


@pytest.mark.parametrize("name", ["a b", "50%", "what?", "#1", "ü", "%41"])
def test_a_reader_opens_the_file_of_exactly_that_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    _filled(folder / "state.sqlite")
    store = SqliteStore.open(folder / "state.sqlite", read_only=True)
    assert len(list(store.journal("r-1"))) == 200
    store.close()


def test_a_reader_sees_a_live_writer_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with Other("""
store = SqliteStore.open(sys.argv[1])
store.create_run(new_run())
store.commit("r-1", [outcome("a")])
ready()
store.commit("r-1", [outcome("b")])
ready()
""", path) as writer:
        writer.wait_ready()
        reader = SqliteStore.open(path, read_only=True)
        assert [row.slot for row in reader.journal("r-1")] == ["a"]
        writer.go()
        writer.wait_ready()
        assert [row.slot for row in reader.journal("r-1")] == ["a", "b"]
        with pytest.raises(StoreError) as caught:
            reader.commit("r-1", [outcome("c")])
        assert caught.value.code == "store-read-only"
        reader.close()
        writer.go()
        writer.finish()


def test_the_sql_is_read_from_an_archive_too(tmp_path: Path) -> None:
    archive = tmp_path / "oe.pyz"
    with ZipFile(archive, "w") as packed:
        for path in (ROOT / "oe").rglob("*"):
            if path.suffix in {".py", ".sql"}:
                packed.write(path, path.relative_to(ROOT))
    code = ("import sys; sys.path.insert(0, sys.argv[1]); from oe.store.sqlite_store import SqliteStore as S; "
            "import oe.store.statements as s; print(s.__file__.startswith(sys.argv[1]), S.open(sys.argv[2]).find_runs(None))")
    done = subprocess.run([sys.executable, "-I", "-c", code, archive, tmp_path / "state.sqlite"], capture_output=True,
                          text=True, check=False)
    assert (done.stdout, done.stderr) == ("True []\n", "")


def test_a_commit_that_fails_takes_no_number(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.sqlite")
    store.create_run(new_run())
    other = SqliteStore.open(tmp_path / "state.sqlite")
    other.commit("r-1", [outcome("theirs")])
    with pytest.raises(StoreError, match="UNIQUE"):
        store.commit("r-1", [outcome("ours")])
    store.commit("r-1", [outcome("ours")])
    assert [row.slot for row in other.journal("r-1")] == ["theirs", "ours"]
    store.close()
    other.close()


def test_a_place_in_the_order_of_publication_is_never_given_twice(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.sqlite")
    places: list[int] = []
    for _ in range(3):
        store.create_run(new_run())
        store.end_run("r-1", ending(Publication("f", "last_wins", 1)))
        (place,), = store._connection.execute("SELECT id FROM publication")
        places.append(place)
        store.remove_run("r-1")
    store.close()
    assert places == sorted(set(places))


_AS_NOBODY = """
folder = sys.argv[1]
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can enter: pytest's own are closed to others, again by each pytest that begins."""
    with TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer, "data")
        folder.mkdir()
        yield folder
        folder.chmod(0o755)


def _readable_by_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o555)


def test_a_read_only_folder_can_be_read(open_folder: Path) -> None:
    _filled(open_folder / "state.sqlite")
    _readable_by_all(open_folder)
    assert run_other(_AS_NOBODY + """
store = SqliteStore.open(folder + "/state.sqlite", read_only=True)
print(len(list(store.journal("r-1"))))
store.close()
""", open_folder) == "200\n"


def test_a_read_only_folder_cannot_be_written_and_says_what_to_do(open_folder: Path) -> None:
    _filled(open_folder / "state.sqlite")
    _readable_by_all(open_folder)
    told = run_other(_AS_NOBODY + """
for path in (folder + "/state.sqlite", folder + "/other.sqlite"):
    try:
        SqliteStore.open(path).create_run(new_run("r-2"))
    except Exception as error:
        print(type(error).__name__, error.code, error.hint)
try:
    DataFolder(folder + "/deep/er").create()
except Exception as error:
    print(type(error).__name__, error.code, error.hint)
try:
    DataFolder(folder).lock("r-1", OWNER)
except Exception as error:
    print(type(error).__name__, error.code, error.hint)
""", open_folder).splitlines()
    assert len(told) == 4
    for line in told:
        assert line.startswith("StoreError store-")
        assert "--data-dir" in line
