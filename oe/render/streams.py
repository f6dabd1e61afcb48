"""What models are saying in a run, from its snapshots: only their ends are known, and from those what is new. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from oe.clock import iso
from oe.render.events import event_line
from oe.state.snapshot import Scope, Snapshot
from oe.text import clip_cells, end_cells, neutralise, width_of


def stream_tails(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Slots to which a model streams, with the end of what has come."""
    waiting = [snapshot.root]
    while waiting:
        scope: Scope = waiting.pop()
        if scope.tail:
            yield scope.name, scope.tail
        waiting.extend(reversed(scope.parts))


def fresh_text(before: str, now: str) -> str:
    """What the later of two ends of one text has more; with `…` before it where something between them is missing."""
    overlap = next((size for size in range(min(len(before), len(now)), 0, -1) if before.endswith(now[:size])), 0)
    return now[overlap:] if overlap or not before else f"…{now}"


def stream_line(slot: str, text: str, taken_at: float) -> str:
    """What was said, as a line among those of events."""
    return event_line({"type": "node.output", "ts": iso(taken_at), "slot": slot, "chunk": text})


def stream_status(slot: str, tail: str, width: int) -> str:
    """`ask says: … the end of it`, for one line that is rewritten."""
    head = neutralise(f"{slot} says: ")
    said = " ".join(neutralise(tail).split())
    return clip_cells(head + end_cells(said, max(10, width - width_of(head))), width)
