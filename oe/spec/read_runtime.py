"""Reads the `runtime` section."""

from __future__ import annotations

from typing import Literal, cast

from oe.spec.model import Runtime
from oe.spec.read_policy import read_budget, read_cache
from oe.spec.reading import Reading
from oe.spec.section import KeyTable, Section, read_section
from oe.spec.top_levels import LLM, RUNTIME
from oe.values import JsonObject


def read_runtime(reading: Reading, top: Section) -> Runtime:
    """The settings under `runtime`, or their defaults."""
    section = read_section(reading.report, RUNTIME, top.get("runtime") if "runtime" in top else {}, ("runtime",))
    if section is None:
        section = Section(KeyTable(RUNTIME.keys), {}, frozenset(), ("runtime",))
    return Runtime(
        cast("int", section.get("concurrency")), cast("int", section.get("max_in_flight")), section.seconds("timeout"),
        cast("float", section.seconds("cleanup_timeout")), read_llm(reading, section), read_budget(reading, section),
        read_cache(reading, section), cast("Literal['process', 'power']", section.get("durability")))


def read_llm(reading: Reading, section: Section) -> JsonObject:
    """The keys under `llm` as written."""
    if "llm" not in section:
        return {}
    inner = read_section(reading.report, LLM, section.get("llm"), (*section.path, "llm"))
    return inner.values if inner else {}
