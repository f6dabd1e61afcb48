"""A writer that is killed at any moment: what it was told is committed is there, and the log can be made to agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oe.errors import OeError
from oe.ports.committed import log_of
from oe.state.events import EVENTS
from oe.store.event_log import JsonlLog
from oe.store.sqlite_store import SqliteStore
from tests.unit.store.processes import Other

_WRITER = """
from oe.ports.committed import committed_events
from oe.ports.store import Reopened
folder = sys.argv[1]
store = SqliteStore.open(folder + "/state.sqlite")
run = store.find_run("r-1")
run = store.reopen_run(Reopened("r-1", OWNER, 1.0, "{}")) if run else store.create_run(new_run())
log = JsonlLog(folder + "/r-1.jsonl", "r-1", on_trouble=print)
log.repair(committed for entry in store.everything("r-1") for committed in committed_events(entry))
number = sum(1 for _ in store.journal("r-1"))
while True:
    made = outcome(f"n[{number}]", 1, ("f", number))
    log.append([Event("node.started", 1.0, made.slot, 1)], flush=False)
    store.commit("r-1", [made])
    log.append(committed_events(made), flush=True)
    print(number, flush=True)
    number += 1
"""


def _fail(error: OeError) -> None:
    raise AssertionError(f"unexpected trouble: {error}")


@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.long)])
def test_killed_again_and_again_a_run_loses_and_repeats_nothing(tmp_path: Path, kills: int) -> None:
    told = -1
    for kill in range(kills):
        with Other(_WRITER, tmp_path) as writer:
            for _ in range(1 + kill * 7 % 40):
                number = int(writer.read_line())
                assert number > told
                told = number
            writer.kill()
    store = SqliteStore.open(tmp_path / "state.sqlite")
    rows = [row.slot for row in store.journal("r-1")]
    assert rows == [f"n[{number}]" for number in range(len(rows))]
    assert len(rows) > told
    assert [entry.delta for entry in store.history("r-1")] == list(range(len(rows)))
    log = JsonlLog(tmp_path / "r-1.jsonl", "r-1", on_trouble=_fail)
    log.repair(log_of(store.everything("r-1")))
    log.close()
    store.close()
    records = [json.loads(line) for line in (tmp_path / "r-1.jsonl").read_bytes().splitlines()]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    committed = [(record["type"], record.get("slot")) for record in records if EVENTS[record["type"]].committed]
    assert [slot for kind, slot in committed if kind == "node.finished"] == rows
    assert [slot for kind, slot in committed if kind == "state.write"] == rows
    assert [kind for kind, _ in committed if kind.startswith("run.")] == ["run.started"] + ["run.resumed"] * (kills - 1)
