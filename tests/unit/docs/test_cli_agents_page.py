"""docs/reference/cli-agents.md says how each provider is started and which variables it gets."""

from __future__ import annotations

import re

from oe.kinds.cli_agent_session import NETWORK_VARIABLES
from oe.kinds.cli_providers import PROVIDERS
from tests.support.codes import codes_of
from tests.support.pages import Page

PAGE = Page("cli-agents.md")


def test_the_table_is_that_of_the_program() -> None:
    rows = {row[0]: row[1:] for row in PAGE.rows("provider", "program", "started as",
                                                 "what it may read of the environment")}
    assert list(rows) == list(PROVIDERS)
    for name, (program, started, variables) in rows.items():
        provider = PROVIDERS[name]
        assert program == provider.program
        assert started == " ".join([provider.program, *provider.arguments(None, [])])
        assert re.findall(r"[A-Z_]+", variables) == list(provider.variables)


def test_no_default_is_permissive() -> None:
    for provider in PROVIDERS.values():
        assert provider.permissive.isdisjoint(provider.arguments("m", []))


def test_the_ways_to_the_network_are_named() -> None:
    text = PAGE.text
    assert all(name in text for name in NETWORK_VARIABLES if name.startswith(("SSL", "NODE")))


def test_the_codes_exist() -> None:
    named = {code for row in PAGE.rows("what", "error") for code in re.findall(r"`([a-z]+(?:-[a-z]+)*)`", row[1])}
    assert len(named) >= 6 and named - {"timeout"} <= codes_of("oe").keys()
