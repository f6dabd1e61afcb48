"""What the archive promises, proved by whole runs: every Python here, and every place and person that it may be run by."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.program import interpreters

PYTHONS = interpreters()
SPEC = """\
name: released
version: 1.0.0
args: {count: {type: integer, default: 1}}
state: {schema: {out: {type: array, merge: array_append, persist: true}}}
graph:
  nodes:
    - {id: inline, kind: tool, impl: ./tool.py, args: {count: $args.count}, writes: [out]}
    - {id: process, kind: tool, impl: ./tool.py, isolation: process, args: {count: $args.count}, writes: [out], needs: [inline]}
    - {id: program, kind: tool, command: [sh, -c, 'echo "{\\"out\\": [3]}"'], writes: [out], needs: [process], cache: false}
    - {id: each, kind: tool, impl: ./tool.py, for_each: {source: [1, 2]}, args: {count: $item}, writes: [out], needs: [program]}
"""
TOOL = "def run(inputs, ctx):\n    return {'out': [inputs['count']]}\n"
GOT = [1, 1, 3, 1, 2]
OUT_OF_REACH = ("unshare", "--user", "--map-root-user", "--net")


def _can_be_cut_off() -> bool:
    try:
        return subprocess.run([*OUT_OF_REACH, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users can reach, with an awkward name; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer, "ein Ort für Ärger \u65e5\u672c 'x' $y")
        folder.mkdir(mode=0o755)
        for name, text in (("experience.yaml", SPEC), ("tool.py", TOOL)):
            (folder / name).write_text(text)
        yield folder


def carried_out(command: list[str | Path], **options: object) -> list[object]:
    """What the run that a command carries out gives; nothing but that is printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower() or "cache" in done.stderr, done.stderr
    found: list[object] = json.loads(done.stdout)["state"]["out"]
    return found


Way = Callable[[str, Path, Path], list[object]]


def read_only(python: str, archive: Path, place: Path) -> list[object]:
    """Archive and experience cannot be written; runs are kept elsewhere, and nothing is left beside them."""
    data = place.parent / "data"
    place.chmod(0o555)
    try:
        return carried_out([python, archive, "run", "--json", "--quiet", "--data-dir", data], cwd=place, env={"PATH": os.environ["PATH"]})
    finally:
        place.chmod(0o755)
        assert {path.name for path in place.iterdir()} == {"experience.yaml", "tool.py", archive.name}


def without_environment(python: str, archive: Path, place: Path) -> list[object]:
    """No HOME, no PATH, no locale, no terminal: as cron or an init system may start it."""
    return carried_out([python, archive, "run", "--json"], cwd=place, env={}, stdin=subprocess.DEVNULL, start_new_session=True)


def through_a_pipe(python: str, archive: Path, place: Path) -> list[object]:
    return carried_out([python, archive, "run", "--json", "--args", "-"], cwd=place, input='{"count": 1}')


def from_another_place(python: str, archive: Path, place: Path) -> list[object]:
    return carried_out([python, archive, "run", place, "--json"], cwd="/")


def without_network(python: str, archive: Path, place: Path) -> list[object]:
    return carried_out([*OUT_OF_REACH, python, archive, "run", "--json"], cwd=place)


WAYS: tuple[Way, ...] = (read_only, without_environment, through_a_pipe, from_another_place, without_network)


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
@pytest.mark.parametrize("version", PYTHONS)
def test_a_whole_run(archive: Path, place: Path, version: str, way: Way) -> None:
    if way is without_network and not _can_be_cut_off():
        pytest.skip("a process without network needs user namespaces (unshare --user --net)")
    copy = Path(shutil.copy(archive, place / "oe kopie.pyz"))
    assert way(PYTHONS[version], copy, place) == GOT


def test_as_any_user(archive: Path, place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; run the suite as root in a container to prove this")
    copy = Path(shutil.copy(archive, place))
    copy.chmod(0o644)
    data = place.parent / "data"
    data.mkdir()
    os.chown(data, 54321, 54321)
    for python in (*PYTHONS.values(), "/usr/bin/python3"):
        try:
            done = subprocess.run([python, copy, "run", "--json", "--data-dir", data], env={}, cwd=place, user=54321, group=54321,
                                  extra_groups=[], capture_output=True, text=True, timeout=60, check=False)
        except (PermissionError, FileNotFoundError):
            continue  # a Python that other users cannot reach
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["state"]["out"] == GOT
        return
    pytest.skip("no Python here can be reached by other users")


def test_two_copies_side_by_side_at_one_experience(archive: Path, place: Path) -> None:
    copies = [Path(shutil.copy(archive, place / name)) for name in ("one.pyz", "two.pyz")]
    running = [subprocess.Popen([sys.executable, copy, "run", "--json", "--quiet", "--no-cache"], cwd=place, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) for copy in copies * 3]
    for process in running:
        out, errors = process.communicate(timeout=100)
        assert (process.returncode, errors) == (0, b"")
        assert json.loads(out)["status"] == "success"
    state = subprocess.run([sys.executable, copies[0], "state", "out", "--workspace"], cwd=place, capture_output=True, check=True)
    assert json.loads(state.stdout) == GOT * 6
