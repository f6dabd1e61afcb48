"""The host report where the host is not as it should be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oe.app import host
from oe.store.host import Place, try_place
from oe.store.mounts import file_system_of


def verdicts(path: Path, environment: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    """Name -> status and detail of every check."""
    checks = host.check_host(str(path), None, {"PATH": "/bin"} if environment is None else environment)
    return {check.name: (check.status, check.detail) for check in checks}


def test_a_network_file_system_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "file_system_of", lambda _: "nfs4")
    status, detail = verdicts(tmp_path)["file system"]
    assert (status, detail.startswith("nfs4")) == ("warning", True)


def test_a_place_without_locks_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "try_place", lambda folder: Place(str(tmp_path), None, "no locks available"))
    status, detail = verdicts(tmp_path)["locks"]
    assert (status, detail.endswith("cannot be locked: no locks available")) == ("missing", True)


def test_an_old_sqlite_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "sqlite_is_new_enough", lambda: False)
    assert verdicts(tmp_path)["sqlite"][0] == "missing"


def test_keys_are_named_and_never_shown(tmp_path: Path) -> None:
    checks = verdicts(tmp_path, {"OPENAI_API_KEY": "sk-123456", "EMPTY_TOKEN": "", "OTHER": "x"})
    assert checks["keys"] == ("ok", "OPENAI_API_KEY")
    assert "sk-123456" not in str(checks)


def test_the_data_folder_is_beside_the_experience_or_where_it_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "experience.yaml").write_text("name: x")
    beside = host.settings_of(str(tmp_path / "experience.yaml"), None, {})[0]
    assert (beside.value, beside.origin) == (f"{os.path.realpath(tmp_path)}/.openexpertise", "default")
    by_variable = host.settings_of(str(tmp_path), None, {"OE_DATA_DIR": "/elsewhere"})[0]
    assert (by_variable.value, by_variable.origin) == ("/elsewhere", "environment")
    by_flag = host.settings_of(str(tmp_path), "/flag", {"OE_DATA_DIR": "/elsewhere"})[0]
    assert (by_flag.value, by_flag.origin) == ("/flag", "flag")


def test_a_place_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    assert try_place(f"{tmp_path}/not/there/yet") == Place(str(tmp_path), None, None)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    assert try_place(f"{tmp_path}/file/below") == Place(f"{tmp_path}/file", "it is no folder", None)


@pytest.mark.skipif(not os.path.exists("/proc/self/mountinfo"), reason="only Linux tells the file system of a path")
def test_the_file_system_of_a_path_is_the_kernels_word() -> None:
    assert file_system_of("/proc/self") == "proc"
