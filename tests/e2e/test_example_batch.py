"""The long batch, run by the real program: what it finds, and that an interruption costs what was in flight, no more."""

from __future__ import annotations

import signal
import sysconfig
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tests.support.examples import copy_example, statuses
from tests.support.program import Program

QUICK = ("--arg", "pace=0", "--arg", "count=12")
REPORT = "        ctx.report(pause / _PAUSES, item[\"file\"])\n"
HOLD = """\
        while ctx.slot not in ("pack[0]/compress", "pack[1]/compress") and (Path(ctx.folder) / "hold").exists():
            await asyncio.sleep(0.01)
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The batch, whose third file and those behind it take as long as there is a file `hold`."""
    folder = copy_example("long-batch", tmp_path)
    tool = folder / "tools/compress.py"
    text = tool.read_text(encoding="utf-8")
    assert REPORT in text
    tool.write_text(text.replace(REPORT, REPORT + HOLD), encoding="utf-8")
    return folder


def interrupted(program: Program, example: Path, slot: str, number: signal.Signals) -> int:
    """Starts a run and sends it the signal when the slot tells of its progress; the exit code."""
    (example / "hold").touch()
    running = program.start("run", example, *QUICK)
    assert running.stderr is not None
    assert b"files" in running.stderr.readline()
    watching = program.start("inspect", "latest", "--follow", "-e", example)
    assert watching.stdout is not None
    try:
        assert any(f"node.progress    {slot} ".encode() in line for line in watching.stdout)
        running.send_signal(number)
        running.communicate(timeout=60)
        (example / "hold").unlink()
    finally:
        running.kill()
        watching.kill()
        watching.communicate()
    return running.wait(60)


def finished(program: Program, example: Path) -> Counter[str]:
    """How often each attempt at packing has finished, by the log."""
    events = program.run("inspect", "latest", "--json", "-e", example).json()["events"]
    return Counter(event["slot"] for event in events
                   if event["type"] == "node.finished" and event.get("node_id") == "compress")


def test_the_figures_are_those_of_the_files(program: Program, example: Path) -> None:
    result = program.run("run", example, "--json", *QUICK)
    assert (result.exit_code, set(statuses(result).values())) == (0, {"success"}), result.stderr
    state = result.json()["state"]
    library = Path(sysconfig.get_path("stdlib"))
    texts = {entry["file"]: (library / entry["file"]).read_bytes() for entry in state["files"]}
    sizes = [len(text) for text in texts.values()]
    assert len(sizes) == 12 and sizes == sorted(sizes, reverse=True)
    assert sizes[0] == max(path.stat().st_size for path in library.glob("*/*.py")
                           if path.parent.name not in ("test", "idlelib") and path.parent.name.isidentifier())

    def percent(level: int) -> float:
        sample = [texts[entry["file"]] for entry in state["sample"]]
        return 100 * sum(len(zlib.compress(text, level)) for text in sample) / sum(map(len, sample))
    level = state["trial"]["level"]
    assert percent(level) <= 25 < percent(level - 1)
    assert state["packed"] == [
        {"file": file, "lines": len(text.splitlines()), "size_bytes": len(text),
         "packed_bytes": state["packed"][place]["packed_bytes"]} for place, (file, text) in enumerate(texts.items())]
    assert all(abs(row["packed_bytes"] / len(zlib.compress(texts[row["file"]], level)) - 1) < 0.01
               for row in state["packed"])
    assert state["summary"]["packed_bytes"] == sum(row["packed_bytes"] for row in state["packed"])
    assert (example / "report/batch.md").read_text().startswith("# Rehearsal of the backup\n\n12 files of ")
    assert not (example / "scratch").exists()


def test_a_bound_that_no_level_reaches_ends_the_loop(program: Program, example: Path) -> None:
    result = program.run("run", example, "--json", *QUICK, "--arg", "at_most_percent=1")
    assert (result.exit_code, result.json()["state"]["trial"]["level"]) == (0, 9)


def test_ctrl_c_costs_what_is_in_flight(program: Program, example: Path) -> None:
    assert interrupted(program, example, "pack[2]/compress", signal.SIGINT) == 130
    assert not (example / "scratch").exists(), "the deferred clean-up removes it"
    before = finished(program, example)
    assert 0 < len(before) < 12
    resumed = program.run("resume", "--json", example)
    assert resumed.exit_code == 0, resumed.stderr
    assert finished(program, example) == {f"pack[{index}]/compress": 1 for index in range(12)}
    assert not (example / "scratch").exists()
    assert resumed.json()["state"] == program.run("run", example, "--json", *QUICK).json()["state"]


def test_after_a_kill_the_next_attempt_tidies_up(program: Program, example: Path) -> None:
    assert interrupted(program, example, "pack[2]/compress", signal.SIGKILL) == -signal.SIGKILL
    assert list((example / "scratch").glob("*/*/packed.z")), "nobody was there to remove it"
    assert program.run("resume", example).exit_code == 0
    assert finished(program, example) == {f"pack[{index}]/compress": 1 for index in range(12)}
    assert not (example / "scratch").exists()
