"""The floor of a run: the promised durability for N no-op nodes and nothing else.

For each node a call in a thread, one transaction that writes its result, a state value and a history entry, four log
lines handed to the operating system, and one cache file that takes its place whole. No graph, no keys, no checks.

    python benchmarks/yardstick.py [N]
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE result (run_id, slot, attempt, status, key, output, at, PRIMARY KEY (run_id, slot, attempt)) WITHOUT ROWID;
CREATE TABLE field (run_id, name, value, PRIMARY KEY (run_id, name)) WITHOUT ROWID;
CREATE TABLE change (id INTEGER PRIMARY KEY, run_id, slot, name, delta, at);
"""
RESULT = "INSERT INTO result VALUES ('r-1', ?, 1, 'success', ?, ?, '2026-01-01T00:00:00.000Z')"
FIELD = "INSERT INTO field VALUES ('r-1', 'last', ?) ON CONFLICT DO UPDATE SET value = excluded.value"
CHANGE = "INSERT INTO change (run_id, slot, name, delta, at) VALUES ('r-1', ?, 'last', ?, '2026-01-01T00:00:00.000Z')"
EVENTS = ("node.ready", "node.started", "state.write", "node.finished")


class Durable:
    """Database, log and cache folder of one run, made in an empty folder."""

    def __init__(self, folder: Path, *, cache_files: bool) -> None:
        self._cache = folder / "cache" if cache_files else None
        if self._cache:
            self._cache.mkdir()
        self._log: IO[str] = (folder / "run.jsonl").open("a", encoding="utf-8")
        self._database = sqlite3.connect(folder / "state.sqlite", isolation_level=None)
        self._database.executescript(SCHEMA)

    def keep(self, number: int, output: object) -> None:
        """Everything that must be on record before the next node may start."""
        slot, text = f"n{number}", json.dumps(output)
        key = f"{number:064x}"
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        execute(RESULT, (slot, key, text))
        execute(FIELD, (text,))
        execute(CHANGE, (slot, text))
        execute("COMMIT")
        for position, event in enumerate(EVENTS):
            line = {"seq": number * 4 + position, "ts": "2026-01-01T00:00:00.000Z", "run_id": "r-1", "type": event,
                    "node_id": slot}
            self._log.write(json.dumps(line) + "\n")
        self._log.flush()
        if self._cache:
            unfinished = self._cache / f"{key}.new"
            unfinished.write_text(text, encoding="utf-8")
            unfinished.rename(self._cache / f"{key}.json")

    def close(self) -> None:
        self._log.close()
        self._database.close()


def _node(number: int) -> dict[str, dict[str, int]]:
    return {"state_delta": {"last": number}}


async def _chain(count: int, keep: Callable[[int, object], None]) -> float:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for number in range(count):
        keep(number, await loop.run_in_executor(None, _node, number))
    return time.perf_counter() - began


def seconds(count: int, *, cache_files: bool = True) -> float:
    """What `count` nodes cost one after the other, the making of files and tables not counted."""
    with tempfile.TemporaryDirectory() as folder:
        durable = Durable(Path(folder), cache_files=cache_files)
        try:
            return asyncio.run(_chain(count, durable.keep))
        finally:
            durable.close()


if __name__ == "__main__":
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    took = seconds(nodes)
    print(f"{nodes} nodes in {took:.4f} s, {took / nodes * 1e6:.1f} µs a node")
