"""The Store on SQLite: one file, one row a committed outcome. SQL stands in `queries.sql`, rows in `rows`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from oe.errors import NotFoundError
from oe.ports.store import (
    CancelRequest,
    Ending,
    HistoryEntry,
    Mark,
    Milestone,
    NewRun,
    Outcome,
    Reopened,
    Run,
    RunExists,
)
from oe.store.database import Durability, Transaction, open_database
from oe.store.faults import from_sqlite
from oe.store.portable import PortablePaths
from oe.store.publication import (
    Published,
    base_again,
    closing_milestones,
    persistent_values,
    publish_all,
)
from oe.store.rows import STRETCH, Row, decode, decode_writes, encode, entry_from, outcome_row, plain, run_from, run_row
from oe.store.statements import load_statements
from oe.values import Json, JsonObject

if TYPE_CHECKING:
    from oe.ports.spending import Charged, Cost

_SQL = load_statements("queries.sql")
_INSERT_OUTCOME = _SQL["insert_outcome"]
_PAGE = 500
"""Rows read at a time: a reader holds no cursor open, so it never keeps the write-ahead log from being folded in."""


class SqliteStore:
    """See `oe.ports.store.Store` for the contract. For one thread at a time; blocks until each call is done."""

    def __init__(self, connection: sqlite3.Connection, path: str, *, read_only: bool = False) -> None:
        self._connection = connection
        self._path = path
        self._read_only = read_only
        self._transaction = Transaction(connection, path)
        self._paths = PortablePaths(path)
        self._last_ids: dict[str, int] = {}
        self._seen_version: int | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, durability: Durability = "process",
             read_only: bool = False) -> SqliteStore:
        """Opens the database, creating it where it is missing. `durability` 'power' keeps the last commit through a
        power cut, for an fsync a commit. `read_only` needs no write access. Raises StoreError, NotFoundError."""
        name = os.fspath(path)
        return cls(open_database(name, durability=durability, read_only=read_only), name, read_only=read_only)

    def commit(self, run_id: str, outcomes: Sequence[Outcome], superseded: Sequence[int] = ()) -> None:
        # Taken out, so that after a fault or an interrupt between commit and return the database is asked again.
        last = self._last_ids.pop(run_id, 0) or self._last_id(run_id)
        rows = [outcome_row(entry_id, outcome) for entry_id, outcome in enumerate(outcomes, start=last + 1)]
        if len(rows) == 1 and not superseded:
            self._insert_alone(rows[0])
        else:
            with self._transaction:
                self._connection.executemany(_INSERT_OUTCOME, rows)
                first = last - last % STRETCH
                self._connection.executemany(_SQL["mark_superseded"], [(first + number,) for number in superseded])
        self._last_ids[run_id] = last + len(rows)

    def _insert_alone(self, row: Row) -> None:
        """One outcome. In autocommit mode a statement is a transaction of its own: as whole and as lasting as one
        between BEGIN and COMMIT, for a third of the calls."""
        try:
            self._connection.execute(_INSERT_OUTCOME, row)
        except sqlite3.DatabaseError as error:
            raise from_sqlite(self._path, error) from error

    def create_run(self, run: NewRun) -> Run:
        with self._transaction:
            if self._find_number(run.run_id) is not None:
                raise RunExists(run.run_id)
            workspace = self._workspace(run.experience)
            base = dict(run.defaults) | {field: workspace[field] for field in run.persistent if field in workspace}
            spec = self._spec_number(run.experience, run.spec)
            nested = persistent_values(run.nested, self._workspace, run.nested_values)
            row = run_row(run._replace(experience=self._paths.kept(run.experience)), base,
                          self._paths.kept_keys(nested), spec)
            number = self._execute("insert_run", row).lastrowid or 0
            started = Milestone(1, "run.started", run.started_at, {})
            self._insert_milestones(number, [started])
        self._last_ids[run.run_id] = number * STRETCH + 1
        return self._expect_run(run.run_id)

    def reopen_run(self, again: Reopened) -> Run:
        last = self._last_id(again.run_id)
        number, entry = divmod(last, STRETCH)
        run = self._expect_run(again.run_id)
        with self._transaction:
            nested = {**persistent_values(again.nested, self._workspace), **run.nested}
            self._execute("reopen_run", (
                plain(again.owner.host), again.owner.pid, again.owner.started,
                self._spec_number(run.experience, again.spec), encode(base_again(run, again)),
                encode(self._paths.kept_keys(nested)), encode(again.models), number))
            self._execute("delete_requests", self._stretch(again.run_id))
            self._insert_milestones(number, [Milestone(entry + 1, "run.resumed", again.ts, {})])
        self._last_ids[again.run_id] = last + 1
        return self._expect_run(again.run_id)

    def end_run(self, run_id: str, ending: Ending) -> Sequence[Milestone]:
        run = self._expect_run(run_id)
        last = self._last_id(run_id)
        number, entry = divmod(last, STRETCH)
        published: dict[str, Published] = {}
        publication = None
        with self._transaction:
            if ending.status == "success" and ending.publications and not run.published:
                publication = self._execute("insert_publication", (number, ending.finished_at)).lastrowid
                published = publish_all(run.experience, ending.publications, self._workspace)
                for experience, found in published.items():
                    for field, value in found.values.items():
                        self._execute("set_field", (self._paths.kept(experience), field, encode(value)))
            self._execute("end_run", (ending.status, ending.reason, ending.finished_at, encode(ending.state),
                                      encode(ending.totals), publication, number))
            milestones = closing_milestones(entry + 1, ending, run.experience, published)
            self._insert_milestones(number, milestones)
        self._last_ids[run_id] = last + len(milestones)
        return milestones

    def remove_run(self, run_id: str) -> None:
        stretch = self._stretch(run_id)
        number = stretch[0] // STRETCH
        with self._transaction:
            self._execute("delete_entries", stretch)
            self._execute("delete_requests", stretch)
            self._execute("delete_publication", (number,))
            self._execute("delete_charges", (number,))
            self._connection.execute(_SQL["delete_spec_of"], {"run": number})
            self._execute("delete_run", (number,))
        self._last_ids.pop(run_id, None)

    def find_run(self, run_id: str) -> Run | None:
        row = self._read("find_run", (run_id,))
        return self._run_from(row[0]) if row else None

    def find_runs(self, experience: str | None, *, prefix: str = "", before: str | None = None,
                  limit: int = 50) -> list[Run]:
        parameters = {"prefix": prefix, "before": before, "limit": limit}
        if experience is None:
            return [self._run_from(row) for row in self._read("find_runs", parameters)]
        parameters["experience"] = self._paths.kept(experience)
        return [self._run_from(row) for row in self._read("find_runs_of", parameters)]

    def journal(self, run_id: str) -> Iterator[Outcome]:
        return (cast(Outcome, entry_from(row)) for row in self._pages("counted_outcomes", run_id))

    def marks(self, run_id: str) -> Iterator[Mark]:
        return (Mark(row[0] % STRETCH, row[1], row[2], row[3], not row[4]) for row in self._pages("marks", run_id))

    def outcome(self, run_id: str, number: int) -> Outcome:
        for row in self._read("outcome", (number, run_id)):
            return cast(Outcome, entry_from(row))
        raise NotFoundError(f"run '{run_id}' has no outcome {number}")

    def everything(self, run_id: str) -> Iterator[Outcome | Milestone]:
        for row in self._pages("entries", run_id):
            entry = entry_from(row)
            if isinstance(entry, Milestone) and entry.type == "run.started":
                entry = entry._replace(data={"args": self._expect_run(run_id).args})
            yield entry

    def find_result(self, key: str) -> tuple[str, Outcome] | None:
        for row in self._read("find_result", (key,)):
            outcome = entry_from(row)
            for run_id, in self._read("run_of_number", (row[0] // STRETCH,)):
                return (run_id, outcome) if isinstance(outcome, Outcome) else None
        return None

    def history(self, run_id: str, field: str | None = None) -> Iterator[HistoryEntry]:
        for _, slot, attempt, ts, writes in self._pages("writing_entries", run_id):
            for name, delta in decode_writes(writes):
                if field is None or name == field:
                    yield HistoryEntry(slot, attempt, name, delta, ts)

    def charge(self, run_id: str, slot: str, worst: Cost) -> int:
        number = self._stretch(run_id)[0] // STRETCH
        with self._transaction:
            return self._execute("insert_charge", (number, slot, worst.tokens, worst.usd, worst.calls)).lastrowid or 0

    def settle(self, number: int, charged: Charged) -> None:
        with self._transaction:
            self._execute("settle_charge", (*charged[1:5], charged.is_settled + charged.is_unpriced, number))

    def charges(self, run_id: str) -> Iterator[Charged]:
        from oe.ports.spending import Charged  # most runs are charged nothing

        number = self._stretch(run_id)[0] // STRETCH
        return (Charged._make((*row[:5], row[5] > 0, row[5] > 1)) for row in self._read("charges", (number,)))

    def workspace(self, experience: str) -> JsonObject:
        return {field: decode(value) for field, value in self._read("workspace", (self._paths.kept(experience),))}

    def clear_workspace(self, experience: str, field: str | None = None) -> list[str]:
        with self._transaction:
            names = [name for name in self._workspace(experience) if field is None or name == field]
            for name in names:
                self._execute("clear_field", (self._paths.kept(experience), name))
        return names

    def ask_to_cancel(self, run_id: str, node: str | None, ts: float) -> int:
        stretch = self._stretch(run_id)
        with self._transaction:
            number = (self._read("last_request", stretch)[0][0] or stretch[0]) + 1
            self._execute("insert_request", (number, None if node is None else plain(node), ts))
        return int(number)

    def open_requests(self, run_id: str) -> Sequence[CancelRequest]:
        version = self._read("data_version", ())[0][0]
        if version == self._seen_version:
            return ()
        rows = self._read("open_requests", self._stretch(run_id))
        if not rows:
            self._seen_version = version
        return [CancelRequest(number, node) for number, node in rows]

    def answer_request(self, number: int, answer: JsonObject) -> None:
        with self._transaction:
            self._execute("answer_request", (encode(answer), number))

    def find_answer(self, number: int) -> JsonObject | None:
        rows = self._read("find_answer", (number,))
        return cast(JsonObject, decode(rows[0][0])) if rows and rows[0][0] is not None else None

    def close(self) -> None:
        """Closes. Folding the write-ahead log in is left to whoever still uses the database, if anybody does."""
        try:
            if not self._read_only:
                self._connection.execute("PRAGMA busy_timeout = 0")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.ProgrammingError:
            return  # closed already
        except sqlite3.Error:
            pass  # what is committed stays in the write-ahead log, and the next connection reads it from there
        self._connection.close()

    def _execute(self, name: str, parameters: Row = ()) -> sqlite3.Cursor:
        return self._connection.execute(_SQL[name], parameters)

    def _read(self, name: str, parameters: Row | Mapping[str, object]) -> list[Row]:
        try:
            return self._connection.execute(_SQL[name], parameters).fetchall()
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.Error as error:
            raise from_sqlite(self._path, error) from error

    def _pages(self, name: str, run_id: str) -> Iterator[Row]:
        position, end = self._stretch(run_id)
        while rows := self._read(name, (position, end, _PAGE)):
            yield from rows
            position = rows[-1][0]

    def _find_number(self, run_id: str) -> int | None:
        row = self._execute("run_number", (run_id,)).fetchone()
        return row[0] if row else None

    def _stretch(self, run_id: str) -> tuple[int, int]:
        """The lowest and highest id that entries of the run may have; the lowest is never used."""
        rows = self._read("run_number", (run_id,))
        if not rows:
            raise _not_found(run_id)
        first = rows[0][0] * STRETCH
        return first, first + STRETCH - 1

    def _last_id(self, run_id: str) -> int:
        stretch = self._stretch(run_id)
        return self._read("last_entry", stretch)[0][0] or stretch[0]

    def _expect_run(self, run_id: str) -> Run:
        run = self.find_run(run_id)
        if run is None:
            raise _not_found(run_id)
        return run

    def _run_from(self, row: Row) -> Run:
        run = run_from(row)
        return run._replace(experience=self._paths.found(run.experience), nested=self._paths.found_keys(run.nested))

    def _workspace(self, experience: str) -> dict[str, Json]:
        return {field: decode(value) for field, value in self._execute("workspace", (self._paths.kept(experience),))}

    def _spec_number(self, experience: str, text: str) -> int:
        """The row of the spec's text; runs of an unchanged file share it."""
        latest = self._execute("latest_spec", (self._paths.kept(experience),)).fetchone()
        if latest and latest[1] == plain(text):
            return int(latest[0])
        return self._execute("insert_spec", (plain(text),)).lastrowid or 0

    def _insert_milestones(self, number: int, milestones: Sequence[Milestone]) -> None:
        for milestone in milestones:
            self._execute("insert_milestone", (number * STRETCH + milestone.number, milestone.type, milestone.ts,
                                               encode(milestone.data) if milestone.data else None))


def _not_found(run_id: str) -> NotFoundError:
    return NotFoundError(f"there is no run '{run_id}'", hint="'oe runs' lists them")
