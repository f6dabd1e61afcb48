"""Moments of runs that have something to show: for trees, diagnoses, and the way of a snapshot through JSON."""

from __future__ import annotations

from collections.abc import Callable

from oe.state.events import Event
from oe.state.snapshot import Call, Snapshot, interrupted
from tests.support.snapshots import START, failed, finished, node, nodes, progress, retrying, started, watched

RETRIED = "on_error: {policy: retry, attempts: 3}"
FANNED = "for_each: {source: $.list}"


def review() -> Snapshot:
    """The example of the reference."""
    run = watched(nodes([
        node("fetch_diff"), node("seed_dimensions"), node("bug_review", "needs: [fetch_diff]", FANNED, RETRIED),
        node("summarize"), node("audit_log"), node("score", "needs: [bug_review, summarize]")]))
    run.apply(
        started("fetch_diff"), finished("fetch_diff", 0.243),
        Event("node.cached", 0.3, "seed_dimensions", 1, data={"key": "k", "run": "r-1", "since": "x"}),
        finished("seed_dimensions", 0.3), started("bug_review", 20, None, items=2), started("bug_review[0]", 20),
        finished("bug_review[0]", 21, 0), started("bug_review[1]", 20), retrying("bug_review[1]", 40.62, 1, 500, 1),
        started("summarize", 28.6), progress("summarize", 40, 0.45, "embedding chunks"),
        Event("node.tokens", 40, "summarize", 1, data={"input_tokens": 1000, "output_tokens": 200}),
        started("audit_log", 30), failed("audit_log", 31, "TimeoutError"))
    return run.snapshot(41, deadline_at=53)


def settled() -> Snapshot:
    """Everything that can have ended, in every way."""
    run = watched(nodes([node("ok"), node("items", FANNED), node("skipped", "needs: [ok]", "when: '$args.x'"),
                         node("ended"), node("again", RETRIED)]))
    run.apply(
        started("ok"), finished("ok", 65), started("items", 0, None, items=3),
        *(event for index in range(3) for event in (started(f"items[{index}]"), finished(f"items[{index}]", 1, index))),
        failed("items[2]", 2, "ValueError", 2), finished("items", 3, metrics={"items": 3}),
        Event("node.skipped", 65, "skipped", data={"reason": "when: false is false"}),
        started("ended"), Event("node.cancelled", 9, "ended", 1, data={"reason": "manual"}),
        started("again"), retrying("again", 1, 1, 1000), started("again", 2, 2), finished("again", 3),
        Event("run.finished", 66, data={"status": "partial"}))
    return run.snapshot(66)


def long_fan_out() -> Snapshot:
    """More than anybody wants to read: what goes on, what failed, and numbers for the rest."""
    run = watched(nodes([node("wide", FANNED, RETRIED), node("after", "needs: [wide]")]))
    run.apply(started("wide", 0, None, items=1000))
    for index in range(440):
        run.apply(started(f"wide[{index}]", 1))
        if index < 400:
            run.apply(failed(f"wide[{index}]", 2, "ValueError", index) if index % 100 == 7
                      else finished(f"wide[{index}]", 2, index))
        elif index % 10 == 0:
            run.apply(retrying(f"wide[{index}]", 3, 1, 60_000, index))
    return run.snapshot(4)


def many_units() -> Snapshot:
    """A graph that is longer than a screen."""
    run = watched(nodes([node(f"n{index}") for index in range(300)]))
    for index in range(200):
        run.apply(started(f"n{index}"), failed(f"n{index}", 1, "OSError") if index == 3 else finished(f"n{index}", 1))
    run.apply(started("n200", 1), started("n299", 1))
    return run.snapshot(2, most=100)


def nested() -> Snapshot:
    """Pipelines, loops, processes."""
    run = watched(
        "graph:\n  nodes:\n" + node("fetch") + node("parse", "timeout: 30s") + node("improve")
        + "    - {id: ask, kind: step}\n"
        "  pipelines:\n    - {id: pipe, items: $.list, stages: [fetch, parse]}\n"
        "  loops:\n    - {id: rounds, body: improve, max_iters: 10}\n")
    run.apply(
        started("pipe", 0, None, items=4), started("pipe[0]/fetch", 0), finished("pipe[0]/fetch", 1, 0),
        started("pipe[0]/parse", 1), finished("pipe[0]/parse", 2, 0), started("pipe[1]/fetch", 1),
        finished("pipe[1]/fetch", 2, 1), started("pipe[1]/parse", 2), started("pipe[2]/fetch", 2),
        started("rounds", 0, None), started("rounds[2]/improve", 3), started("ask", 0))
    calls = (Call("ask", "cpu", "claude", START + 1), Call("pipe[1]/parse", "cpu", "jq", START + 4))
    return run.snapshot(5, calls=calls)


def stopping() -> Snapshot:
    """A run that is being stopped and does not end."""
    run = watched(nodes([node("stubborn"), node("report", "join: always", "needs: [stubborn]"), node("idle")]))
    run.apply(started("stubborn", 0))
    return run.snapshot(40, stopping="user", stopping_since=5, abandoned=("stubborn: tools/x.py",))


def quiet() -> Snapshot:
    """Nothing has happened for a minute, and something has a minute left."""
    run = watched(nodes([node("slow", "timeout: 100s"), node("wide", FANNED), node("fine")]))
    run.apply(started("slow", 0), started("wide", 0, None, items=2), started("wide[0]", 1), started("wide[1]", 2),
              started("fine", 0), progress("fine", 29, None, "still there"))
    return run.snapshot(91, deadline_at=90, loop_seen_at=80)


def storm() -> Snapshot:
    """Everything is tried again and again, a clean-up hangs, the budget is nearly spent."""
    run = watched(nodes([node("wide", FANNED, RETRIED)]))
    run.apply(started("wide", 0, None, items=20))
    for index in range(12):
        run.apply(started(f"wide[{index}]", 1), retrying(f"wide[{index}]", 2, 1, 5000, index))
    run.apply(Event("node.activity", 2, "wide[0]", 1, data={
        "activity": "clean-up timed out after 30s", "trouble": "cleanup_timeout"}),
        Event("budget.warning", 2, data={"budget": "tokens", "spent": 900, "limit": 1000}))
    return run.snapshot(3)


def cut_off() -> Snapshot:
    """A run whose process is gone."""
    run = watched(nodes([node("done"), node("wide", FANNED, RETRIED), node("after", "needs: [wide]")]))
    run.apply(started("done"), finished("done", 1), started("wide", 1, None, items=9), started("wide[0]", 1),
              finished("wide[0]", 2, 0), started("wide[1]", 1), started("wide[2]", 2), retrying("wide[2]", 3, 1, 9000, 2),
              Event("run.finished", 4, data={"status": "interrupted"}))
    return interrupted(run.snapshot(4))


def experiences() -> Snapshot:
    """Experiences as nodes and as items: one that ended, one that goes on and holds others."""
    run = watched(nodes([node("before"), node("inner"), node("each", FANNED), node("after", "needs: [inner]")]))
    run.apply(
        started("before"), Event("node.ready", 0, "before/one"), started("before/one"), finished("before/one", 1),
        failed("before/two", 2, "OSError"), finished("before", 2),
        started("inner", 2), Event("node.cached", 2, "inner/seen", 1, data={"key": "k", "run": "r", "since": "x"}),
        finished("inner/seen", 2), Event("node.skipped", 2, "inner/not", data={"reason": "when: false is false"}),
        started("inner/wide", 2, None, items=3), started("inner/wide[0]", 2), finished("inner/wide[0]", 3, 0),
        started("inner/wide[1]", 3), started("inner/wide[2]", 3), retrying("inner/wide[2]", 4, 1, 9000, 2),
        started("inner/deep", 3), started("inner/deep/down", 3), progress("inner/deep/down", 4, 0.5, "half"),
        Event("node.ready", 4, "inner/deep/next"),
        started("each", 2, None, items=3), started("each[0]", 2), started("each[0]/one", 2),
        finished("each[0]/one", 3), finished("each[0]", 3, 0), started("each[1]", 3), started("each[1]/one", 3),
        started("each[1]/two", 3), started("each[2]", 3), started("each[2]/one", 3))
    return run.snapshot(5)


def hostile() -> Snapshot:
    """Names and messages that would steer a terminal."""
    run = watched(nodes([node("a")]))
    run.apply(started("a"), progress("a", 1, 0.5, "\x1b[2J gone\nnext \x9b31m " + "long " * 50))
    return run.snapshot(2)._replace(run_id="r-\x1b]0;title\x07")


CASES: dict[str, Callable[[], Snapshot]] = {
    case.__name__: case
    for case in (review, settled, long_fan_out, many_units, nested, stopping, quiet, storm, cut_off, experiences, hostile)}
