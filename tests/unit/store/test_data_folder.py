"""Which file is where, and that nothing else is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oe.errors import NotFoundError, OeError, StoreError
from oe.store.data_folder import DataFolder
from oe.store.lock import this_process
from oe.store.slot_files import file_name, slot_of


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "data")
    made.create()
    return made


def test_naming_paths_creates_nothing(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert folder.database == f"{tmp_path}/data/state.sqlite"
    assert folder.event_log("r-1") == f"{tmp_path}/data/runs/r-1.jsonl"
    assert folder.live("r-1") == f"{tmp_path}/data/runs/r-1.live"
    assert folder.node_log("r-1", "loop[2]/body") == f"{tmp_path}/data/runs/r-1/loop[2].body.log"
    assert folder.node_logs("r-1") == []
    assert folder.liveness("r-1", this_process()) == "dead"
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_folders_are_closed_to_others_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        folder = DataFolder(tmp_path / "a" / "data")
        folder.create()
        folder.create()
        folder.artifact("r-1", "deep/er/x.csv")
        held = folder.lock("r-1", this_process())
    finally:
        os.umask(before)
    assert held is not None
    held.release()
    made = list((tmp_path / "a").rglob("*"))
    assert {path.name: path.stat().st_mode & 0o777 for path in [tmp_path / "a", *made]} == {
        "a": 0o700, "data": 0o700, "runs": 0o700, "r-1": 0o700, "artifacts": 0o700, "deep": 0o700, "er": 0o700,
        "lock": 0o600}


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    DataFolder(tmp_path).create()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("run_id", ["..", "../x", "/etc", "a/b", "", ".hidden", "a\0b", "x" * 101, "é", "a\n", "a.jsonl", "turn.lock"])
def test_a_run_id_is_never_a_path(folder: DataFolder, run_id: str) -> None:
    for use in (folder.event_log, folder.run_folder, folder.live, folder.artifacts, folder.node_logs, folder.remove_run):
        with pytest.raises(NotFoundError):
            use(run_id)
    with pytest.raises(NotFoundError):
        folder.lock(run_id, this_process())


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StoreError, match="/data") as caught:
        DataFolder(tmp_path / "data").create()
    assert "--data-dir" in str(caught.value.hint)
    with pytest.raises(StoreError, match="/data"):
        DataFolder(tmp_path / "data" / "deeper").create()


@pytest.mark.parametrize("slot", ["score", "review[3]", "loop[2]/body", "pipe[17]/stage", "child/review[3]", "a-b_C", "x" * 160])
def test_a_slot_is_read_back_from_its_file_name(slot: str) -> None:
    assert "/" not in file_name(slot)
    assert slot_of(file_name(slot)) == slot


@pytest.mark.parametrize("slot", ["..", "a/../b", "a\0b", "a%2fb", "ü~x", "\udce9", "a.b", "%", ""])
def test_a_strange_slot_becomes_a_plain_name_and_is_read_back(slot: str) -> None:
    name = file_name(slot)
    assert name.isascii()
    assert not set(name) & set("/\0~")
    assert slot_of(name) == slot


def test_long_slots_become_bounded_names_that_differ(folder: DataFolder) -> None:
    slots = ["n" * 10_000, "n" * 10_001, "n" * 9_999 + "[1]", "\u20ac" * 10_000]
    names = {file_name(slot) for slot in slots}
    assert len(names) == len(slots)
    assert max(map(len, names)) <= 160
    assert slot_of(file_name("n" * 10_000)) == "n" * 120 + "…"
    assert Path(folder.node_log("r-1", slots[0])).name == file_name(slots[0]) + ".log"


def test_node_logs_are_listed_by_slot(folder: DataFolder) -> None:
    held = folder.lock("r-1", this_process())
    assert held is not None
    held.release()
    for slot in ("b", "a[1]", "loop[0]/x"):
        Path(folder.node_log("r-1", slot)).touch()
    folder.artifact("r-1", "a.log")
    assert folder.node_logs("r-1") == [(slot, folder.node_log("r-1", slot)) for slot in ("a[1]", "b", "loop[0]/x")]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "./a", "a\0b"])
def test_an_artifact_stays_in_its_place(folder: DataFolder, name: str) -> None:
    with pytest.raises(OeError) as caught:
        folder.artifact("r-1", name)
    assert caught.value.code == "path-outside"


def test_an_artifact_does_not_follow_a_link_out(folder: DataFolder, tmp_path: Path) -> None:
    Path(folder.artifact("r-1", "report.html")).write_text("x")
    (tmp_path / "secret").touch()
    Path(folder.artifacts("r-1"), "link").symlink_to(tmp_path)
    Path(folder.artifacts("r-1"), "file").symlink_to(tmp_path / "secret")
    for name in ("link/x", "file"):
        with pytest.raises(OeError) as caught:
            folder.artifact("r-1", name)
        assert caught.value.code == "path-outside"


def test_the_folder_of_a_run_is_no_link(folder: DataFolder, tmp_path: Path) -> None:
    """It may have come along with the experience; whoever holds the run's lock writes there, and deletes."""
    Path(folder.root, "runs", "r-1").symlink_to(tmp_path)
    with pytest.raises(OeError, match="is a link") as caught:
        folder.lock("r-1", this_process())
    assert caught.value.code == "path-outside"
    assert not (tmp_path / "lock").exists()


def test_artifacts_are_in_the_folder_of_their_run_even_where_they_are_a_link(folder: DataFolder, tmp_path: Path) -> None:
    Path(folder.run_folder("r-1")).mkdir()
    Path(folder.artifacts("r-1")).symlink_to(tmp_path)
    with pytest.raises(OeError, match="through a link"):
        folder.artifact("r-1", "report.html")


def test_removing_a_run_removes_its_files_and_follows_no_link(folder: DataFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    for run_id in ("r-1", "r-10"):
        Path(folder.artifact(run_id, "deep/x")).write_bytes(b"12345")
        Path(folder.event_log(run_id)).write_bytes(b"123")
    Path(folder.artifacts("r-1"), "link").symlink_to(outside)
    assert folder.remove_run("r-1") >= 8
    assert sorted(path.name for path in Path(folder.root, "runs").iterdir()) == ["r-10", "r-10.jsonl"]
    assert (outside / "kept").exists()
    assert folder.remove_run("r-1") == 0


def test_a_folder_that_cannot_be_looked_into_is_not_taken_for_an_empty_one(folder: DataFolder,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:  # root may look into everything
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("oe.store.data_folder.os.stat", refuse)
    with pytest.raises(StoreError, match=r"cannot look into .*: permission denied"):
        folder.exists()
