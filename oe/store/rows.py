"""Outcomes and runs as rows and back. Shared by SqliteStore and its in-memory twin, so both give the same values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from oe.errors import StoreError
from oe.lang.scope import MISSING
from oe.ports.store import Failure, Milestone, NewRun, Outcome, Owner, Run
from oe.values import Json, JsonObject, compact

Row: TypeAlias = "Sequence[Any]"
"""One row as SQLite gives it; `Any` ends here."""

STRETCH = 1 << 32
"""Entries of a run: ids from its number times this up to the next run's (see the table's comment)."""


def encode(value: Json) -> str:
    """JSON text that SQLite can keep. A lone surrogate, which UTF-8 has no form for, becomes its JSON escape.

    Raises StoreError for what is too deep or too large a number to be written as JSON.
    """
    try:
        text = compact(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreError(f"a value cannot be kept as JSON: {error}", code="store-value") from error
    return text if text.isascii() else plain(text)


def plain(text: str) -> str:
    """Text that UTF-8 can express: lone surrogates (as in file names of another encoding) become visible escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def decode(text: str) -> Json:
    """The value of a JSON text. Raises StoreError where the database holds none."""
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except ValueError as error:
        raise StoreError(f"the database holds a value that is no JSON: {error}", code="store-corrupt",
                         hint="the file is damaged: restore it from a backup, or move it away") from error


def outcome_row(entry_id: int, outcome: Outcome) -> Row:
    """In the order of statement `insert_outcome`."""
    slot, attempt, status, started_at, finished_at, key, writes, output, metrics, error, reason, details = outcome
    return (
        entry_id, slot, attempt, status, started_at, finished_at, key,
        encode(tuple(writes)) if writes else None,
        None if output is MISSING else encode(output),
        encode(metrics) if metrics else None,
        plain(error.name) if error else None,
        plain(error.message) if error else None,
        plain(reason) if reason is not None else None,
        encode(details) if details else None,
        key if "kept" in details else None,
    )


def entry_from(row: Row) -> Outcome | Milestone:
    """The reverse, for both sorts of entry."""
    (entry_id, slot, attempt, status, started_at, finished_at, key, writes, output, metrics, error_name, error, reason,
     details) = row[:14]
    if slot is None:
        return Milestone(entry_id % STRETCH, status, finished_at, decode_object(details))
    return Outcome(
        slot, attempt, status, started_at, finished_at, key, decode_writes(writes),
        MISSING if output is None else decode(output), decode_object(metrics),
        None if error_name is None else Failure(error_name, error), reason, decode_object(details),
    )


def decode_writes(text: str | None) -> tuple[tuple[str, Json], ...]:
    """(field, delta) in the order written."""
    if text is None:
        return ()
    return tuple((field, delta) for field, delta in cast("list[tuple[str, Json]]", decode(text)))


def decode_object(text: str | None) -> JsonObject:
    """An object; none is the empty one."""
    return cast("JsonObject", decode(text)) if text is not None else {}


def run_row(run: NewRun, base: JsonObject, nested: JsonObject, spec: int) -> Row:
    """In the order of statement `insert_run`."""
    return (run.run_id, plain(run.experience), plain(run.name), run.version, run.started_at, plain(run.owner.host),
            run.owner.pid, run.owner.started, spec, encode(dict(run.secrets)), encode(run.args), encode(base),
            encode(run.selection), encode(nested), encode(run.models))


def run_from(row: Row) -> Run:
    """A run, from the columns of statement `find_run`."""
    (_, run_id, experience, name, version, status, reason, started_at, finished_at, args, secrets, base, spec, host,
     pid, started, resumed, totals, state, publication, selection, nested, models) = row
    return Run(run_id, experience, name, version, status, reason, started_at, finished_at, decode_object(args),
               cast("Mapping[str, str]", decode_object(secrets)), decode_object(base), spec, Owner(host, pid, started),
               resumed, decode_object(totals), None if state is None else decode_object(state), publication is not None,
               decode_object(selection), cast("Mapping[str, JsonObject]", decode_object(nested)), decode_object(models))
