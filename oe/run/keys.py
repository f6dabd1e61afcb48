"""Fingerprints of slots: gathers what an attempt will use and hands it to the pure part (plan/fingerprint)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from oe.digests import Part, part_of
from oe.errors import NodeError, OeError
from oe.lang.reference import Reference, require
from oe.lang.scope import Missing, Scope
from oe.plan.fingerprint import Fingerprint, fingerprint, named_parts, spec_part
from oe.ports.files import Files
from oe.ports.kind import NodeKind
from oe.spec.model import Experience, Node
from oe.values import JsonObject


class _Fixed(NamedTuple):
    """What is the same for every slot of a node in a run."""

    parts: Mapping[str, Part]
    references: tuple[Reference, ...]
    mentions_index: bool


class Keys:
    """Makes fingerprints. What all slots of a node share is digested once: its spec, files, environment; the view and
    the edge inputs once a unit (`shared`)."""

    def __init__(self, experience: Experience, kinds: Mapping[str, NodeKind], files: Files,
                 environment: Mapping[str, str]) -> None:
        self._experience = experience
        self._kinds = kinds
        self._files = files
        self._environment = environment
        self._fixed: dict[str, _Fixed] = {}

    def shared(self, node: Node, scope: Scope, view: JsonObject) -> dict[str, Part]:
        """The parts that all slots of one unit share. Raises NodeError where something it refers to is not there."""
        parts = dict(self._of_node(node).parts)
        parts.update(named_parts("$.", view))
        parts.update(named_parts("$inputs.", scope.inputs))
        return parts

    def of_slot(self, node: Node, shared: Mapping[str, Part], scope: Scope, args: JsonObject) -> Fingerprint:
        """The fingerprint of one slot. Raises NodeError for a reference of the kind's own keys without a value."""
        fixed = self._of_node(node)
        parts = dict(shared)
        parts.update(named_parts("args.", args))
        for reference in fixed.references:
            parts[reference.text] = part_of(require(reference, scope))
        if not isinstance(scope.item, Missing):
            parts["$item"] = part_of(scope.item)
        if fixed.mentions_index and not isinstance(scope.index, Missing):
            parts["$index"] = part_of(scope.index)
        parts.update(self._materials(node, scope))
        return fingerprint(parts)

    def _of_node(self, node: Node) -> _Fixed:
        fixed = self._fixed.get(node.id)
        if fixed is None:
            parts: dict[str, Part] = {"spec": spec_part(node, self._experience)}
            for name in node.env:
                parts[f"env.{name}"] = part_of(self._environment.get(name))
            for pattern in node.inputs:
                parts.update(self._matching(pattern))
            own = tuple(reference for _, reference in self._kinds[node.kind].references(node))
            all_references = [*own, *(reference for _, reference in node.args.references())]
            fixed = self._fixed[node.id] = _Fixed(parts, own, any(each.root == "index" for each in all_references))
        return fixed

    def _matching(self, pattern: str) -> Mapping[str, Part]:
        try:
            return {path: self._files.digest(path) for path in self._files.glob(pattern)}
        except OeError as error:
            raise _unreadable(error) from error

    def _materials(self, node: Node, scope: Scope) -> Mapping[str, Part]:
        try:
            return self._kinds[node.kind].materials(node, scope, self._files)
        except NodeError:
            raise
        except OeError as error:
            raise _unreadable(error) from error


def _unreadable(error: OeError) -> NodeError:
    return NodeError(error.message, name="MissingFile", retryable=False, hint=error.hint, code=error.code)
