"""Fingerprints of slots: gathers what an attempt will use and hands it to the pure part (plan/fingerprint)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from oe.digests import Part, part_of, part_of_text
from oe.errors import NodeError, OeError
from oe.lang.reference import Reference, require
from oe.lang.scope import Missing, Scope
from oe.plan.fingerprint import FILE, SECRET, Fingerprint, fingerprint, spec_part
from oe.ports.files import Files
from oe.ports.kind import NodeKind
from oe.redact import Redactor
from oe.spec.model import Experience, Node
from oe.spec.prompts import file_references
from oe.values import Json, JsonObject, canonical


class _Fixed(NamedTuple):
    """What is the same for every slot of a node in a run."""

    parts: Mapping[str, Part]
    references: tuple[Reference, ...]
    mentions_index: bool


class Keys:
    """Makes fingerprints. What all slots of a node share is digested once: its spec, files, environment; the view and
    the edge inputs once a unit (`shared`)."""

    def __init__(self, experience: Experience, kinds: Mapping[str, NodeKind], files: Files,
                 environment: Mapping[str, str], redactor: Redactor) -> None:
        self._experience = experience
        self._kinds = kinds
        self._files = files
        self._environment = environment
        self._redactor = redactor
        self._fixed: dict[str, _Fixed] = {}

    def shared(self, node: Node, scope: Scope, view: JsonObject) -> dict[str, Part]:
        """The parts that all slots of one unit share. Raises NodeError where something it refers to is not there."""
        parts = dict(self._of_node(node).parts)
        for pattern in node.inputs:
            parts.update(self._matching(pattern))
        parts.update(self._named("$.", view))
        parts.update(self._named("$inputs.", scope.inputs))
        return parts

    def of_slot(self, node: Node, shared: Mapping[str, Part], scope: Scope, args: JsonObject) -> Fingerprint:
        """The fingerprint of one slot. Raises NodeError for a reference of the kind's own keys without a value."""
        fixed = self._of_node(node)
        parts = dict(shared)
        parts.update(self._named("args.", args))
        for reference in fixed.references:
            parts[reference.text] = self._part(require(reference, scope))
        if not isinstance(scope.item, Missing):
            parts["$item"] = self._part(scope.item)
        if fixed.mentions_index and not isinstance(scope.index, Missing):
            parts["$index"] = self._part(scope.index)
        parts.update(self._materials(node, scope))
        return fingerprint(parts)

    def _of_node(self, node: Node) -> _Fixed:
        fixed = self._fixed.get(node.id)
        if fixed is None:
            kind = self._kinds[node.kind]
            ignored = [key.name for key in kind.keys if not key.affects_output]
            parts: dict[str, Part] = {"spec": spec_part(node, self._experience, ignored)}
            for name in node.env:
                parts[f"env.{name}"] = self._part(self._environment.get(name))._replace(text=None)
            found = [*kind.references(node), *file_references(node, kind.keys, self._files)]
            own = tuple(reference for _, reference in found)
            all_references = [*own, *(reference for _, reference in node.args.references())]
            mentions_index = any(each.root == "index" for each in all_references)
            fixed = _Fixed(parts, own, mentions_index or self._uses_index(kind, node))
            self._fixed[node.id] = fixed
        return fixed

    def _uses_index(self, kind: NodeKind, node: Node) -> bool:
        try:
            return kind.uses_index(node, self._files)
        except OeError as error:
            raise _unreadable(error) from error

    def _named(self, prefix: str, values: Mapping[str, Json]) -> Iterator[tuple[str, Part]]:
        """One part a name: `args.who`, `$.diff`."""
        return ((f"{prefix}{name}", self._part(value)) for name, value in values.items())

    def _part(self, value: Json) -> Part:
        try:
            if not self._redactor:
                return part_of(value)
            text = canonical(value)
        except (ValueError, RecursionError) as error:
            raise NodeError("a value that the node depends on is no JSON: a number is not finite, or it is nested too "
                            "deeply", name="ValueError", retryable=False, code="not-json") from error
        return SECRET if self._redactor.finds(text) else part_of_text(text)

    def _matching(self, pattern: str) -> Mapping[str, Part]:
        try:
            found = self._files.glob(pattern)
            return {FILE + path: self._unless_secret(self._files.digest(path)) for path in found}
        except OeError as error:
            raise _unreadable(error) from error

    def _materials(self, node: Node, scope: Scope) -> Mapping[str, Part]:
        try:
            found = self._kinds[node.kind].materials(node, scope, self._files)
        except NodeError:
            raise
        except OeError as error:
            raise _unreadable(error) from error
        return {FILE + name: self._unless_secret(part) for name, part in found.items()}

    def _unless_secret(self, part: Part) -> Part:
        """The part that a file is, if it does not hold a secret as far as its text is kept."""
        return SECRET if part.text is not None and self._redactor.finds(part.text) else part


def _unreadable(error: OeError) -> NodeError:
    return NodeError(error.message, name="MissingFile", retryable=False, hint=error.hint, code=error.code)
