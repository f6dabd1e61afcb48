"""An empty experience for each test."""

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
