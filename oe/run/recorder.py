"""The one way by which anything becomes true or known: commit to the store, then the log, then subscribers."""

from __future__ import annotations

from asyncio import TimerHandle, get_running_loop
from collections.abc import Iterable, Sequence

from oe.ids import is_within
from oe.ports.committed import committed_events
from oe.ports.event_log import EventLog
from oe.ports.store import Outcome, Store
from oe.run.bus import EventBus
from oe.run.restored import Restored
from oe.state.events import Event, as_object
from oe.state.run_state import RunState

FLUSH_SECONDS = 0.1
"""How long an event that was never committed may wait before the operating system has it."""


class Recorder:
    """Keeps the order of docs/reference/semantics.md. Nothing here awaits: no cancellation can cut a commit in half.

    A new outcome of a slot replaces, in the same transaction, what earlier processes of the run committed for it.

    A slot that consists of others and that an earlier process finished is *held*: that it begins is not told before
    something in it does. Where nothing has to, its earlier outcome is taken over.
    """

    def __init__(self, run_id: str, store: Store, log: EventLog, bus: EventBus, state: RunState,
                 restored: Restored) -> None:
        self._run_id = run_id
        self._store = store
        self._log = log
        self._bus = bus
        self._state = state
        self._restored = restored
        self._superseded: list[int] = list(restored.outdated)
        self._timer: TimerHandle | None = None
        self._held: dict[str, Sequence[Event]] = {}

    def commit(self, outcome: Outcome) -> None:
        """One outcome: a transaction, then its events."""
        self._begin_held(outcome.slot)
        self._commit((outcome,))
        self._publish(committed_events(outcome), flush=True)

    def record(self, entries: Sequence[Outcome | Event]) -> None:
        """Several outcomes in one transaction, then their events and the uncommitted ones among them, in order."""
        if self._held:
            for entry in entries:
                self._begin_held(entry.slot)
        outcomes = [entry for entry in entries if isinstance(entry, Outcome)]
        if outcomes:
            self._commit(outcomes)
        events: list[Event] = []
        for entry in entries:
            events.extend(committed_events(entry) if isinstance(entry, Outcome) else (entry,))
        self.emit(events, flush=bool(outcomes))

    def emit(self, events: Sequence[Event], *, flush: bool = False) -> None:
        """Events that need no commit, or whose commit has been made."""
        if not events:
            return
        if self._held:
            for event in events:
                self._begin_held(event.slot)
        self._publish(events, flush=flush)
        if not flush and self._timer is None:
            self._timer = get_running_loop().call_later(FLUSH_SECONDS, self._flush_late)

    def show(self, event: Event) -> None:
        """An event that is not for the log: it changes the state and reaches subscribers, without a number."""
        self._state.apply(event)
        if self._bus.wants(event.type):
            self._bus.publish(as_object(event, self._run_id, None))

    def supersede(self, numbers: Iterable[int]) -> None:
        """The earlier outcomes of these numbers do not count any more. The store is told with the next commit: until
        then a process that is killed leaves behind what it found."""
        self._superseded.extend(numbers)

    def restore(self, outcomes: Iterable[Outcome]) -> None:
        """Outcomes of an earlier process: they change the state and are not told again."""
        for outcome in outcomes:
            for event in committed_events(outcome):
                if event.type != "node.tokens":  # what a run has spent is known from its charges
                    self._state.apply(event)

    def begin(self, started: Event, *, is_unit: bool, keeps_failures: bool = False) -> None:
        """Tells that a slot which consists of others begins: at once, or with what begins first in it. That a held unit
        was ready is told then too (`is_ready_told`)."""
        slot = str(started.slot)
        if self.is_ready_told(slot, keeps_failures=keeps_failures):
            self.emit((started,))
        else:
            ready = started._replace(type="node.ready", attempt=None, data={})
            self._held[slot] = (ready, started) if is_unit else (started,)

    def is_ready_told(self, slot: str, *, keeps_failures: bool = False) -> bool:
        """Whether a unit that is ready is told to be: not where an earlier process finished it, or it failed and this
        is kept: then it is looked through before anything in it begins."""
        return not (self._restored.has_success(slot) or (keeps_failures and self._restored.find_failure(slot)))

    def take_over(self, outcome: Outcome) -> bool:
        """Takes the outcome of an earlier process for a slot that is held still, and whether it is."""
        if not self.forgo(outcome.slot):
            return False
        self._restored.take(outcome.slot)
        self.restore((outcome,))
        return True

    def forgo(self, slot: str) -> bool:
        """Leaves a slot as an earlier process left it, if it is held still, and whether it was."""
        return self._held.pop(slot, None) is not None

    def finish(self) -> None:
        """Commits what is left to be committed before the run's end is."""
        if self._superseded:
            self._commit(())

    def is_running(self, slot: str) -> bool:
        """Whether a unit or an attempt has begun and not ended."""
        return slot in self._state.active

    def close(self) -> None:
        """Stops the timer and hands over what is buffered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._log.flush()

    def _begin_held(self, slot: str | None) -> None:
        """Tells of the held slots that this one is, or is in: the outer one first, as it was held first."""
        for held in [each for each in self._held if slot is not None and is_within(slot, each)]:
            events = self._held.pop(held)
            self._superseded += self._restored.replace(held)
            self.emit(events)

    def _commit(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._superseded += self._restored.replace(outcome.slot)
        if not self._superseded:
            self._store.commit(self._run_id, outcomes)
            return
        self._store.commit(self._run_id, outcomes, self._superseded)
        self._superseded.clear()

    def _publish(self, events: Sequence[Event], *, flush: bool) -> None:
        for event in events:
            self._state.apply(event)
        first = self._log.append(events, flush=flush)
        for number, event in enumerate(events, first):
            if self._bus.wants(event.type):
                self._bus.publish(as_object(event, self._run_id, number))

    def _flush_late(self) -> None:
        self._timer = None
        self._log.flush()
