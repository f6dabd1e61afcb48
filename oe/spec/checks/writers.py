"""Two units in free order that write one field: a warning for `last_wins`, an error for `set_once`."""

from __future__ import annotations

from collections.abc import Iterator

from oe.lang.document import Path
from oe.spec.branches import Branches
from oe.spec.model import Loop, Node, Pipeline
from oe.spec.report import Report
from oe.spec.subject import Subject

_MOST_COMPARED = 64


def check(subject: Subject, report: Report) -> None:
    """Fields with several writers; `set_once` written again and again by one."""
    for node in subject.experience.nodes.values():
        for name in node.writes:
            field = subject.experience.fields.get(name)
            if field is not None and field.merge == "set_once":
                _check_once(subject, report, node, name)
    if not subject.is_graph_known:
        return
    branches = Branches(subject)
    for name, field in subject.experience.fields.items():
        if field.merge != "array_append":
            pair = _free_pair(subject, branches, subject.writers.get(name, 0))
            if pair is not None:
                _tell(subject, report, name, pair, is_error=field.merge == "set_once")


def _check_once(subject: Subject, report: Report, node: Node, field: str) -> None:
    container = subject.containers.get(node.id)
    if node.for_each is not None:
        place = "has a for_each"
    elif isinstance(container, Pipeline):
        place = f"is a stage of pipeline '{container.id}'"
    elif isinstance(container, Loop):
        place = f"is in the body of loop '{container.id}'"
    else:
        return
    report.error("set-once-repeated", f"'{field}' is set_once, but node '{node.id}' {place} and writes it again and "
                 "again", subject.item_path((*node.path, "writes"), field), "use merge: array_append or last_wins")


def _free_pair(subject: Subject, branches: Branches, writers: int) -> tuple[int, int] | None:
    """The first two writers, in the order of the graph, that neither order nor conditions keep apart."""
    if not writers & (writers - 1):
        return None
    topology = subject.topology
    earlier = 0
    for unit in topology.order:
        if not writers >> unit & 1:
            continue
        for rival in _bits(earlier & ~topology.ancestors[unit]):
            if not branches.exclude(rival, unit):
                return rival, unit
        earlier |= 1 << unit
    return None


def _bits(mask: int) -> Iterator[int]:
    """The lowest set bits of a mask, no more than are worth comparing."""
    for _ in range(_MOST_COMPARED):
        if not mask:
            return
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _tell(subject: Subject, report: Report, field: str, pair: tuple[int, int], *, is_error: bool) -> None:
    first, second = (subject.topology.ids[unit] for unit in pair)
    path = _writes_path(subject, pair[1], field)
    if is_error:
        report.error("set-once-race", f"'{field}' is set_once, but '{first}' and '{second}' both write it in free "
                     "order", path, f"order them (needs: [{first}]), or put them behind conditions that exclude "
                     "each other")
    else:
        report.warning("write-race", f"'{first}' and '{second}' both write '{field}' in free order; '{second}' wins",
                       path, f"order them (needs: [{first}]), or use merge: array_append")


def _writes_path(subject: Subject, unit: int, field: str) -> Path:
    nodes = (subject.experience.nodes[name] for name in subject.members(subject.units[unit]))
    writer = next(node for node in nodes if field in node.writes)
    return subject.item_path((*writer.path, "writes"), field)
