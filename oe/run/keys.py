"""Fingerprints of slots: gathers what an attempt will use and hands it to the pure part (plan/fingerprint)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from oe.digests import Part, part_of, part_of_text
from oe.errors import NodeError, OeError
from oe.lang.reference import Reference, require, resolve
from oe.lang.scope import MISSING, Missing, Scope
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
    is_replayed: bool
    """Whether its answers come from a recording, which holds those of each slot: equal questions were answered one by
    one, and each in its own way."""


class Keys:
    """Makes fingerprints. What all slots of a node share is digested once: its spec, files, environment; the view and
    the edge inputs once a unit (`shared`)."""

    def __init__(self, experience: Experience, kinds: Mapping[str, NodeKind], files: Files,
                 environment: Mapping[str, str], redactor: Redactor,
                 model_of: Callable[[Node], JsonObject | None]) -> None:
        self._experience = experience
        self._kinds = kinds
        self._files = files
        self._environment = environment
        self._redactor = redactor
        self._model_of = model_of
        self._fixed: dict[str, _Fixed] = {}
        self._depends_on_index: dict[str, bool] = {}
        self._named_materials: dict[str, tuple[Mapping[str, Part], Mapping[str, Part]]] = {}

    def shared(self, node: Node, scope: Scope, view: JsonObject) -> dict[str, Part]:
        """The parts that all slots of one unit share. Raises NodeError where something it refers to is not there."""
        parts = dict(self._of_node(node).parts)
        if node.inputs:
            parts.update(self._matching(node))
        for name, value in view.items():
            parts[f"$.{name}"] = self._part(value)
        for name, value in scope.inputs.items():
            parts[f"$inputs.{name}"] = self._part(value)
        return parts

    def of_slot(self, node: Node, slot: str, shared: Mapping[str, Part], scope: Scope,
                args: JsonObject) -> Fingerprint:
        """The fingerprint of one slot. Raises NodeError for a reference of the kind's own keys without a value."""
        fixed = self._of_node(node)
        parts = dict(shared)
        if fixed.is_replayed:
            parts["$slot"] = self._part(slot)
        for name, value in args.items():
            parts[f"args.{name}"] = self._part(value)
        for reference in fixed.references:
            parts[_name(reference)] = self._part(_looked_up(reference, scope))
        if not isinstance(scope.item, Missing):
            parts["$item"] = self._part(scope.item)
        if not isinstance(scope.index, Missing) and self._has_index(node, fixed):
            parts["$index"] = self._part(scope.index)
        parts.update(self._materials(node, scope))
        return fingerprint(parts)

    def still_hold(self, node: Node, scope: Scope, found: Fingerprint) -> bool:
        """Whether the files that the node depends on are what they were when its fingerprint was made."""
        try:
            now = self._materials(node, scope)
            if node.inputs:
                now = {**self._matching(node), **now}
        except NodeError:
            return False
        return now == {name: part for name, part in found.parts.items() if name.startswith(FILE)}

    def _of_node(self, node: Node) -> _Fixed:
        fixed = self._fixed.get(node.id)
        if fixed is None:
            kind = self._kinds[node.kind]
            ignored = [key.name for key in kind.keys if not key.affects_output]
            parts: dict[str, Part] = {"spec": spec_part(node, self._experience, ignored)}
            model = self._model_of(node)
            if model is not None:
                parts["model"] = self._part(model)
            for name in node.env:
                parts[f"env.{name}"] = self._part(self._environment.get(name))._replace(text=None)
            found = [*kind.references(node), *file_references(node, kind.keys, self._files)]
            own = tuple(reference for _, reference in found)
            fixed = self._fixed[node.id] = _Fixed(parts, own, model is not None and "recording" in model)
        return fixed

    def _has_index(self, node: Node, fixed: _Fixed) -> bool:
        """Whether an item's place in the list is part of its key: the node mentions it, or its code can see it."""
        known = self._depends_on_index.get(node.id)
        if known is None:
            references = (*fixed.references, *(reference for _, reference in node.args.references()))
            try:
                known = (any(each.root == "index" for each in references)
                         or self._kinds[node.kind].uses_index(node, self._files))
            except OeError as error:
                raise _unreadable(error) from error
            self._depends_on_index[node.id] = known
        return known

    def _part(self, value: Json) -> Part:
        try:
            if not self._redactor:
                return part_of(value)
            text = canonical(value)
        except (ValueError, RecursionError) as error:
            raise NodeError("a value that the node depends on is no JSON: a number is not finite, or it is nested too "
                            "deeply", name="ValueError", retryable=False, code="not-json") from error
        return SECRET if self._redactor.finds(text) else part_of_text(text)

    def _matching(self, node: Node) -> Mapping[str, Part]:
        try:
            return {FILE + path: self._unless_secret(self._files.digest(path))
                    for pattern in node.inputs for path in self._files.glob(pattern)}
        except OeError as error:
            raise _unreadable(error) from error

    def _materials(self, node: Node, scope: Scope) -> Mapping[str, Part]:
        try:
            found = self._kinds[node.kind].materials(node, scope, self._files)
        except NodeError:
            raise
        except OeError as error:
            raise _unreadable(error) from error
        known = self._named_materials.get(node.id)
        if known is not None and known[0] is found and not self._redactor:  # which may come to know secrets meanwhile
            return known[1]
        parts = {FILE + _spelt(name): self._unless_secret(part) for name, part in found.items()}
        self._named_materials[node.id] = (found, parts)
        return parts

    def _unless_secret(self, part: Part) -> Part:
        """The part that a file is, if it does not hold a secret as far as its text is kept."""
        return SECRET if part.text is not None and self._redactor.finds(part.text) else part


def _name(reference: Reference) -> str:
    """What a reference is called among the parts. A bare name may be that of any other part: `spec`, `env.HOME`."""
    return f"{{{{ {reference.text} }}}}" if reference.root == "bare" else reference.text


def _looked_up(reference: Reference, scope: Scope) -> Json:
    """What the reference leads to, null where it leads nowhere. Its default, if that counts, is a part of the text that
    holds it: here it would make a missing value look like one that is there."""
    value = require(reference, scope)
    if isinstance(reference.default, Missing):
        return value
    found = resolve(reference._replace(default=MISSING), scope)
    return None if isinstance(found, Missing) else found


def _spelt(path: str) -> str:
    """The one spelling of a path, so that a file is in a key once: `tool.py` for `./tool.py`. A `..` stays, as a link
    may stand before it."""
    plain = "/".join(step for step in path.split("/") if step not in ("", "."))
    return f"/{plain}" if path.startswith("/") else plain


def _unreadable(error: OeError) -> NodeError:
    return NodeError(error.message, name="MissingFile", retryable=False, hint=error.hint, code=error.code)
