"""Which state fields are an experience's results: those that nothing in its graph reads on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oe.lang.expression import Expression
from oe.lang.reference import Reference
from oe.spec.model import Experience


def result_fields(experience: Experience) -> list[str]:
    """The fields that no node reads and no condition looks at, in the order of the schema; all, where that is none."""
    read = set(_read_fields(experience))
    results = [name for name in experience.fields if name not in read]
    return results or list(experience.fields)


def _read_fields(experience: Experience) -> Iterator[str]:
    for node in experience.nodes.values():
        yield from node.reads
        yield from _fields(reference for _, reference in node.args.references())
        if node.for_each is not None:
            yield from _fields(reference for _, reference in node.for_each.source.references())
    for pipeline in experience.pipelines.values():
        yield from _fields(reference for _, reference in pipeline.items.references())
    conditions: list[Expression | None] = [edge.when for edge in experience.edges]
    conditions += [unit.when for unit in experience.units.values()]
    conditions += [loop.until for loop in experience.loops.values()]
    for condition in conditions:
        if condition is not None:
            yield from _fields(condition.references())


def _fields(references: Iterable[Reference]) -> Iterator[str]:
    return (str(each.segments[0]) for each in references if each.root == "state" and each.segments)
