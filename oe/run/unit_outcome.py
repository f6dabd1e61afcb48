"""The outcome of a unit that consists of many slots: begun, cancelled, settled — the same for every such form."""

from __future__ import annotations

from oe.ports.store import Failure, Outcome
from oe.run.attempt import End, Result
from oe.run.units import Tools
from oe.spec.model import Unit
from oe.state.events import Event
from oe.state.status import OutcomeStatus
from oe.values import Json, JsonObject


class UnitOutcome:
    """One unit's own row in the journal, beside those of its slots. Made when the unit begins."""

    def __init__(self, tools: Tools, unit: Unit, items: int | None = None) -> None:
        self._tools = tools
        self._unit = unit
        self._slot = tools.slot_of(unit.id)
        self._number = tools.restored.tried(self._slot) + 1
        self._started = tools.clock.now()
        self._before = tools.restored.find_success(self._slot)
        self._failed_before = tools.restored.find_failure(self._slot) if tools.keeps_failures else None
        data: JsonObject = {} if items is None else {"items": items}
        started = Event("node.started", self._started, self._slot, None, None, unit.phase, data)
        tools.recorder.begin(started, is_unit=True, keeps_failures=tools.keeps_failures)

    def cancel(self) -> Result:
        """The unit was ended from outside. Where nothing in it had begun, a resumed run looks through it again."""
        if not self._tools.recorder.forgo(self._slot):
            self._commit("cancelled", reason=self._tools.attempts.cancel_reason(self._slot))
        return Result(End.CANCELLED)

    def fail(self, failure: Failure, metrics: JsonObject, *, fails_run: bool) -> Result:
        """The unit failed. Where nothing in it is new, an earlier failure that is kept stands."""
        before = self._failed_before
        if before is None or before.error != failure or not self._tools.recorder.take_over(before):
            self._commit("failed", metrics=metrics, error=failure)
        return Result(End.FAIL_RUN if fails_run else End.FAILED, error=failure.message)

    def succeed(self, metrics: JsonObject, output: Json, details: JsonObject) -> Result:
        """The unit finished; `output` goes along its edges and is not kept again: its slots' outcomes hold it. Where
        none of these is new, and the unit had finished so before, that outcome stands."""
        before = self._before
        if before is None or not _is_same(before, metrics, details) or not self._tools.recorder.take_over(before):
            self._commit("success", metrics=metrics, details=details)
        return Result(End.SUCCESS, (), output)

    def _commit(self, status: OutcomeStatus, *, metrics: JsonObject | None = None, error: Failure | None = None,
                reason: str | None = None, details: JsonObject | None = None) -> None:
        phase: JsonObject = {} if self._unit.phase is None else {"phase": self._unit.phase}
        self._tools.recorder.commit(Outcome(
            self._slot, self._number, status, self._started, self._tools.clock.now(), metrics=metrics or {},
            error=error, reason=reason, details={**phase, **(details or {})}))


def _is_same(before: Outcome, metrics: JsonObject, details: JsonObject) -> bool:
    """Whether the outcome is that of a unit of many slots (one slot alone would have a key) which went as this one."""
    return (before.key is None and not before.writes and before.metrics == metrics
            and {**before.details, **details} == before.details and ("exhausted" in before.details) == bool(details))
