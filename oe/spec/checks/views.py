"""A unit sees only what its ancestors wrote: other fields are an error, fields that nobody writes a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from oe.lang.document import Path
from oe.lang.scope import MISSING
from oe.spec.model import Loop
from oe.spec.places import Place, find_sites, node_places
from oe.spec.prompts import file_references
from oe.spec.report import Report
from oe.spec.subject import Subject


class _Look(NamedTuple):
    """One place that looks at one field."""

    field: str
    place: Place
    path: Path
    inside: int | None
    has_default: bool


def check(subject: Subject, report: Report) -> None:
    """`reads` of nodes, and references to the state wherever they stand."""
    if subject.gaps.fields or subject.gaps.writes or not subject.is_graph_known:
        return
    told: set[tuple[str, str]] = set()
    for look in _looks(subject):
        if look.field not in subject.experience.fields or look.place.unit is None:
            continue
        if (look.place.noun, look.field) not in told and _check_look(subject, report, look):
            told.add((look.place.noun, look.field))


def _looks(subject: Subject) -> Iterator[_Look]:
    for node in subject.experience.nodes.values():
        place = node_places(subject, node)[0]
        for name in node.reads:
            yield _Look(name, place, (*node.path, "reads"), None, False)
        kind = subject.kinds.get(node.kind)
        for path, reference in file_references(node, kind.keys, subject.files) if kind is not None else ():
            if reference.root == "state" and reference.segments:
                yield _Look(str(reference.segments[0]), place, (*node.path, *path), 0,
                            reference.default is not MISSING)
    for site in find_sites(subject):
        reference = site.reference
        if reference.root == "state" and reference.segments:
            yield _Look(str(reference.segments[0]), site.place, site.path, reference.offset,
                        reference.default is not MISSING)


def _check_look(subject: Subject, report: Report, look: _Look) -> bool:
    """Whether something was said."""
    unit = look.place.unit
    assert unit is not None
    topology, field = subject.topology, subject.experience.fields[look.field]
    writers = subject.writers.get(look.field, 0)
    itself = 1 << unit
    if writers & (topology.ancestors[unit] | (itself if look.place.after else 0)):
        return False
    has_base = field.default is not MISSING or field.persist
    if writers & itself and _is_written_before(subject, unit, look, has_base=has_base):
        return False
    others = writers & ~itself
    if not others:
        if has_base or look.has_default:
            return False
        _tell_unwritten(subject, report, look, is_own=bool(writers))
        return True
    first = (others & -others).bit_length() - 1
    is_behind = topology.is_ancestor(unit, first)
    if is_behind and has_base:
        return False  # it sees the base, which the later unit then changes
    _tell_unordered(subject, report, look, first, is_behind=is_behind)
    return True


def _is_written_before(subject: Subject, unit: int, look: _Look, *, has_base: bool) -> bool:
    """Whether an earlier stage or body node writes the field, or for loops any node of an earlier iteration."""
    node = look.place.node
    container = subject.units[unit]
    if node is None or node.id == container.id:
        return False
    members = subject.members(container)
    earlier = members[: members.index(node.id)]
    if any(look.field in subject.experience.nodes[name].writes for name in earlier):
        return True
    return isinstance(container, Loop) and has_base


def _tell_unwritten(subject: Subject, report: Report, look: _Look, *, is_own: bool) -> None:
    noun, field = look.place.noun, look.field
    what = "no unit before it writes" if is_own else "no node writes"
    report.warning("unwritten-field", f"{noun} sees '{field}', which {what} and which has no default",
                   _at(subject, look), f"give '{field}' a default, or say persist: true", inside=look.inside)


def _tell_unordered(subject: Subject, report: Report, look: _Look, writer: int, *, is_behind: bool) -> None:
    noun, field, name = look.place.noun, look.field, subject.topology.ids[writer]
    if is_behind:
        report.error("reads-later-write", f"{noun} sees '{field}', which only '{name}' writes, and that runs later",
                     _at(subject, look), f"give '{field}' a default or persist: true, or let '{name}' come first",
                     inside=look.inside)
        return
    target = subject.topology.ids[look.place.unit or 0]
    report.error("reads-unordered-write", f"{noun} sees '{field}', which only '{name}' writes, and that does not come "
                 "before it", _at(subject, look), f"add needs: [{name}] to '{target}'", inside=look.inside)


def _at(subject: Subject, look: _Look) -> Path:
    return look.path if look.inside is not None else subject.item_path(look.path, look.field)

