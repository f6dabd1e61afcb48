"""What a unit and the conditions around it can see: the bridge from ledger and edge outputs to scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Missing, Scope
from oe.plan.graph import Graph, Link
from oe.ports.files import Files
from oe.ports.kind import NodeKind
from oe.spec.model import Field, Node, Unit
from oe.spec.prompts import file_references
from oe.state.ledger import Ledger
from oe.values import Json, JsonObject

_NOTHING: JsonObject = {}


class Views:
    """Builds scopes. A node sees the fields that it reads and those that its references name, nothing else; its scope
    also holds the set_once fields that it may write, as it depends on whether they are set."""

    def __init__(self, graph: Graph, fields: Mapping[str, Field], ledger: Ledger, args: JsonObject,
                 kinds: Mapping[str, NodeKind], files: Files) -> None:
        self._graph = graph
        self._fields = fields
        self._ledger = ledger
        self._args = args
        self._kinds = kinds
        self._files = files
        self._outputs: dict[int, Json] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def keep_output(self, rank: int, output: Json | Missing) -> None:
        """Takes the edge output of a unit that finished."""
        if not isinstance(output, Missing):
            self._outputs[rank] = output

    def of_node(self, rank: int, node: Node, inside: JsonObject = _NOTHING) -> tuple[Scope, JsonObject]:
        """The node's scope, and its view: the fields that it declares in `reads`. `inside` is what it sees of its own
        unit: the writes of earlier stages of its item, of earlier iterations (Ledger.grow)."""
        state = self._ledger.view(rank, self.names_of(node), inside)
        view = {name: state[name] for name in node.reads if name in state}
        return Scope(state=state, args=self._args, inputs=self._inputs(rank), reads=view), view

    def of_unit(self, rank: int, references: Iterable[tuple[Path, Reference]], inside: JsonObject = _NOTHING) -> Scope:
        """The scope of references in the unit's own keys: `items`, `until`."""
        state = self._ledger.view(rank, _state_names(reference for _, reference in references), inside)
        return Scope(state=state, args=self._args, inputs=self._inputs(rank))

    def nodes_of(self, unit: Unit) -> list[Node]:
        """The stages or the body of a unit, in their order."""
        return list(self._graph.nodes_of(unit))

    def test_unit(self, rank: int) -> bool:
        """The unit's own `when`, against its view. Raises NodeError."""
        when = self._graph.units[rank].when
        if when is None:
            return True
        state = self._ledger.view(rank, _state_names(when.references()))
        return when.test(Scope(state=state, args=self._args, inputs=self._inputs(rank)))

    def test_edge(self, link: Link) -> bool:
        """An edge's `when`, against its source's view and writes. Raises NodeError."""
        if link.when is None:
            return True
        state = self._ledger.after(link.source, _state_names(link.when.references()))
        inputs = self._inputs(link.source)
        if link.source in self._outputs:
            inputs[self._graph.ids[link.source]] = self._outputs[link.source]
        return link.when.test(Scope(state=state, args=self._args, inputs=inputs))

    def _inputs(self, rank: int) -> dict[str, Json]:
        ids, outputs = self._graph.ids, self._outputs
        return {ids[link.source]: outputs[link.source] for link in self._graph.incoming[rank] if link.source in outputs}

    def names_of(self, node: Node) -> tuple[str, ...]:
        """The state fields that the node's scope holds, as far as they have values."""
        names = self._names.get(node.id)
        if names is None:
            names = self._names[node.id] = self._find_names(node)
        return names

    def references_of(self, node: Node) -> list[Reference]:
        """Every reference of the node: in its arguments, conditions and the keys and files of its kind."""
        references = [reference for _, reference in node.args.references()]
        references += node.when.references() if node.when is not None else []
        if node.for_each is not None:
            references += [reference for _, reference in node.for_each.source.references()]
        kind = self._kinds[node.kind]
        references += [reference for _, reference in kind.references(node)]
        references += [reference for _, reference in file_references(node, kind.keys, self._files)]
        return references

    def _find_names(self, node: Node) -> tuple[str, ...]:
        written_once = [name for name in node.writes if self._fields[name].merge == "set_once"]
        return tuple(dict.fromkeys((*node.reads, *_state_names(self.references_of(node)), *written_once)))


def _state_names(references: Iterable[Reference]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(reference.segments[0]) for reference in references
                               if reference.root == "state" and reference.segments))
