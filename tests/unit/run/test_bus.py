"""Subscribers of the event bus: what each gets, and that none disturbs the others."""

from __future__ import annotations

import pytest

from oe.run.bus import EventBus
from oe.values import JsonObject


def test_a_subscriber_gets_the_types_that_it_asked_for() -> None:
    bus, everything, ends = EventBus(), list[object](), list[object]()
    bus.subscribe(lambda event: everything.append(event["type"]))
    bus.subscribe(lambda event: ends.append(event["type"]), {"node.finished", "node.failed"})
    for kind in ("node.started", "node.finished", "node.failed"):
        bus.publish({"type": kind})
    assert (everything, ends) == (["node.started", "node.finished", "node.failed"], ["node.finished", "node.failed"])


def test_an_event_that_nobody_asked_for_is_not_wanted() -> None:
    bus = EventBus()
    assert not bus.wants("node.started")
    end = bus.subscribe(lambda event: None, {"node.finished"})
    assert bus.wants("node.finished") and not bus.wants("node.started")
    everything = bus.subscribe(lambda event: None)
    assert bus.wants("node.started")
    everything()
    end()
    assert not bus.wants("node.finished")


def test_a_subscriber_that_raises_hurts_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    bus, got = EventBus(), list[JsonObject]()

    def broken(event: JsonObject) -> None:
        event.clear()  # type: ignore[attr-defined]
        raise ValueError("no disk left")

    bus.subscribe(broken)
    bus.subscribe(got.append)
    bus.publish({"type": "a"})
    bus.publish({"type": "b"})
    assert got == [{"type": "a"}, {"type": "b"}]
    assert list(bus.failures.values()) == [2]
    assert capsys.readouterr().err.count("no disk left") == 1
