"""The Store in memory, the twin of SqliteStore, for runs that keep nothing. It holds rows, so it gives copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from oe.errors import NotFoundError
from oe.ports.spending import Charged, Cost
from oe.ports.store import (
    CancelRequest,
    Ending,
    HistoryEntry,
    Mark,
    Milestone,
    NewRun,
    Outcome,
    Reopened,
    Run,
    RunExists,
)
from oe.store.publication import (
    Published,
    base_again,
    closing_milestones,
    persistent_values,
    publish_all,
)
from oe.store.rows import Row, decode, decode_object, encode, entry_from, outcome_row
from oe.values import Json, JsonObject


class _Entry:
    """One entry of a journal: a row, or a milestone, and whether it counts."""

    __slots__ = ("counts", "row")

    def __init__(self, row: Row | Milestone) -> None:
        self.row = row
        self.counts = not isinstance(row, Milestone)


class _Request(NamedTuple):
    """A request to cancel; with no run it is forgotten. `answer` is JSON."""

    run_id: str | None
    node: str | None
    answer: str | None = None


class MemoryStore:
    """See `oe.ports.store.Store` for the contract."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._journals: dict[str, list[_Entry]] = {}
        self._workspaces: dict[str, dict[str, str]] = {}
        self._requests: list[_Request] = []
        self._charges: list[tuple[str, Charged]] = []

    def create_run(self, run: NewRun) -> Run:
        if run.run_id in self._runs:
            raise RunExists(run.run_id)
        workspace = self.workspace(run.experience)
        base = dict(run.defaults) | {field: workspace[field] for field in run.persistent if field in workspace}
        self._runs[run.run_id] = Run(
            run.run_id, run.experience, run.name, run.version, "running", None, run.started_at, None, _copy(run.args),
            dict(run.secrets), _copy(base), run.spec, run.owner, 0, {}, None, False, _copy(run.selection),
            persistent_values(run.nested, self.workspace, run.nested_values), _copy(run.models))
        self._journals[run.run_id] = [_Entry(Milestone(1, "run.started", run.started_at, {"args": _copy(run.args)}))]
        return self._runs[run.run_id]

    def reopen_run(self, again: Reopened) -> Run:
        run_id = again.run_id
        run = self._expect(run_id)
        self._runs[run_id] = run._replace(
            status="running", reason=None, finished_at=None, state=None, owner=again.owner, spec=again.spec,
            resumed=run.resumed + 1, base=_copy(base_again(run, again)),
            nested={**persistent_values(again.nested, self.workspace), **run.nested}, models=_copy(again.models))
        self._forget_requests(run_id)
        self._journals[run_id].append(_Entry(Milestone(self._next(run_id), "run.resumed", again.ts, {})))
        return self._runs[run_id]

    def commit(self, run_id: str, outcomes: Sequence[Outcome], superseded: Sequence[int] = ()) -> None:
        self._expect(run_id)
        first = self._next(run_id)
        self._journals[run_id] += [_Entry(outcome_row(number, outcome))
                                   for number, outcome in enumerate(outcomes, start=first)]
        for number in superseded:
            self._journals[run_id][number - 1].counts = False

    def end_run(self, run_id: str, ending: Ending) -> Sequence[Milestone]:
        run = self._expect(run_id)
        publishes = ending.status == "success" and bool(ending.publications) and not run.published
        published: dict[str, Published] = {}
        if publishes:
            published = publish_all(run.experience, ending.publications, self.workspace)
            for experience, found in published.items():
                workspace = self._workspaces.setdefault(experience, {})
                workspace.update({field: encode(value) for field, value in found.values.items()})
        self._runs[run_id] = run._replace(
            status=ending.status, reason=ending.reason, finished_at=ending.finished_at, state=_copy(ending.state),
            totals=_copy(ending.totals), published=run.published or publishes)
        milestones = closing_milestones(self._next(run_id), ending, run.experience, published)
        self._journals[run_id] += map(_Entry, milestones)
        return milestones

    def remove_run(self, run_id: str) -> None:
        self._expect(run_id)
        self._forget_requests(run_id)
        del self._runs[run_id], self._journals[run_id]
        self._charges = [("", charged) if owner == run_id else (owner, charged) for owner, charged in self._charges]

    def find_run(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    def find_runs(self, experience: str | None, *, prefix: str = "", before: str | None = None,
                  limit: int = 50) -> list[Run]:
        runs = list(self._runs.values())
        if before in self._runs:
            runs = runs[:list(self._runs).index(before)]
        return [run for run in reversed(runs)
                if experience in {None, run.experience} and run.run_id.startswith(prefix)][:limit]

    def journal(self, run_id: str) -> Iterator[Outcome]:
        return (entry for entry, counts in self._entries(run_id) if counts and isinstance(entry, Outcome))

    def marks(self, run_id: str) -> Iterator[Mark]:
        self._expect(run_id)
        for number, entry in enumerate(list(self._journals[run_id]), start=1):
            if not isinstance(entry.row, Milestone):
                outcome = cast(Outcome, entry_from(entry.row))
                yield Mark(number, outcome.slot, outcome.attempt, outcome.status, entry.counts)

    def outcome(self, run_id: str, number: int) -> Outcome:
        self._expect(run_id)
        for entry in self._journals[run_id][number - 1:number]:
            if not isinstance(entry.row, Milestone):
                return cast(Outcome, entry_from(entry.row))
        raise NotFoundError(f"run '{run_id}' has no outcome {number}")

    def everything(self, run_id: str) -> Iterator[Outcome | Milestone]:
        return (entry for entry, _ in self._entries(run_id))

    def find_result(self, key: str) -> tuple[str, Outcome] | None:
        for run_id in reversed(self._journals):
            for entry in reversed(self._journals[run_id]):
                if not isinstance(entry.row, Milestone) and entry.row[-1] == key:
                    return run_id, cast(Outcome, entry_from(entry.row))
        return None

    def history(self, run_id: str, field: str | None = None) -> Iterator[HistoryEntry]:
        for entry, _ in self._entries(run_id):
            if isinstance(entry, Outcome):
                for name, delta in entry.writes:
                    if field is None or name == field:
                        yield HistoryEntry(entry.slot, entry.attempt, name, delta, entry.finished_at)

    def charge(self, run_id: str, slot: str, worst: Cost) -> int:
        self._expect(run_id)
        self._charges.append((run_id, Charged(slot, worst.tokens, 0, worst.usd, worst.calls, is_settled=False)))
        return len(self._charges)

    def settle(self, number: int, charged: Charged) -> None:
        run_id, before = self._charges[number - 1]
        self._charges[number - 1] = (run_id, charged._replace(slot=before.slot))

    def charges(self, run_id: str) -> Iterator[Charged]:
        self._expect(run_id)
        return (charged for owner, charged in list(self._charges) if owner == run_id)

    def workspace(self, experience: str) -> JsonObject:
        return {field: decode(value) for field, value in sorted(self._workspaces.get(experience, {}).items())}

    def clear_workspace(self, experience: str, field: str | None = None) -> list[str]:
        workspace = self._workspaces.get(experience, {})
        names = [name for name in sorted(workspace) if field is None or name == field]
        for name in names:
            del workspace[name]
        return names

    def ask_to_cancel(self, run_id: str, node: str | None, ts: float) -> int:
        self._expect(run_id)
        self._requests.append(_Request(run_id, node))
        return len(self._requests)

    def open_requests(self, run_id: str) -> Sequence[CancelRequest]:
        return [CancelRequest(number, request.node) for number, request in enumerate(self._requests, start=1)
                if request.run_id == run_id and request.answer is None]

    def answer_request(self, number: int, answer: JsonObject) -> None:
        self._requests[number - 1] = self._requests[number - 1]._replace(answer=encode(answer))

    def find_answer(self, number: int) -> JsonObject | None:
        answer = self._requests[number - 1].answer
        return None if answer is None else decode_object(answer)

    def close(self) -> None:
        """Nothing is open."""

    def _entries(self, run_id: str) -> Iterator[tuple[Outcome | Milestone, bool]]:
        self._expect(run_id)
        for entry in list(self._journals[run_id]):
            yield entry.row if isinstance(entry.row, Milestone) else entry_from(entry.row), entry.counts

    def _forget_requests(self, run_id: str) -> None:
        """Their numbers are not given again."""
        self._requests = [_Request(None, None) if request.run_id == run_id else request for request in self._requests]

    def _next(self, run_id: str) -> int:
        return len(self._journals[run_id]) + 1

    def _expect(self, run_id: str) -> Run:
        if run_id not in self._runs:
            raise NotFoundError(f"there is no run '{run_id}'", hint="'oe runs' lists them")
        return self._runs[run_id]


def _copy(value: JsonObject) -> dict[str, Json]:
    return dict(decode_object(encode(value)))
