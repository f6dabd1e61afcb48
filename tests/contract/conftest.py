"""Every implementation of the Store port in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oe.ports.store import Store
from oe.store.memory_store import MemoryStore
from oe.store.sqlite_store import SqliteStore


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = SqliteStore.open(tmp_path / "state.sqlite") if request.param == "sqlite" else MemoryStore()
    yield made
    made.close()
