"""A process runner for each test, whose guard ends with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oe.net.processes import Processes


@pytest.fixture
def runner() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()
