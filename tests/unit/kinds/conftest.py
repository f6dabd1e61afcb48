"""An empty experience for each test, and the two places where a Python tool runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.kinds.attempts import Experiment


@pytest.fixture
def experiment(tmp_path: Path) -> Iterator[Experiment]:
    folder = tmp_path / "experience"
    folder.mkdir()
    made = Experiment(folder)
    yield made
    made.context.processes.close()


@pytest.fixture(params=["inline", "process"])
def isolation(request: pytest.FixtureRequest) -> str:
    return str(request.param)
