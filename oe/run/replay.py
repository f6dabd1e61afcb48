"""Results that need not be made again: when the cache may answer for a slot, and what is kept after a success."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from oe.clock import Clock
from oe.errors import NodeError, OeError
from oe.plan.fingerprint import Fingerprint
from oe.ports.cache import Entry, ResultCache
from oe.ports.files import Files
from oe.ports.kind import NodeKind, NodeOutput
from oe.spec.model import CacheRule, Node
from oe.state.ledger import Origin

MOST_FILES = 1000
"""Items of a fan-out that get a cache file each; with more, the journal serves as the cache."""


class CacheUse(NamedTuple):
    """How a run uses the cache. `cache` None: not at all. `refreshed` nodes are run whatever the cache holds; `reused`
    ones take what any earlier run gave under the same key, cached or not (`earlier`); `required` ones are never run.
    `journal` is the cache of fan-outs with too many items for a file each. `is_published` tells of what a reused node
    gave whether it has reached the workspace; without it nothing has."""

    cache: ResultCache | None
    rule: CacheRule
    refreshed: frozenset[str] = frozenset()
    reused: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    earlier: Mapping[str, Entry] = MappingProxyType({})
    journal: Callable[[str], Entry | None] | None = None
    is_published: Callable[[Origin], bool] | None = None


def is_kept(node: Node, rule: CacheRule, kind: NodeKind) -> bool:
    """Whether results of the node are cached in a run that has a cache, whose experience says `rule`."""
    if node.effects or kind.is_nested:
        return False
    for said in (node.cache, rule):
        if said.enabled is not None:
            return said.enabled
    return kind.is_cached_by_default(node)


class Replay:
    """Decides whether a node's results are kept, finds them, keeps them."""

    def __init__(self, run_id: str, use: CacheUse, kinds: Mapping[str, NodeKind], files: Files, clock: Clock) -> None:
        self._run_id = run_id
        self._use = use
        self._kinds = kinds
        self._files = files
        self._clock = clock

    def is_kept(self, node: Node) -> bool:
        """Whether results of the node are cached: as it says, else as the experience says, else as its kind does."""
        return self._use.cache is not None and is_kept(node, self._use.rule, self._kinds[node.kind])

    def is_in_journal(self, node: Node, count: int) -> bool:
        """Whether the results of a fan-out over `count` items are kept by the journal instead of as files."""
        return count > MOST_FILES and node.cache.enabled is not True and not node.produces and self.is_kept(node)

    def find(self, node: Node, found: Fingerprint, is_valid: Callable[[Entry], bool],
             in_journal: bool = False) -> Entry | None:
        """The kept result, unless it is too old, the files that it made are not there as it made them, or it does not
        fit the experience any more."""
        use = self._use
        if node.id in use.refreshed or found.holds_secret:
            return None
        entry = self._kept(node, found.key, in_journal)
        if entry is not None and (self._is_stale(node, entry) or not self._are_products_there(node, entry)):
            entry = None
        if entry is None and node.id in use.reused:
            entry = use.earlier.get(found.key)
            if entry is not None and not self._are_products_there(node, entry):
                entry = None
        return entry if entry is not None and is_valid(entry) else None

    def _kept(self, node: Node, key: str, in_journal: bool) -> Entry | None:
        use = self._use
        if use.cache is None or not self.is_kept(node):
            return None
        if node.for_each is None or use.journal is None:
            return use.cache.find(key)
        if in_journal:  # the list may have been shorter once, or have been longer
            return use.journal(key) or use.cache.find(key)
        return use.cache.find(key) or use.journal(key)

    def origin(self, node: Node, key: str, run_id: str) -> Origin | None:
        """Where a result is from if the node's are reused and another run made it."""
        return Origin(key, run_id) if node.id in self._use.reused and run_id != self._run_id else None

    def is_required(self, node: Node) -> bool:
        """Whether the node may not be run: its result has to be known."""
        return node.id in self._use.required

    def keep(self, node: Node, found: Fingerprint, slot: str, output: NodeOutput,
             products: Mapping[str, str] = MappingProxyType({})) -> None:
        """Keeps what a slot gave, and the digests of the files that it made, where results of its node are kept."""
        if self._use.cache is None or found.holds_secret or not self.is_kept(node):
            return
        self._use.cache.keep(found.key, Entry(
            output.state_delta, output.edge_output, output.metrics, self._run_id, self._clock.now(), slot,
            {name: part.digest for name, part in found.parts.items()}, products))

    def products(self, paths: Iterable[str]) -> Iterable[tuple[str, str]]:
        """Each of the files with its digest. Raises NodeError for one that is not there."""
        for path in paths:
            try:
                yield path, self._files.digest(path).digest
            except OeError as error:
                raise NodeError(f"the node did not make '{path}', which it says it produces", name="MissingProduct",
                                retryable=False, code="missing-product", hint=error.hint) from error

    def has_products(self, node: Node) -> bool:
        """Whether every file that the node makes is there, as it may be by now."""
        try:
            return bool(dict(self.products(node.produces))) or not node.produces
        except NodeError:
            return False

    def _is_stale(self, node: Node, entry: Entry) -> bool:
        rule = node.cache if node.cache.ttl_seconds is not None else self._use.rule
        return rule.ttl_seconds is not None and self._clock.now() - entry.ts > rule.ttl_seconds

    def _are_products_there(self, node: Node, entry: Entry) -> bool:
        try:
            return dict(self.products(node.produces)) == dict(entry.produces)
        except NodeError:
            return False
