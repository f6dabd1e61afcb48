"""What the calls of a run may cost, for its plan: the worst case of every question that can be put together now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from oe.app.models import ModelAccess
from oe.errors import OeError
from oe.kinds.cli_agent_attempt import reserved_cost
from oe.kinds.model_node import ModelNode
from oe.lang.scope import Scope
from oe.ports.files import Files
from oe.ports.kind import NodeKind, Request
from oe.ports.model import ModelSettings, Question, Usage
from oe.ports.spending import Cost
from oe.run.estimates import worst_case
from oe.run.model_use import ModelUse
from oe.spec.model import Node
from oe.text import plural
from oe.values import JsonObject

_A_TOKEN = Usage(1, 1)
_REPAIR_TOKENS = 1_000
"""About what is said of an answer that is sent back, and put around the two."""


class Estimate(NamedTuple):
    """What calls may cost. `is_least`: some of them cannot be counted yet, or what they are asked with is not known.
    `is_priced` False: a model among them has no known price, and is not in the dollars. `has_rounds`: calls in
    loops are counted as if these went round as often as they may."""

    cost: Cost = Cost()
    is_least: bool = False
    is_priced: bool = True
    has_rounds: bool = False

    def plus(self, other: Estimate) -> Estimate:
        """Both together."""
        mine, theirs = self.cost, other.cost
        cost = Cost(mine.usd + theirs.usd, mine.tokens + theirs.tokens, mine.calls + theirs.calls)
        return Estimate(cost, self.is_least or other.is_least, self.is_priced and other.is_priced,
                        self.has_rounds or other.has_rounds)

    def repeated(self, before: Estimate, times: int, *, is_loop: bool, is_same: bool = True) -> Estimate:
        """With what has come since `before` so many times more; not `is_same`: each time it may be more."""
        mine, theirs = self.cost, before.cost
        calls = (mine.calls - theirs.calls) * times
        if calls <= 0:
            return self
        more = Cost((mine.usd - theirs.usd) * times, (mine.tokens - theirs.tokens) * times, calls)
        return self.plus(Estimate(more, not is_same, has_rounds=is_loop))


class CallCosts:
    """Estimates the calls of the nodes of one experience, whose models are those of `use`. Asks nobody."""

    def __init__(self, access: ModelAccess, use: ModelUse, kinds: Mapping[str, NodeKind], files: Files) -> None:
        self._access = access
        self._use = use
        self._kinds = kinds
        self._files = files

    def of_slot(self, node: Node, scope: Scope, args: JsonObject, view: JsonObject) -> Estimate:
        """One slot that would run, with all its repair turns."""
        wanted = self._access.wanted(node)
        if wanted is None:
            return self._of_program(node)
        try:
            settings = self._use.models().settings(wanted)
            executor = self._kinds[node.kind].prepare(node, self._files)
            assert isinstance(executor, ModelNode)
            question = executor.question(Request(node, args, scope, view, node.writes))
        except OeError:
            return Estimate(Cost(calls=1), is_least=True)
        turns = executor.repair if question.schema is not None else 0
        return self._turns(question, settings, turns)

    def of_unknown(self, node: Node) -> Estimate:
        """One call of a node that is not known well enough yet."""
        if self._access.wanted(node) is None:
            return self._of_program(node)._replace(is_least=self._access.is_agent_program(node))
        return Estimate(Cost(calls=1), is_least=True)

    def _of_program(self, node: Node) -> Estimate:
        """What an agent program may cost: as its node says, since nobody else can; nothing for other nodes."""
        if not self._access.is_agent_program(node):
            return Estimate()
        cost = reserved_cost(node.options.get("reserve"))
        return Estimate(cost, is_least=not cost.tokens, is_priced=bool(cost.usd))

    def _turns(self, question: Question, settings: ModelSettings, turns: int) -> Estimate:
        total = Estimate(is_priced=self._access.price(settings, _A_TOKEN) is not None)
        for turn in range(turns + 1):
            sent_back = (settings.max_tokens + _REPAIR_TOKENS) * turn
            total = total.plus(Estimate(worst_case(question, settings, self._access.price, more_tokens=sent_back)))
        return total


def estimate_object(estimate: Estimate) -> JsonObject:
    """The estimate as it stands in `--json`; dollars are null where a price is not known."""
    cost = estimate.cost
    return {"calls": cost.calls, "tokens": cost.tokens, "usd": round(cost.usd, 6) if estimate.is_priced else None,
            "at_least": estimate.is_least, "loops_at_most": estimate.has_rounds}


def estimate_line(estimate: Estimate) -> str:
    """`at most 3 calls, 12,345 tokens, $0.1234`: neither a bound from above nor from below where calls in loops are
    counted as often as they may come, and others as often as they are known."""
    cost = estimate.cost
    line = plural(cost.calls, "call")
    if cost.tokens:
        line += f", {cost.tokens:,} tokens"
    if cost.tokens or cost.usd:
        line += f", ${cost.usd:.4f}" if estimate.is_priced else ", price not known"
    if not estimate.is_least:
        return f"at most {line}"
    if estimate.has_rounds:
        return f"about {line}: loops counted to their max_iters, the rest is not known yet"
    return f"at least {line}: the rest is not known yet"
