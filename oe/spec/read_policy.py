"""Reads what nodes and the run settings share or nest: fan-outs, failure policies, caching, budgets, times."""

from __future__ import annotations

from typing import Literal, cast

from oe.lang.scope import MISSING
from oe.lang.template import ValueTemplate
from oe.spec.graph_levels import FOR_EACH, ON_ERROR, OUTPUT
from oe.spec.model import Backoff, Budget, CacheRule, ForEach, OnError, Output, Policy
from oe.spec.reading import Reading
from oe.spec.section import Section, read_section
from oe.spec.top_levels import BUDGET, CACHE_LEVEL

NO_CACHE_RULE = CacheRule(None, None)
EMPTY_LIST = ValueTemplate([], None, [])
DEFAULT_ON_ERROR = OnError("skip", 1, "exponential", 1.0, 60.0, True, (), "skip", None)

_RETRY_KEYS = ("attempts", "backoff", "base_ms", "max_ms", "jitter", "retry_on", "then")


def read_timeout(reading: Reading, section: Section) -> float | None:
    """The seconds of `timeout` or `timeout_ms`, which exclude each other."""
    if "timeout" in section and "timeout_ms" in section:
        reading.report.error("conflicting-keys", "'timeout' and 'timeout_ms' say the same thing twice",
                             (*section.path, "timeout_ms"), "keep one of them", key=True)
    seconds = section.seconds("timeout")
    if seconds is None and section.get("timeout_ms") is not None:
        seconds = cast("float", section.get("timeout_ms")) / 1000
    if seconds == 0:
        reading.report.error("bad-value", "'timeout_ms' must be longer than nothing", (*section.path, "timeout_ms"),
                             "leave it out for no limit")
    return seconds


def read_cache(reading: Reading, section: Section) -> CacheRule:
    """The rule under `cache`: true, false or {ttl}."""
    value = section.get("cache")
    if value is None:
        return NO_CACHE_RULE
    if isinstance(value, bool):
        return CacheRule(value, None)
    inner = read_section(reading.report, CACHE_LEVEL, value, (*section.path, "cache"))
    return CacheRule(True, inner.seconds("ttl") if inner else None)


def read_budget(reading: Reading, section: Section, *, is_loop: bool = False) -> Budget | None:
    """The limits under `budget`. A bare number, which only loops accept, means tokens."""
    value = section.get("budget")
    if value is None:
        return None
    path = (*section.path, "budget")
    if is_loop and isinstance(value, int):
        reading.report.warning("bare-budget", f"a bare number as 'budget' means {value} tokens here", path,
                               f"write {{tokens: {value}}}")
        return Budget(None, value, None)
    inner = read_section(reading.report, BUDGET, value, path)
    if inner is None:
        return None
    if not inner.values and not inner.broken:
        reading.report.error("empty-budget", "'budget' sets no limit", path, "give usd, tokens or calls")
    return Budget(cast("float | None", inner.get("usd")), inner.integer("tokens"), inner.integer("calls"))


def read_list_source(reading: Reading, section: Section, name: str) -> ValueTemplate:
    """The template under a key that gives a list: a reference, or a list that may hold references."""
    value = section.get(name)
    path = (*section.path, name)
    template = reading.template(value, path) if name in section else None
    if isinstance(value, str) and template is not None and template.is_constant:
        reading.report.error("not-a-list", f"'{name}' must lead to a list, but '{value}' is a plain text", path,
                             f"write $.{value} for the state field" if value.isidentifier() else "write $.field")
    return template or EMPTY_LIST


def read_for_each(reading: Reading, node: Section) -> ForEach | None:
    """The fan-out under `for_each`."""
    path = (*node.path, "for_each")
    value = node.get("for_each")
    section = read_section(reading.report, FOR_EACH, value, path) if "for_each" in node else None
    if section is None:
        return None
    return ForEach(read_list_source(reading, section, "source"), section.integer("concurrency"),
                   cast("Literal['fail', 'continue']", section.text("on_item_error")), section.integer("min_success"),
                   path)


def read_on_error(reading: Reading, node: Section) -> OnError:
    """The policy under `on_error`, with keys that do nothing there reported."""
    if "on_error" not in node:
        return DEFAULT_ON_ERROR
    section = read_section(reading.report, ON_ERROR, node.get("on_error"), (*node.path, "on_error"))
    if section is None:
        return DEFAULT_ON_ERROR
    policy = cast("Policy", section.text("policy"))
    then = cast("Literal['skip', 'fail_run', 'continue']", section.text("then"))
    if not section.broken & {"policy", "then"}:
        _check_policy(reading, section, policy, then)
    output = _read_output(reading, section) if "output" in section else None
    return OnError(
        policy, (section.integer("attempts") or 1) if policy == "retry" else 1,
        cast("Backoff", section.text("backoff")), _milliseconds(section, "base_ms"), _milliseconds(section, "max_ms"),
        section.flag("jitter"), section.texts("retry_on"), then, output)


def _milliseconds(section: Section, name: str) -> float:
    return cast("float", section.get(name)) / 1000


def _check_policy(reading: Reading, section: Section, policy: Policy, then: str) -> None:
    report, path = reading.report, section.path
    if policy == "retry":
        if "attempts" not in section and "attempts" not in section.broken:
            report.error("missing-key", "'on_error' with policy 'retry' needs 'attempts': how often it is tried in all",
                         path, "add attempts: 3")
    else:
        for name in _RETRY_KEYS:
            if name in section:
                report.error("useless-key", f"'{name}' does nothing with policy '{policy}'", (*path, name),
                             "it belongs to policy 'retry'", key=True)
    continues = policy == "continue" or (policy == "retry" and then == "continue")
    if continues and "output" not in section and "output" not in section.broken:
        report.error("missing-key", "'on_error' that continues needs 'output': what counts as the node's output", path,
                     "add output: {state_delta: {}}")
    if not continues and "output" in section:
        report.error("useless-key", f"'output' does nothing with policy '{policy}'", (*path, "output"),
                     "it belongs to 'continue'", key=True)


def _read_output(reading: Reading, section: Section) -> Output | None:
    inner = read_section(reading.report, OUTPUT, section.get("output"), (*section.path, "output"))
    if inner is None:
        return None
    return Output(inner.mapping("state_delta"), inner.values.get("edge_output", MISSING))
