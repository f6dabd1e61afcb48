"""How a run's deltas reach the workspace (docs/reference/semantics.md, State). Pure; both stores publish by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from oe.ports.store import Ending, Milestone, Publication, Reopened, Run
from oe.values import Json, JsonObject, equal


class Published(NamedTuple):
    """The new values of the fields that changed, and the set_once fields that hold another value already."""

    values: Mapping[str, Json]
    conflicts: Sequence[str]


def publish_all(own: str, publications: Iterable[Publication],
                workspace: Callable[[str], JsonObject]) -> dict[str, Published]:
    """What a run and the experiences nested in it come to in their workspaces, by experience; `own` is the run's."""
    found: dict[str, list[Publication]] = {}
    for publication in publications:
        found.setdefault(publication.experience or own, []).append(publication)
    return {experience: publish(workspace(experience), deltas) for experience, deltas in found.items()}


def publish(current: JsonObject, publications: Iterable[Publication]) -> Published:
    """Merges deltas, in their order, into the workspace's values. An array_append delta that is no list is one element,
    as in the fold of a run; here the list is copied once, not once a delta."""
    changed: dict[str, Json] = {}
    growing: dict[str, list[Json]] = {}
    conflicts: list[str] = []
    for field, merge, delta, default, _ in publications:
        if merge == "array_append":
            if field not in growing:
                before = current.get(field, default)
                growing[field] = list(before) if isinstance(before, list) else []
                changed[field] = growing[field]
            growing[field].extend(delta if isinstance(delta, list) else [delta])
        elif merge == "last_wins" or (field not in current and field not in changed):
            changed[field] = delta
        elif not equal(changed.get(field, current.get(field)), delta) and field not in conflicts:
            conflicts.append(field)
    return Published(changed, conflicts)


def base_again(run: Run, again: Reopened) -> JsonObject:
    """The state that a resumed run starts from."""
    return {**again.defaults, **{name: value for name, value in run.base.items() if name in again.persistent}}


def persistent_values(nested: Mapping[str, Iterable[str]], workspace: Callable[[str], JsonObject],
                      given: Mapping[str, JsonObject] = MappingProxyType({})) -> dict[str, JsonObject]:
    """What the persistent fields of nested experiences hold, by experience; `given` are values beside those."""
    found: dict[str, JsonObject] = {}
    for experience, fields in nested.items():
        values = workspace(experience)
        found[experience] = {**given.get(experience, {}),
                             **{field: values[field] for field in fields if field in values}}
    return found


def closing_milestones(number: int, ending: Ending, own: str, published: Mapping[str, Published]) -> list[Milestone]:
    """The milestones of an end in their order; the first gets `number`. `published` is by experience, `own` the run's:
    what is nested in it is told by its path from there."""
    folder = own[:own.rfind("/") + 1]
    data: list[tuple[str, JsonObject]] = []
    for experience, found in published.items():
        where: JsonObject = {} if experience == own else {"experience": experience.removeprefix(folder)}
        data += [("state.conflict", {"field": field, **where}) for field in found.conflicts]
        if found.values:
            data.append(("state.published", {"fields": list(found.values), **where}))
    finished = {"status": ending.status} | ({"reason": ending.reason} if ending.reason is not None else {})
    data.append(("run.finished", finished))
    return [Milestone(number + place, kind, ending.finished_at, extra) for place, (kind, extra) in enumerate(data)]
