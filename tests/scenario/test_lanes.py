"""Units that one task carries out one after the other know nothing of each other, and hold nobody up."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

from oe.lang.scope import MISSING
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.run.session import Session
from tests.support.scenario import Scenario


def test_a_unit_sees_no_context_variables_of_the_one_before_it() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="as it was")
    seen: list[str] = []

    async def script(request: Request, context: NodeContext) -> NodeOutput:
        await asyncio.sleep(1)
        seen.append(variable.get())
        variable.set(request.node.id)
        return NodeOutput({}, MISSING, {})
    Scenario("""
graph:
  nodes:
    - {id: first, kind: step}
    - {id: second, kind: step, needs: first}
    - {id: third, kind: step, needs: second}
""", {name: script for name in ("first", "second", "third")}).run()
    assert seen == ["as it was"] * 3


def test_units_that_never_wait_let_the_loop_go_round() -> None:
    async def script(request: Request, context: NodeContext) -> NodeOutput:
        return NodeOutput({}, MISSING, {})

    async def stop_soon(session: Session) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        session.stop("user")
    names = [f"n{number}" for number in range(400)]
    chain = "".join(f"    - {{id: {name}, kind: step, needs: [{before}]}}\n"
                    for name, before in zip(names, ["", *names], strict=False))
    scenario = Scenario(f"graph:\n  nodes:\n{chain}", dict.fromkeys(names, script))
    result = scenario.run(meanwhile=stop_soon)
    assert result.status == "cancelled"
    assert len(scenario.kind.calls) < 200
