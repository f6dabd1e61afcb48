"""What holds for every test: nothing of the caller's environment leaks in, and what is not run is said."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support.program import archive, program, pytest_generate_tests

__all__ = ["archive", "program", "pytest_generate_tests"]

_LONG = os.environ.get("OE_LONG") == "1"
_CALLERS_VARIABLES = ("OE_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "OLLAMA_", "OTEL_")


def pytest_configure() -> None:
    """A shell that starts the tests in the background makes them ignore SIGINT, and so would every program under test."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    _draw_the_same_examples()


def _draw_the_same_examples() -> None:
    """Hypothesis draws what it drew the last time, but for the long torture; however long an example takes, which on a
    busy machine says nothing."""
    from hypothesis import HealthCheck, settings

    settings.register_profile("oe", deadline=None, derandomize=not _LONG, database=None,
                              suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("oe")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long torture to `./check.sh long`; pytest counts it as deselected."""
    if _LONG:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says it in every form of output: test processes of their own do not count what they deselect."""
    if not _LONG:
        terminalreporter.write_line("long torture is left out; ./check.sh long runs it")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, a provider or a data directory of the person who runs the tests must not reach the product."""
    for name in list(os.environ):
        if name.startswith(_CALLERS_VARIABLES) and name != "OE_LONG":
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
