"""What a report gathers from a journal: aggregated where there is much of it, with the time between two parts left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from oe.app.experiences import load_experience
from oe.app.reporting import MOST_UNITS, read_report, run_page
from oe.app.workspace import Workspace
from oe.clock import iso
from oe.ports.store import Ending, Failure, NewRun, Outcome, Owner, Reopened
from oe.render.report_value import Report
from oe.values import Json, compact

START = 1_000_000.0
OWNER = Owner("host", 1, 1)


class Recorded:
    """A run whose journal a test writes by itself; times are seconds from its start."""

    def __init__(self, folder: Path, graph: Json, **more: Json) -> None:
        spec: Json = {"name": "made", "version": "1.0.0", "graph": graph, **more}
        (folder / "experience.json").write_text(compact(spec), encoding="utf-8")
        self.workspace = Workspace(str(folder / "experience.json"), str(folder / "data"))
        load_experience(folder)
        self.workspace.store.create_run(NewRun("r-1", self.workspace.key, "made", "1.0.0", {}, {}, {}, (), compact(spec), START, OWNER))
        self._last = START

    def commit(self, *outcomes: Outcome, superseded: Sequence[int] = ()) -> None:
        self.workspace.store.commit("r-1", [each._replace(started_at=START + each.started_at, finished_at=START + each.finished_at)
                                            for each in outcomes], superseded)

    def report(self, end: float, state: dict[str, Json] | None = None) -> Report:
        self.workspace.store.end_run("r-1", Ending("success", None, START + end, state or {}, {}))
        return read_report(self.workspace, self.workspace.find_run("r-1"), "0", str)

    def page(self) -> str:
        return run_page(self.workspace, self.workspace.find_run("r-1"), "0", {})


def node(node_id: str, **more: Json) -> Json:
    return {"id": node_id, "kind": "tool", "command": ["x"], **more}


def outcome(slot: str, start: float, end: float, status: str = "success", attempt: int = 1, **more: object) -> Outcome:
    return Outcome(slot, attempt, status, start, end)._replace(**more)  # type: ignore[arg-type]


def test_the_critical_path_leads_back_over_what_was_waited_for(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, {"nodes": [node("a"), node("b"), node("c", needs=["a", "b"]), node("d", needs=["a"])]})
    recorded.commit(outcome("a", 0, 1), outcome("b", 0, 2), outcome("c", 2.5, 4), outcome("d", 1, 2))
    report = recorded.report(4)
    assert report.critical is not None
    assert (report.critical.units, report.critical.seconds, report.critical.waiting) == (["b", "c"], 4.0, 0.5)
    assert [unit.id for unit in report.units if unit.is_critical] == ["b", "c"]


def test_what_had_begun_when_the_process_ended_is_interrupted(tmp_path: Path) -> None:
    again: Json = {"policy": "retry", "attempts": 3}
    recorded = Recorded(tmp_path, {"nodes": [node("a"), node("b", on_error=again), node("c", needs=["a"]), node("d", needs=["c"])]})
    recorded.commit(outcome("a", 0, 1), outcome("b", 0, 1, "retrying"))
    lines = [compact({"type": kind, "run_id": "r-1", "ts": iso(START + seconds), "seq": seq, "slot": "c", "attempt": 1})
             for seq, (kind, seconds) in enumerate([("node.started", 1), ("node.progress", 9), ("log.repaired", 99)], 1)]
    log = Path(recorded.workspace.folder.event_log("r-1"))
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    report = read_report(recorded.workspace, recorded.workspace.find_run("r-1"), "0", str)
    assert dict(report.statuses) == {"a": "success", "b": "interrupted", "c": "interrupted", "d": "pending"}
    assert (report.head.status, report.head.seconds, report.critical) == ("interrupted", 9.0, None)
    assert [(unit.start, unit.end) for unit in report.units] == [(0.0, 1.0), (0.0, None), (1.0, None), (None, None)]
    assert [(bar.start, bar.end, bar.status) for bar in report.units[2].bars] == [(1.0, 9.0, "interrupted")]


def test_the_time_between_a_stop_and_a_resumption_is_left_out(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, {"nodes": [node("a"), node("b", needs=["a"])]})
    recorded.commit(outcome("a", 1, 3), outcome("b", 3, 4, "cancelled", reason="user"))
    recorded.workspace.store.end_run("r-1", Ending("cancelled", None, START + 5, {}, {}))
    recorded.workspace.store.reopen_run(
        Reopened("r-1", OWNER, START + 1000, recorded.workspace.find_run("r-1").spec))
    earlier = [mark.number for mark in recorded.workspace.store.marks("r-1") if mark.slot == "b"]
    recorded.commit(outcome("b", 1001, 1003, attempt=2), superseded=earlier)
    report = recorded.report(1004)
    assert (report.head.seconds, report.head.parts, list(report.breaks)) == (9.0, 2, [5.0])
    by_id = {unit.id: unit for unit in report.units}
    assert (by_id["b"].start, by_id["b"].end, by_id["b"].status, by_id["b"].attempts) == (6.0, 8.0, "success", 2)
    assert [(bar.start, bar.end, bar.status) for bar in by_id["b"].bars] == [(6.0, 8.0, "success"), (3.0, 4.0, "cancelled")]
    assert [(each.slot, each.status, each.note) for each in report.attempts] == [
        ("a", "success", None), ("b", "cancelled", "user"), ("b", "success", None)]


def test_tokens_and_money_are_summed_by_node_and_by_model(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, {"nodes": [node("a"), node("b")]})
    call: Json = {"input_tokens": 100, "output_tokens": 10, "model": "m1", "cost_usd": 0.5}
    recorded.commit(outcome("a", 0, 1, "retrying", details={"tokens": [call], "delay_ms": 1500}, error=Failure("Busy", "Busy: later")),
                    outcome("a", 3, 4, attempt=2, details={"tokens": [call, {"input_tokens": 7, "output_tokens": 3}]}),
                    outcome("b", 0, 0, details={"cached": {"key": "k", "run": "r-0", "saved": {"input_tokens": 5, "output_tokens": 6}}}))
    report = recorded.report(4)
    a, b = report.units
    assert report.head.totals == {"tokens_in": 207, "tokens_out": 23, "tokens_saved": 11, "cost_usd": 1.0,
                                  "unpriced_calls": 1}
    assert (a.tokens_in, a.tokens_out, a.cost_usd, a.attempts) == (207, 23, 1.0, 2)
    assert (b.status, b.tokens_saved, b.attempts) == ("cached", 11, 0)
    assert [(model.name, model.calls, model.tokens_in, model.cost_usd, model.unpriced_calls) for model in report.models] == [
        ("m1", 2, 200, 1.0, 0), ("unnamed model", 1, 7, 0.0, 1)]
    assert [(each.slot, each.error, each.note) for each in report.attempts] == [
        ("a", "Busy: later", "tried again after 1.5s"), ("b", None, "from r-0"), ("a", None, None)]


def test_writes_are_shown_in_the_order_of_the_fold_with_what_they_changed(tmp_path: Path) -> None:
    fields: Json = {"schema": {"last": {"type": "integer", "default": 0}, "once": {"type": "string", "merge": "set_once"},
                               "log": {"type": "array", "merge": "array_append"}, "unused": {"type": "string"}}}
    recorded = Recorded(tmp_path, {"nodes": [node("a", writes=["last", "once", "log"]), node("b", needs=["a"], writes=["last", "log"])]},
                        state=fields)
    recorded.commit(outcome("b", 2, 3, writes=(("last", 2), ("log", ["y", "z"]))))
    recorded.commit(outcome("a", 0, 1, writes=(("last", 1), ("once", "x"), ("log", "w"))))
    report = recorded.report(3, {"last": 2, "once": "x", "log": ["w", "y", "z"]})
    shown = {field.name: [(write.slot, "".join(line.sign + line.text for line in write.lines)) for write in field.writes]
             for field in report.fields}
    assert shown == {"last": [("a", "+1"), ("b", "-1+2")], "once": [("a", "+x")], "log": [("a", "+w"), ("b", "+y+z")]}


@pytest.fixture
def items(tmp_path: Path) -> Recorded:
    """A fan-out of very many items, of which every hundredth failed."""
    fan_out = node("work", for_each={"source": "$args.list"}, writes=["log"])
    recorded = Recorded(tmp_path, {"nodes": [fan_out]}, args={"list": {"type": "array"}},
                        state={"schema": {"log": {"type": "array", "merge": "array_append"}}})
    failure = Failure("ValueError", "ValueError: " + "no " * 1000)
    for first in range(0, 100_000, 10_000):
        recorded.commit(*(outcome(f"work[{index}]", index / 1000, index / 1000 + 0.05, error=failure if index % 100 == 7 else None,
                                  status="failed" if index % 100 == 7 else "success", writes=(("log", ["x" * 50]),))
                          for index in range(first, first + 10_000)))
    recorded.commit(outcome("work", 0, 100.05, "failed", error=Failure("ItemsFailed", "1000 of 100000 items failed")))
    return recorded


def test_a_hundred_thousand_items_are_aggregated(items: Recorded) -> None:
    report = items.report(101, {"log": ["x" * 50] * 99_000})
    unit = report.units[0]
    assert (unit.status, unit.items, unit.items_failed, unit.attempts) == ("failed", 100_000, 1000, 100_000)
    assert [(round(bar.start), round(bar.end), bar.status, bar.is_narrow) for bar in unit.bars] == [
        (0, 100, "success", False), (0, 100, "failed", True)]
    assert (len(report.attempts), report.attempts_left_out, report.faults) == (250, 99_750, 1000)
    assert (len(report.fields[0].writes), report.fields[0].writes_left_out) == (20, 98_980)
    assert len(items.page()) < 2_000_000


def test_ten_thousand_nodes_are_a_page_that_opens(tmp_path: Path) -> None:
    count = 10_000
    name = "n" * 100
    fields: Json = {f"f{index}": {"type": "string"} for index in range(count)}
    recorded = Recorded(tmp_path, {"nodes": [
        node(f"{name}{index}", writes=[f"f{index}"], needs=[f"{name}{index - 1}"] if index else []) for index in range(count)]},
        state={"schema": fields})
    long = "line of text\n" * 1000
    recorded.commit(*(outcome(f"{name}{index}", index, index + 1, writes=((f"f{index}", long),)) for index in range(count - 1)))
    recorded.commit(outcome(f"{name}{count - 1}", count - 1, count, "failed", error=Failure("E", "x" * 100_000)))
    report = recorded.report(count, {f"f{index}": long for index in range(count)})
    assert (len(report.units), report.units_left_out) == (MOST_UNITS, count - MOST_UNITS)
    assert report.units[-1].status == "failed"
    assert report.fields_left_out > 0
    page = recorded.page()
    assert len(page) < 3_000_000
    assert "9,700 of 10,000 units are left out" in page
