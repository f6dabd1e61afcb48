"""Values of the Store port with everything that a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oe.ports.store import Ending, Milestone, NewRun, Outcome, Owner, Publication
from oe.values import Json

OWNER = Owner("host-a", 4711, 99)
EXPERIENCE = "/srv/review/experience.yaml"


def new_run(run_id: str = "r-1", *, experience: str = EXPERIENCE, args: Mapping[str, Json] | None = None,
            defaults: Mapping[str, Json] | None = None, persistent: Sequence[str] = (), spec: str = "{}") -> NewRun:
    return NewRun(run_id, experience, "review", "1.0.0", args or {}, {"token": "digest"}, defaults or {}, persistent,
                  spec, 1000.25, OWNER)


def outcome(slot: str, attempt: int = 1, *writes: tuple[str, Json], **rest: object) -> Outcome:
    made = Outcome(slot, attempt, "success", 1001.5, 1002.125, writes=writes)
    return made._replace(**rest)


def ending(*publications: Publication, status: str = "success", reason: str | None = None) -> Ending:
    return Ending(status, reason, 1010.5, {"total": 3}, {"nodes": 2}, publications)  # type: ignore[arg-type]


def types(entries: Sequence[Outcome | Milestone]) -> list[str]:
    return [entry.type if isinstance(entry, Milestone) else entry.slot for entry in entries]
