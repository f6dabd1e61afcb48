"""The events of a journal's entry: which, in which order, with what; each valid by its own schema."""

from __future__ import annotations

import jsonschema
import pytest

from oe.ports.committed import committed_events, log_of
from oe.ports.store import Failure, Milestone, Outcome, Publication
from oe.state.events import EVENTS, Event, as_object, event_schema
from oe.store.memory_store import MemoryStore
from oe.values import JsonObject
from tests.contract.builders import ending, new_run, outcome

ERROR = Failure("ValueError", "no 'x'")


def _told(entry: Outcome | Milestone) -> list[tuple[str, JsonObject]]:
    return [(event.type, event.data) for event in committed_events(entry)]


def test_a_success_tells_its_writes_and_its_end() -> None:
    assert _told(outcome("a", 1, ("x", 1), ("y", 2), metrics={"calls": 1})) == [
        ("state.write", {"field": "x"}), ("state.write", {"field": "y"}),
        ("node.finished", {"metrics": {"calls": 1}, "duration_ms": 625.0})]


def test_a_bare_success_says_only_how_long_it_took() -> None:
    assert _told(outcome("a")) == [("node.finished", {"duration_ms": 625.0})]


def test_every_event_carries_slot_attempt_index_phase_and_the_time_of_the_end() -> None:
    made = outcome("a[3]", 2, ("x", 1), details={"index": 3, "phase": "p"})
    for event in committed_events(made):
        assert event._replace(type="", data={}) == Event("", 1002.125, "a[3]", 2, 3, "p", {})


def test_a_replayed_result_comes_first_and_says_where_from() -> None:
    cached = {"key": "k", "saved": {"input_tokens": 3}, "run": "r-0"}
    assert [kind for kind, _ in _told(outcome("a", 1, ("x", 1), details={"cached": cached}))] == [
        "node.cached", "state.write", "node.finished"]
    assert _told(outcome("a", details={"cached": cached}))[0] == ("node.cached", cached)


@pytest.mark.parametrize("status", ["success", "failed", "retrying", "cancelled"])
def test_tokens_are_told_however_the_attempt_ended(status: str) -> None:
    tokens = [{"input_tokens": 1, "output_tokens": 2, "model": "m"}, {"input_tokens": 3, "output_tokens": 4}]
    told = _told(outcome("a", status=status, error=ERROR, details={"tokens": tokens, "delay_ms": 1}))
    assert told[:2] == [("node.tokens", tokens[0]), ("node.tokens", tokens[1])]
    assert len(told) == 3


@pytest.mark.parametrize(("made", "expected"), [
    (outcome("a", status="failed", error=ERROR),
     ("node.failed", {"error": "no 'x'", "name": "ValueError", "duration_ms": 625.0})),
    (outcome("a", status="retrying", error=ERROR, details={"delay_ms": 120}),
     ("node.retrying", {"error": "no 'x'", "name": "ValueError", "delay_ms": 120})),
    (outcome("a", 0, status="skipped", reason="when is false"), ("node.skipped", {"reason": "when is false"})),
    (outcome("a", status="cancelled", reason="user"), ("node.cancelled", {"reason": "user"})),
    (outcome("a", error=ERROR, details={"fallback": True}),
     ("node.finished", {"error": "no 'x'", "fallback": True, "duration_ms": 625.0})),
])
def test_each_status_has_its_ending(made: Outcome, expected: tuple[str, JsonObject]) -> None:
    assert _told(made) == [expected]


def test_a_loop_that_reached_its_bound_says_so_before_its_end() -> None:
    for status in ("success", "failed"):
        told = _told(outcome("a", status=status, error=ERROR, details={"exhausted": 5}))
        assert told[0] == ("loop.exhausted", {"iterations": 5})
        assert len(told) == 2


def test_what_never_ran_has_no_attempt() -> None:
    event, = committed_events(outcome("a", 0, status="skipped", reason="when"))
    assert event.attempt is None


def test_a_milestone_is_its_event() -> None:
    assert committed_events(Milestone(4, "run.finished", 9.5, {"status": "success"})) == [
        Event("run.finished", 9.5, data={"status": "success"})]


def test_every_committed_event_is_valid_by_its_schema_and_marked_as_committed() -> None:
    store = MemoryStore()
    store.create_run(new_run(args={"a": 1}))
    details: JsonObject = {"index": 0, "phase": "p", "cached": {"key": "k"}, "exhausted": 2, "fallback": True,
                           "delay_ms": 1.5, "tokens": [{"input_tokens": 1, "output_tokens": 1, "model": "m"}]}
    for status in ("success", "failed", "retrying", "skipped", "cancelled"):
        store.commit("r-1", [outcome("a[0]", 1, ("x", 1), status=status, error=ERROR, reason="r", details=details,
                                     metrics={"m": 1}),
                             outcome("b", 0, status=status)])
    store.end_run("r-1", ending(Publication("f", "set_once", 1), Publication("f", "set_once", 2)))
    seen = set()
    for seq, event in enumerate(log_of(store.everything("r-1")), start=1):
        kind = EVENTS[event.type]
        assert kind.committed
        jsonschema.validate(as_object(event, "r-1", seq), event_schema(kind))
        seen.add(event.type)
    assert seen == {kind.name for kind in EVENTS.values() if kind.committed} - {"run.resumed"}
