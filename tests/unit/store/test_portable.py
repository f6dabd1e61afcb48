"""Paths of experiences in a database, and the migration of those that held absolute ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from oe.store import database
from oe.store.portable import PortablePaths
from oe.store.sqlite_store import SqliteStore


@pytest.mark.parametrize(("database_file", "file", "kept"), [
    ("/srv/exp/.openexpertise/state.sqlite", "/srv/exp/experience.yaml", "experience.yaml"),
    ("/srv/exp/.openexpertise/state.sqlite", "/srv/exp/inner/experience.yaml", "inner/experience.yaml"),
    ("/srv/exp/.openexpertise/state.sqlite", "/srv/expert/experience.yaml", "/srv/expert/experience.yaml"),
    ("/data/state.sqlite", "/exp/experience.yaml", "exp/experience.yaml"),
    ("/var/lib/oe/state.sqlite", "/exp/experience.yaml", "/exp/experience.yaml"),
])
def test_a_path_is_kept_from_the_folder_around_the_data(database_file: str, file: str, kept: str) -> None:
    paths = PortablePaths(database_file)
    assert (paths.kept(file), paths.found(kept)) == (kept, file)
    assert paths.found_keys(paths.kept_keys({file: 1})) == {file: 1}


def test_the_data_folder_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "data")
    file = f"{tmp_path.resolve()}/real/experience.yaml"
    assert PortablePaths(f"{tmp_path}/link/state.sqlite").kept(file) == "experience.yaml"


def test_absolute_paths_of_an_older_schema_become_portable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    place, home = tmp_path / "data" / "state.sqlite", tmp_path.resolve()
    with monkeypatch.context() as older:
        older.setattr(database, "MIGRATIONS", database.MIGRATIONS[:5])
        raw = database.open_database(str(place))
    raw.execute("INSERT INTO spec (id, text) VALUES (1, '{}')")
    for name, file in (("r-1", home / "a.yaml"), ("r-2", "/elsewhere/b.yaml")):
        raw.execute("INSERT INTO run (run_id, experience, name, version, status, started_at, owner_host, owner_pid, "
                    "owner_started, spec, secrets, args, base, nested) VALUES (?, ?, 'x', '1.0.0', 'failed', 1, 'h', 1, 1, "
                    "1, '{}', '{}', '{}', ?)", (name, str(file), f'{{"{home}/c.yaml": {{"n": 1}}, "/d.yaml": {{}}}}'))
        raw.execute("INSERT INTO workspace (experience, field, value) VALUES (?, 'total', '7')", (str(file),))
    raw.close()
    store = SqliteStore.open(place, read_only=True)
    for name, file in (("r-1", f"{home}/a.yaml"), ("r-2", "/elsewhere/b.yaml")):
        run, = store.find_runs(file)
        assert (run.run_id, run.experience) == (name, file)
        assert run.nested == {f"{home}/c.yaml": {"n": 1}, "/d.yaml": {}}
        assert store.workspace(file) == {"total": 7}
    store.close()
    raw = database.open_database(str(place), read_only=True)
    assert raw.execute("SELECT experience, nested FROM run WHERE run_id = 'r-1'").fetchone() == (
        "a.yaml", '{"c.yaml":{"n":1},"/d.yaml":{}}')
    raw.close()
