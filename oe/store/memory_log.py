"""The event log in memory: the twin of the JSONL file, for runs that keep nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from oe.redact import Redactor
from oe.state.events import Event
from oe.store.event_lines import encode_event
from oe.store.log_repair import Comparison
from oe.values import Json, compact


class MemoryLog:
    """See `oe.ports.event_log.EventLog` for the contract; `lines` are the log."""

    def __init__(self, run_id: str, *, redactor: Redactor | None = None) -> None:
        self._run_id = run_id
        self._redactor = redactor if redactor is not None else Redactor()
        self.lines: list[str] = []
        self.broken = False

    def append(self, events: Sequence[Event], *, flush: bool) -> int:
        first = len(self.lines) + 1
        self.lines += [encode_event(event, self._run_id, seq, self._redactor)
                       for seq, event in enumerate(events, start=first)]
        return first

    def flush(self) -> None:
        """Nothing is buffered."""

    def repair(self, committed: Iterable[Event]) -> int:
        comparison = Comparison(committed)
        for seq, line in enumerate(self.lines, start=1):
            comparison.saw(json.loads(line), seq, seq)
        missing = list(comparison.missing())
        doomed = {seq for seq, _ in comparison.unknown()}
        kept: list[dict[str, Json]] = [json.loads(line) for seq, line in enumerate(self.lines, start=1)
                                       if seq not in doomed]
        self.lines = [compact(record | {"seq": seq}) + "\n" for seq, record in enumerate(kept, start=1)]
        self.append(missing, flush=True)
        return len(missing)

    def close(self) -> None:
        """Nothing is open."""
