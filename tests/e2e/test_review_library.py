"""Several runs in one process: what they leave behind, and what they may do to each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oe.app.experiences import load_experience
from oe.app.launch import EventBus, RunOptions, resume_run, run_experience, start_run
from oe.app.workspace import Workspace
from oe.errors import AlreadyRunningError, StoreError
from oe.state.events import Event
from oe.store.event_log import JsonlLog
from oe.values import JsonObject
from tests.support.descriptors import open_descriptors
from tests.support.experiences import write_experience
from tests.support.program import Program

SPEC = """\
name: several
version: 1.0.0
state: {schema: {n: {type: integer}}}
graph:
  nodes:
    - {id: first, kind: tool, impl: ./tool.py:first, writes: [n], cache: false}
    - {id: second, kind: tool, impl: ./tool.py:second, needs: [first], cache: false}
"""
TOOL = """\
import asyncio
import os

def first(inputs, ctx):
    with open(ctx.folder + "/ran", "a") as file:
        file.write("first\\n")
    return {"n": 1}

async def second(inputs, ctx):
    with open(ctx.folder + "/ran", "a") as file:
        file.write("second\\n")
    for _ in range(60_000):
        if os.path.exists(ctx.folder + "/go"):
            return None
        await asyncio.sleep(0.01)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_experience(tmp_path / "several", SPEC, tool=TOOL)


def when_begun(slot: str, begun: asyncio.Event) -> EventBus:
    bus = EventBus()
    bus.subscribe(lambda event: begun.set() if event["type"] == "node.started" and event["slot"] == slot else None)
    return bus


def test_a_fault_while_a_run_is_taken_apart_leaves_nothing_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that could not be written is rebuilt at the end, from a database that may have gone with it."""
    (folder / "go").touch()
    real = JsonlLog.append

    def on_a_dead_disk(log: JsonlLog, events: Sequence[Event], *, flush: bool) -> int:
        log.broken = True
        return real(log, events, flush=flush)

    def gone(*_: object) -> None:
        raise StoreError("the database has gone")

    asyncio.run(run_experience(folder))  # what a process opens once for all is open from here on
    monkeypatch.setattr(JsonlLog, "append", on_a_dead_disk)
    monkeypatch.setattr(JsonlLog, "repair", gone)
    before, threads = open_descriptors(), set(threading.enumerate())
    with pytest.raises(StoreError, match="has gone"):
        asyncio.run(run_experience(folder))
    assert open_descriptors() <= before
    for thread in set(threading.enumerate()) - threads:
        thread.join(60)
        assert not thread.is_alive()


def test_threads_end_with_their_run(folder: Path) -> None:
    (folder / "go").touch()
    asyncio.run(run_experience(folder))
    before = set(threading.enumerate())
    for _ in range(10):
        asyncio.run(run_experience(folder))
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive(), "each run leaves its threads behind for ever"


def test_a_run_that_goes_on_in_this_process_is_not_taken_over(folder: Path) -> None:
    async def both() -> None:
        begun = asyncio.Event()
        run = asyncio.create_task(run_experience(folder, events=when_begun("second", begun)))
        await begun.wait()
        try:
            with pytest.raises(AlreadyRunningError):
                await asyncio.wait_for(resume_run(load_experience(folder), RunOptions(run_id="latest")), 60)
        finally:
            (folder / "go").touch()
            await asyncio.gather(run, return_exceptions=True)
    asyncio.run(both())
    assert (folder / "ran").read_text().splitlines() == ["first", "second"]


def test_looking_at_a_run_of_this_process_does_not_give_its_lock_away(program: Program, folder: Path) -> None:
    async def run_and_look() -> int:
        begun = asyncio.Event()
        run = asyncio.create_task(run_experience(folder, events=when_begun("second", begun)))
        await begun.wait()
        with Workspace(str(folder / "experience.yaml"), read_only=True) as workspace:
            workspace.status_of(workspace.find_run("latest"))
        try:
            other = await asyncio.to_thread(program.run, "resume", "--timeout", "2s", cwd=folder)
        finally:
            (folder / "go").touch()
            await asyncio.gather(run, return_exceptions=True)
        return other.exit_code
    assert asyncio.run(run_and_look()) == 6


def test_if_running_counts_runs_of_this_process(folder: Path) -> None:
    async def both() -> None:
        begun = asyncio.Event()
        run = asyncio.create_task(run_experience(folder, events=when_begun("second", begun)))
        await begun.wait()
        try:
            with pytest.raises(AlreadyRunningError):
                await asyncio.wait_for(start_run(load_experience(folder), RunOptions(if_running="fail")), 60)
        finally:
            (folder / "go").touch()
            await asyncio.gather(run, return_exceptions=True)
    asyncio.run(both())


def test_a_run_that_succeeded_while_its_lock_was_waited_for_is_not_reopened(folder: Path,
                                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the status and the lock its own process may have brought it to its end."""
    async def scene() -> Any:
        begun = asyncio.Event()
        run = asyncio.create_task(run_experience(folder, events=when_begun("second", begun)))
        await begun.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        (folder / "go").touch()
        experience = load_experience(folder)
        lock = Workspace.lock
        is_first = True

        def lock_late(workspace: Workspace, run_id: str) -> bool:
            nonlocal is_first
            if is_first:
                is_first = False
                thread = threading.Thread(target=lambda: asyncio.run(resume_run(experience, RunOptions(run_id=run_id))))
                thread.start()
                thread.join()
            return lock(workspace, run_id)
        monkeypatch.setattr(Workspace, "lock", lock_late)
        return await resume_run(experience, RunOptions(run_id="latest"))
    assert asyncio.run(scene()).reopened is False


def test_a_subscriber_cannot_change_what_the_next_one_gets(folder: Path) -> None:
    (folder / "go").touch()
    bus = EventBus()
    seen: list[JsonObject] = []
    bus.subscribe(lambda event: event.clear())  # type: ignore[attr-defined]
    bus.subscribe(seen.append)
    asyncio.run(run_experience(folder, events=bus))
    assert all("type" in event for event in seen)


def test_a_subscriber_that_raises_cancelled_error_does_not_hurt_the_run(folder: Path) -> None:
    (folder / "go").touch()
    bus = EventBus()

    def subscriber(event: JsonObject) -> None:
        raise asyncio.CancelledError
    bus.subscribe(subscriber)
    assert asyncio.run(run_experience(folder, events=bus)).status == "success"
