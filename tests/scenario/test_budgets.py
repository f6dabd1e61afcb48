"""Budgets of runs, nodes and loops: what fits is called, what may not fit waits or ends the run, and nothing is lost."""

from __future__ import annotations

import pytest

from oe.llm.limiter import Limiters
from oe.llm.memory import MemoryModel
from oe.llm.retrying import Retrying
from oe.ports.model import Answer, CallWatch, ModelCall, ModelError, Usage
from oe.ports.spending import Cost
from oe.run.session import RunResult
from oe.spec.model import Budget
from tests.support.scenario import HEAD as RUN_HEAD
from tests.support.scenario import Scenario, gives

HEAD = """
state: {schema: {a: {type: string}, b: {type: string}, c: {type: string}, all: {type: array, merge: array_append}}}
"""
CHAIN = HEAD + """
graph:
  nodes:
    - {id: one, kind: agent, prompt: Hi, max_tokens: 100, writes: [a]}
    - {id: two, kind: agent, prompt: Hi, max_tokens: 100, writes: [b], needs: [one]%s}
    - {id: three, kind: agent, prompt: Hi, max_tokens: 100, writes: [c], needs: [two]}
"""
ONE = HEAD + """
graph: {nodes: [{id: one, kind: agent, prompt: Hi, max_tokens: 100, writes: [a]}]}
"""
WORST = 1 + 2 * 16 + 100


def model(used: int = 110, seconds: float = 0.0) -> MemoryModel:
    return MemoryModel([Answer("ok", usage=Usage(used - 10, 10))], seconds)


def spent(result: RunResult) -> tuple[str, str | None, int, object]:
    return result.status, result.reason, int(result.exit_code), result.totals["calls"]


@pytest.mark.parametrize(("budget", "larger"), [
    (Budget(None, 300, None), Budget(None, 400, None)),
    (Budget(0.0003, None, None), Budget(0.0004, None, None)),
    (Budget(None, None, 2), Budget(None, None, 3)),
])
def test_a_call_that_may_not_fit_ends_the_run_which_goes_on_with_a_larger_budget(budget: Budget, larger: Budget) -> None:
    scenario = Scenario(CHAIN % "", model=model())
    scenario.budget = budget
    assert spent(scenario.run()) == ("failed", "budget", 7, 2)
    assert scenario.node("three")["status"] == "cancelled"
    assert scenario.node("three")["reason"] == "budget"
    assert spent(scenario.resume()) == ("failed", "budget", 7, 2)
    scenario.budget = larger
    assert spent(scenario.resume()) == ("success", None, 0, 3)
    assert len(scenario.model.calls) == 3


def test_a_call_of_exactly_the_rest_fits() -> None:
    scenario = Scenario(CHAIN % "", model=model(110))
    scenario.budget = Budget(None, 220 + WORST, None)
    assert scenario.run().status == "success"


def test_a_node_that_goes_on_after_errors_does_not_go_on_without_budget() -> None:
    scenario = Scenario(CHAIN % ", on_error: {policy: continue, output: {state_delta: {b: fallback}}}", model=model())
    scenario.budget = Budget(None, None, 1)
    result = scenario.run()
    assert spent(result) == ("failed", "budget", 7, 1)
    assert "b" not in result.state
    scenario.budget = None
    assert scenario.resume().state["b"] == "ok"


FAN_OUT = HEAD + """
graph:
  nodes:
    - {id: each, kind: agent, prompt: Hi, max_tokens: 100, writes: [all], for_each: {source: [1, 2, 3, 4, 5, 6], concurrency: 6}}
"""


@pytest.mark.parametrize("seed", range(5))
def test_calls_wait_for_those_in_flight_which_mostly_cost_less_than_they_may(seed: int) -> None:
    scenario = Scenario(FAN_OUT, model=model(20, seconds=1.0))
    scenario.budget = Budget(None, 2 * WORST + 6, None)
    result = scenario.run(seed=seed)
    assert spent(result) == ("success", None, 0, 6)
    assert result.totals["duration_ms"] == pytest.approx(5000, abs=1000)


class Retried(MemoryModel):
    """Asks again after failures, as the providers of the program do."""

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        limiters = Limiters(lambda: 0.5)
        once = MemoryModel(lambda _: self._script(call))
        self.calls.append(call)
        return await Retrying(once, lambda: limiters.find("x"), lambda: 0.5).answer(call, watch)


def cut(usage: Usage | None = None) -> ModelError:
    return ModelError("model-cut", "it broke off", usage=usage)


@pytest.mark.parametrize(("error", "tokens", "calls"), [
    (cut(Usage(40, 20)), 60 + 110, 2),
    (cut(), 1 + 110, 2),
    (ModelError("model-unreachable", "nobody there"), 110, 1),
])
def test_what_was_cut_off_counts_also_where_it_was_asked_again(error: ModelError, tokens: int, calls: int) -> None:
    totals = Scenario(ONE, model=Retried([error, Answer("ok", usage=Usage(100, 10))])).run().totals
    assert (totals["tokens_in"] + totals["tokens_out"], totals["calls"]) == (tokens, calls)


@pytest.mark.parametrize(("budget", "calls"), [(Budget(None, None, 2), 2), (Budget(None, WORST + 60, None), 1)])
def test_a_call_is_not_tried_again_beyond_the_budget(budget: Budget, calls: int) -> None:
    scenario = Scenario(ONE, model=Retried([cut(Usage(41, 20))]))
    scenario.budget = budget
    assert spent(scenario.run()) == ("failed", "budget", 7, calls)
    assert sum(charged.cost.tokens for charged in scenario.store.charges("r-1")) == 61 * calls
    scenario.budget = Budget(None, 1000, 4)
    assert spent(scenario.resume()) == ("failed", "budget", 7, 4)


def test_a_further_try_waits_for_calls_in_flight() -> None:
    script = [cut(Usage(50, 20)), Answer("ok", usage=Usage(10, 10))]
    scenario = Scenario(FAN_OUT, model=Retried(script))
    scenario.budget = Budget(None, 70 + 6 * 20 + WORST, None)
    assert spent(scenario.run()) == ("success", None, 0, 7)


def test_a_spent_budget_is_told_once_however_many_calls_wait() -> None:
    scenario = Scenario(FAN_OUT, model=model(20))
    scenario.budget = Budget(None, None, 1)
    assert spent(scenario.run())[:3] == ("failed", "budget", 7)
    assert [(event["spent"], event["limit"]) for event in scenario.events("budget.warning")] == [(1, 1)]


def test_what_nobody_settles_counts_with_its_worst_case() -> None:
    scenario = Scenario(CHAIN % "", model=model())
    scenario.budget = Budget(None, 300, None)
    scenario.run()
    scenario.store.charge("r-1", "three", Cost(0.0, 1000, 1))  # as a process leaves it that is killed during a call
    scenario.budget = Budget(None, 1000, None)
    assert spent(scenario.resume()) == ("failed", "budget", 7, 2)
    scenario.budget = Budget(None, 1354, None)
    assert spent(scenario.resume()) == ("success", None, 0, 3)


def test_a_run_says_once_that_most_of_a_budget_is_spent() -> None:
    scenario = Scenario(CHAIN % "", model=model(110))
    scenario.budget = Budget(None, 400, 100)
    scenario.run()
    told = [(event["budget"], event["spent"], event["limit"]) for event in scenario.events("budget.warning")]
    assert told == [("run tokens", 330, 400)]
    early = Scenario(CHAIN % "", model=MemoryModel([Answer("ok", usage=Usage(used, 0)) for used in (820, 10, 10)]))
    early.budget = Budget(None, 1000, None)
    assert early.run().status == "success"
    assert [event["spent"] for event in early.events("budget.warning")] == [820]


def test_the_budget_of_a_node_is_that_of_all_its_items() -> None:
    scenario = Scenario(FAN_OUT.replace("writes: [all]", "budget: {calls: 4}, writes: [all]"), model=model())
    assert spent(scenario.run()) == ("failed", "budget", 7, 4)
    told = [(event["budget"], event["spent"], event["limit"]) for event in scenario.events("budget.warning")]
    assert ("node each calls", 4, 4) in told


LOOP = HEAD + """
graph:
  nodes:
    - {id: body, kind: agent, prompt: Hi, max_tokens: 100, writes: [all]}
    - {id: after, kind: step, needs: [rounds], writes: [a]}
  loops:
    - {id: rounds, body: body, budget: {%s}, on_exhausted: %s}
"""


@pytest.mark.parametrize(("budget", "count"), [("calls: 3", 3), ("tokens: 300", 2), ("tokens: 110", 0)])
def test_a_loop_goes_on_until_its_budget_is_spent(budget: str, count: int) -> None:
    scenario = Scenario(LOOP % (budget, "continue"), {"after": gives({"a": "done"})}, model=model())
    result = scenario.run()
    assert result.state == {**({"all": ["ok"] * count} if count else {}), "a": "done"}
    assert scenario.node("rounds")["status"] == "success"
    (event,) = scenario.events("loop.exhausted")
    assert event["iterations"] == count


def test_a_loop_that_must_come_to_its_end_fails_with_its_budget() -> None:
    scenario = Scenario(LOOP % ("calls: 1", "fail"), model=model())
    assert scenario.run().status == "failed"
    assert scenario.result is not None
    assert scenario.result.reason is None


def test_a_unit_that_runs_always_fails_alone_where_nothing_is_left() -> None:
    scenario = Scenario(CHAIN % "" + "    - {id: report, kind: agent, prompt: Hi, join: always, needs: [three]}\n", model=model())
    scenario.budget = Budget(None, None, 2)
    assert spent(scenario.run()) == ("failed", "budget", 7, 2)
    assert "the budget of the run does not allow another call: 2 of 2 calls are spent" in scenario.node("report")["error"]


def test_cached_results_cost_nothing_again() -> None:
    from oe.store.memory_cache import MemoryCache

    scenario = Scenario(CHAIN % "", model=model())
    scenario.cache = MemoryCache()
    scenario.run()
    scenario.budget = Budget(None, 1, 1)
    result = scenario.run()
    assert spent(result) == ("success", None, 0, 0)
    assert result.totals["tokens_saved"] == 330
    assert result.totals["cost_usd"] == 0


def test_a_cost_that_is_not_known_is_null_and_not_nothing() -> None:
    scenario = Scenario(CHAIN % "", model=model())
    scenario.usd_per_token = None
    result = scenario.run()
    assert (result.totals["cost_usd"], result.totals["calls"], result.totals["unpriced_calls"]) == (None, 3, 3)
    assert all("cost_usd" not in event for event in scenario.events("node.tokens"))


def test_a_resumed_run_knows_which_of_its_calls_had_a_price() -> None:
    scenario = Scenario(CHAIN % ", on_error: {policy: fail_run}", model=MemoryModel(
        [Answer("ok", usage=Usage(100, 10)), ModelError("model-request", "400"), Answer("ok", usage=Usage(100, 10))]))
    scenario.usd_per_token = None
    assert spent(scenario.run()) == ("failed", "fail_run", 1, 1)
    scenario.usd_per_token = 0.000001
    totals = scenario.resume().totals
    assert (totals["cost_usd"], totals["calls"], totals["unpriced_calls"]) == (0.00022, 3, 1)


NESTED = HEAD + """
graph:
  nodes:
    - {id: inner, kind: experience, impl: child.yaml}
"""


def nested(child: str) -> Scenario:
    return Scenario(NESTED, {"after": gives({"a": "done"})}, files={"child.yaml": RUN_HEAD + child}, model=model())


def test_a_loop_in_a_nested_experience_keeps_to_its_own_budget() -> None:
    scenario = nested(LOOP % ("calls: 3", "continue"))
    assert spent(scenario.run()) == ("success", None, 0, 3)
    assert [event["slot"] for event in scenario.events("loop.exhausted")] == ["inner/rounds"]


@pytest.mark.parametrize("child", [CHAIN % "" + "runtime: {budget: {calls: 2}}\n", CHAIN % ", budget: {tokens: 50}"])
def test_the_budgets_of_a_nested_experience_end_the_run_too(child: str) -> None:
    scenario = nested(child)
    assert scenario.run().reason == "budget"
    assert len(scenario.model.calls) < 3


def test_what_is_called_in_a_nested_experience_counts_for_the_run() -> None:
    scenario = nested(CHAIN % "")
    scenario.budget = Budget(None, None, 2)
    assert spent(scenario.run()) == ("failed", "budget", 7, 2)
    scenario.budget = Budget(None, None, 3)
    assert spent(scenario.resume()) == ("success", None, 0, 3)


@pytest.mark.parametrize("seed", range(10))
def test_a_nested_node_that_goes_on_after_errors_does_not_go_on_without_budget(seed: int) -> None:
    scenario = nested(CHAIN % ", on_error: {policy: continue, output: {state_delta: {b: fallback}}}")
    scenario.budget = Budget(None, None, 1)
    assert spent(scenario.run(seed=seed)) == ("failed", "budget", 7, 1)
    assert [event["slot"] for event in scenario.events("node.cancelled")] == ["inner/two", "inner"]


def test_under_a_budget_in_dollars_nothing_is_called_whose_price_nobody_knows() -> None:
    scenario = Scenario(CHAIN % "", model=model())
    scenario.budget, scenario.usd_per_token = Budget(1.0, None, None), None
    scenario.run()
    assert "model 'memory' has no known price" in scenario.node("one")["error"]
    assert not scenario.model.calls


def test_under_a_budget_in_dollars_no_nested_agent_is_started_whose_price_nobody_knows() -> None:
    from oe.kinds.cli_agent import CliAgentKind

    scenario = nested(HEAD + "graph: {nodes: [{id: ask, kind: cli-agent, command: [cat], prompt: Hi, writes: [a]}]}")
    scenario.kinds["cli-agent"] = CliAgentKind()
    scenario.budget = Budget(1.0, None, None)
    scenario.run()
    assert "cli-agent 'ask' has no known price" in scenario.node("inner")["error"]
