"""Where in an experience a reference or condition stands, and what can be seen from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from oe.lang.document import Path
from oe.lang.errors import LangError
from oe.lang.expression import Expression
from oe.lang.reference import Reference
from oe.lang.template import ValueTemplate
from oe.spec.model import Loop, Node, Pipeline, Unit
from oe.spec.sources import KindRules
from oe.spec.subject import Subject


class Place(NamedTuple):
    """A place of references. `noun` names it in messages.

    `unit` is the unit whose view counts, `after` whether its own writes are in it; `node` is set where names of its
    `args` and `reads` exist. `inputs` are the units whose outputs `$inputs` holds. `prev` None: there is no `$prev`;
    False: there is a pipeline, but this is its first stage.
    """

    noun: str
    unit: int | None
    after: bool = False
    node: Node | None = None
    inputs: tuple[str, ...] = ()
    item: bool = False
    iteration: bool = False
    prev: bool | None = None


class Site(NamedTuple):
    """One reference in the document: `path` leads to the text that holds it."""

    reference: Reference
    path: Path
    place: Place


def find_sites(subject: Subject) -> Iterator[Site]:
    """Every reference of the experience that the document itself holds."""
    for node in subject.experience.nodes.values():
        yield from node_sites(subject, node)
    for pipeline in subject.experience.pipelines.values():
        place = unit_place(subject, pipeline, "pipeline")
        yield from _in_template(pipeline.items, (*pipeline.path, "items"), place)
        yield from _in_condition(pipeline.when, (*pipeline.path, "when"), place)
    for loop in subject.experience.loops.values():
        place = unit_place(subject, loop, "loop")
        yield from _in_condition(loop.when, (*loop.path, "when"), place)
        yield from _in_condition(loop.until, (*loop.path, "until"), place._replace(after=True, iteration=True))
    for edge in subject.experience.edges:
        if edge.when is not None:
            source = subject.topology.index.get(edge.source)
            inputs = (edge.source, *inputs_of(subject, source))
            place = Place(f"the edge from '{edge.source}' to '{edge.target}'", source, after=True, inputs=inputs)
            yield from _in_condition(edge.when, (*edge.path, "when"), place)


def node_sites(subject: Subject, node: Node) -> Iterator[Site]:
    """Every reference of a node that the document itself holds."""
    kind = subject.kinds.get(node.kind)
    own = _own_references(kind, node) if kind is not None and node.id not in subject.gaps.nodes else []
    if node.when is None and node.for_each is None and node.args.is_constant and not own:
        return
    whole, each = node_places(subject, node)
    yield from _in_condition(node.when, (*node.path, "when"), each if node.id in subject.containers else whole)
    if node.for_each is not None:
        yield from _in_template(node.for_each.source, (*node.for_each.path, "source"), whole)
    yield from _in_template(node.args, (*node.path, "args"), each._replace(node=None))
    for path, reference in own:
        yield Site(reference, (*node.path, *path), each)


def _own_references(kind: KindRules, node: Node) -> list[tuple[Path, Reference]]:
    try:
        return list(kind.references(node))
    except LangError:
        return []  # the kind's own check says what is wrong


def node_places(subject: Subject, node: Node) -> tuple[Place, Place]:
    """What a node sees as a whole, and what one attempt of it sees."""
    unit = subject.unit_of(node)
    container = subject.containers.get(node.id)
    whole = Place(f"node '{node.id}'", unit, node=node, inputs=inputs_of(subject, unit))
    if isinstance(container, Pipeline):
        return whole, whole._replace(item=True, prev=container.stages[0] != node.id)
    if isinstance(container, Loop):
        return whole, whole._replace(iteration=True)
    return whole, whole._replace(item=node.for_each is not None)


def unit_place(subject: Subject, unit: Unit, noun: str) -> Place:
    """What a pipeline or loop sees."""
    number = subject.topology.index.get(unit.id)
    return Place(f"{noun} '{unit.id}'", number, inputs=inputs_of(subject, number))


def inputs_of(subject: Subject, unit: int | None) -> tuple[str, ...]:
    """The direct predecessors of a unit."""
    if unit is None:
        return ()
    topology = subject.topology
    return tuple(topology.ids[source] for source in topology.predecessors(unit))


def _in_template(template: ValueTemplate, path: Path, place: Place) -> Iterator[Site]:
    if not template.is_constant:
        for inner, reference in template.references():
            yield Site(reference, (*path, *inner), place)


def _in_condition(condition: Expression | None, path: Path, place: Place) -> Iterator[Site]:
    if condition is not None:
        for reference in condition.references():
            yield Site(reference, path, place)
