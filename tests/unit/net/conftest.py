"""A process runner for each test, whose guard ends with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oe.net.native_spawn import usable
from oe.net.processes import Processes


@pytest.fixture(params=["alone", *(["beside others"] if usable() else [])])
def runner(request: pytest.FixtureRequest) -> Iterator[Processes]:
    """Programs that run alone are started by `subprocess`, those beside others by the C library where it can."""
    processes = Processes()
    if request.param == "beside others":
        processes._running = 1
    yield processes
    processes.close()
