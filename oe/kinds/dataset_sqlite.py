"""Data sets of SQLite databases: one query, opened for reading alone, with bound parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from oe.kinds.databases import Bound, bound_values, database_place, only_reading, opened, read_rows
from oe.kinds.dataset_file import data_fault, give
from oe.kinds.dataset_path import DataPath
from oe.lang.template import ValueTemplate
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.values import Json


class SqliteDataset(NamedTuple):
    """Runs one query per attempt."""

    source: ValueTemplate
    transform: DataPath | None

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt, in a thread; cancelled, the query is broken off."""
        source = self.source.resolve(request.scope)
        if not isinstance(source, Mapping):
            raise data_fault("'sqlite' is no object")
        path = source.get("path") or source.get("file")
        place = database_place(path, context.files)
        query, bound = str(source["query"]), bound_values(source.get("params"))
        rows = await context.threads.call(lambda: _rows(place, str(path), query, bound, context),
                                          f"{request.node.id}: {path}")
        return give(rows, self.transform, request.declared)


def _rows(place: str, path: str, query: str, bound: Bound, context: NodeContext) -> Json:
    with opened(place, path, context, "a data set is one SELECT; kind: sql can change a database") as database:
        database.set_authorizer(only_reading)
        return read_rows(database.execute(query, bound), path)
