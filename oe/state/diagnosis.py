"""What is wrong with a run that goes on, found in its snapshot: each finding says where and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from oe.state.events import Event
from oe.state.snapshot import LIVE, Notable, Scope, Snapshot
from oe.text import clip, format_age, format_duration, plural
from oe.values import Json, JsonObject

Severity: TypeAlias = Literal["warning", "error"]
Code: TypeAlias = Literal[
    "old_pending_task", "scope_cancelling", "pending_child_scope", "cleanup_timeout", "no_progress", "retry_storm",
    "deadline_near", "budget_near", "event_loop_blocked"]

STALE_SECONDS = 30.0
BLOCKED_SECONDS = 1.0
"""The loop takes its turn four times a second; one that has not for this long is held by somebody."""
_STORM = 10
_NEAR_BUDGET = 0.8
_NEAR_SHARE = 0.1
_NEAR_SECONDS = 60.0
_LISTED = 20
_LONGEST = 160

_ORDER: tuple[Code, ...] = (
    "event_loop_blocked", "no_progress", "cleanup_timeout", "scope_cancelling", "deadline_near", "budget_near",
    "retry_storm", "pending_child_scope", "old_pending_task")


class Finding(NamedTuple):
    """One finding. `subject` is a slot, a unit, a budget or the run's id; `action` what a person can do."""

    code: Code
    severity: Severity
    subject: str
    message: str
    action: str

    def as_object(self) -> JsonObject:
        """The finding as it stands in `oe dump --json`."""
        record: dict[str, Json] = {"code": self.code, "severity": self.severity, "subject": self.subject,
                                   "message": self.message, "action": self.action}
        return record


def diagnose(snapshot: Snapshot, *, stale_after: float = STALE_SECONDS, events: Iterable[Event] = ()) -> list[Finding]:
    """What a person should look at, the gravest first; nothing for a healthy run. `stale_after` are the seconds without
    a sign of life that count as too long. `events` are recent events beside those that the snapshot remembers."""
    recent = [*snapshot.recent, *filter(None, map(_notable, events))]
    live = _live(snapshot.root)
    found = [*_of_run(snapshot, live, stale_after), *_of_recent(snapshot, recent, stale_after), *_of_budgets(snapshot),
             *_of_deadlines(snapshot, live), *_of_quiet(snapshot, live, stale_after)]
    return sorted(found, key=lambda finding: _ORDER.index(finding.code))


def _of_run(snapshot: Snapshot, live: list[Scope], stale_after: float) -> Iterator[Finding]:
    now, root = snapshot.taken_at, snapshot.root
    if root.status not in LIVE:
        return
    if snapshot.loop_seen_at is not None and now - snapshot.loop_seen_at > BLOCKED_SECONDS:
        yield Finding("event_loop_blocked", "error", snapshot.run_id,
                      f"the event loop has not run for {format_duration(now - snapshot.loop_seen_at)}: nothing else of "
                      "the run goes on meanwhile",
                      "the stacks that SIGUSR1 prints show what holds it; let an async tool await, or make it sync")
    signs = [part.moved_at for part in live if part.moved_at is not None]
    last = max([snapshot.changed_at or root.started_at or now, *signs])
    if signs and now - last >= stale_after:
        yield Finding("no_progress", "warning", snapshot.run_id, f"nothing has happened for {format_age(now - last)}",
                      "`oe logs` shows what the nodes printed last; `oe cancel` ends the run or a node")
    if root.status == "cancelling":
        since = snapshot.stopping_since or now
        yield Finding("scope_cancelling", "error" if now - since >= stale_after else "warning", snapshot.run_id,
                      f"the run has been stopping ({root.reason}) for {format_age(now - since)}",
                      "wait for what is named in the tree, or stop once more to end at once")
    yield from _near_deadline(root, now, snapshot.run_id, "give the run more time with --timeout when it is resumed")


def _of_recent(snapshot: Snapshot, recent: list[Notable], stale_after: float) -> Iterator[Finding]:
    for each in recent:
        if each.type == "cleanup_timeout":
            yield Finding("cleanup_timeout", "error", each.slot, clip(each.text, _LONGEST) or "a clean-up timed out",
                          "look at what the node defers; runtime.cleanup_timeout bounds it")
    storm = [each for each in recent
             if each.type == "node.retrying" and snapshot.taken_at - each.ts <= stale_after]
    if len(storm) >= _STORM:
        slots = {each.slot for each in storm}
        subject = next(iter(slots)) if len(slots) == 1 else snapshot.run_id
        yield Finding("retry_storm", "warning", subject,
                      f"{len(storm)} retries of {plural(len(slots), 'slot')} within {format_age(stale_after)}; the "
                      f"last because of: {clip(storm[-1].text, _LONGEST)}",
                      "cancel what cannot succeed; fewer attempts, or a longer base_ms in on_error")


def _of_budgets(snapshot: Snapshot) -> Iterator[Finding]:
    for budget in snapshot.budgets:
        if budget.limit > 0 and budget.spent / budget.limit >= _NEAR_BUDGET:
            yield Finding("budget_near", "warning", budget.name,
                          f"{budget.spent / budget.limit:.0%} of {budget.limit:,.12g} are spent",
                          "resume with a larger --budget if the run ends by it")


def _of_deadlines(snapshot: Snapshot, live: list[Scope]) -> Iterator[Finding]:
    """Those that are nearest, or passed the longest ago; what is beyond a bound is only counted."""
    horizon = snapshot.taken_at + _NEAR_SECONDS
    near = [scope for scope in live if scope.deadline_at is not None and scope.deadline_at <= horizon]
    near.sort(key=lambda scope: scope.deadline_at or 0.0)
    for scope in near[:_LISTED]:
        yield from _near_deadline(scope, snapshot.taken_at, scope.name, "raise the node's timeout if it needs more")
    more = len(near) - _LISTED
    if more > 0:
        yield Finding("deadline_near", "warning", f"{more} more", f"{plural(more, 'other')} within a minute of theirs",
                      "see the tree")


def _of_quiet(snapshot: Snapshot, live: list[Scope], stale_after: float) -> Iterator[Finding]:
    """Scopes and tasks without a sign of life, the longest quiet first; what is beyond a bound is only counted."""
    now = snapshot.taken_at
    latest = now - stale_after
    quiet: dict[Code, list[Scope]] = {}
    for scope in live:
        moved_at = scope.moved_at
        if moved_at is not None and moved_at <= latest and scope.level != "call" and scope.status != "retrying":
            code: Code = "old_pending_task" if scope.status == "running" and not scope.parts else _code_of(scope)
            quiet.setdefault(code, []).append(scope)
    for code, scopes in quiet.items():
        scopes.sort(key=lambda scope: scope.moved_at or 0.0)
        yield from (_quiet_finding(code, scope, now) for scope in scopes[:_LISTED])
        if len(scopes) > _LISTED:
            more = len(scopes) - _LISTED
            yield Finding(code, "warning", f"{more} more", f"{plural(more, 'other')} alike", "see the tree")


def _code_of(scope: Scope) -> Code:
    if scope.status == "cancelling":
        return "scope_cancelling"
    return "pending_child_scope" if scope.parts and scope.parts[0].level != "call" else "old_pending_task"


def _quiet_finding(code: Code, scope: Scope, now: float) -> Finding:
    quiet = format_age(now - (scope.moved_at or now))
    if code == "scope_cancelling":
        return Finding(code, "error", scope.name, f"cancelled ({scope.reason}) and still there, quiet for {quiet}",
                       "it does not react: stop the run once more, or kill its process")
    if code == "pending_child_scope":
        return Finding(code, "warning", scope.name, f"open, and nothing in it has moved for {quiet}",
                       "look at its oldest task")
    age = format_age(now - (scope.started_at or now))
    bound = "" if scope.deadline_at is not None else "give it a timeout, or "
    return Finding(code, "warning", scope.name, f"running for {age}, no word for {quiet}",
                   f"`oe logs` shows what it printed; {bound}let it report progress")


def _near_deadline(scope: Scope, now: float, subject: str, action: str) -> Iterator[Finding]:
    if scope.deadline_at is None:
        return
    left = scope.deadline_at - now
    whole = scope.deadline_at - (scope.started_at or now)
    if left <= 0:
        yield Finding("deadline_near", "error", subject, "the deadline has passed", action)
    elif left <= min(_NEAR_SECONDS, whole * _NEAR_SHARE):
        yield Finding("deadline_near", "warning", subject, f"{format_duration(left)} left of {format_age(whole)}",
                      action)


def _live(root: Scope) -> list[Scope]:
    """Everything that goes on below the run, without recursion."""
    found: list[Scope] = []
    layers = [root.parts]
    while layers:
        live = [scope for scope in layers.pop() if scope.status in LIVE]
        found += live
        layers += [scope.parts for scope in live if scope.parts]
    return found


def _notable(event: Event) -> Notable | None:
    if event.type == "node.retrying":
        return Notable(event.type, event.slot or "", event.ts, str(event.data.get("error") or ""))
    if "trouble" in event.data:
        return Notable(str(event.data["trouble"]), event.slot or "", event.ts, str(event.data.get("activity") or ""))
    return None
