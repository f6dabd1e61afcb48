"""Statements on databases of the experience: what they give, what they change, and what they are kept from."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from oe.errors import NodeError
from oe.store.sqlite_store import SqliteStore
from oe.values import Json
from tests.unit.kinds.attempts import KIND_OF, Experiment

DATABASE = "d ?#.sqlite"


@pytest.fixture(autouse=True)
def database(experiment: Experiment) -> None:
    change(experiment, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, part BLOB)")
    change(experiment, "INSERT INTO t (name) VALUES ('a'), ('b')")


def change(experiment: Experiment, text: str) -> None:
    """By other means."""
    with contextlib.closing(sqlite3.connect(experiment.folder / DATABASE)) as connection, connection:
        connection.execute(text)


def names(experiment: Experiment) -> list[str]:
    with contextlib.closing(sqlite3.connect(experiment.folder / DATABASE)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM t ORDER BY id")]


def run(experiment: Experiment, statement: str, **options: Json) -> Json:
    output = experiment.run(kind="sql", database=DATABASE, statement=statement, writes=["rows"], **options)
    assert output.edge_output == output.state_delta["rows"]
    return output.edge_output  # type: ignore[return-value]


def failure(experiment: Experiment, statement: str, **options: Json) -> NodeError:
    with pytest.raises(NodeError) as caught:
        run(experiment, statement, **options)
    assert not caught.value.retryable
    return caught.value


def test_rows_are_objects(experiment: Experiment) -> None:
    assert run(experiment, "SELECT id, name, 1.5 AS x, NULL AS y FROM t") == [
        {"id": 1, "name": "a", "x": 1.5, "y": None}, {"id": 2, "name": "b", "x": 1.5, "y": None}]


def test_a_statement_may_stand_in_a_file(experiment: Experiment) -> None:
    experiment.write("q.sql", "SELECT count(*) AS n FROM t;\n-- done\n")
    assert run(experiment, "q.sql") == [{"n": 2}]


@pytest.mark.parametrize(("where", "params"), [("name = ?", ["b"]), ("name = :n", {"n": "b"}),
                                               ("name = ? AND id = ?", ["b", "$.a[0]"])])
def test_values_are_bound(experiment: Experiment, where: str, params: Json) -> None:
    experiment.view["a"] = [2]
    assert run(experiment, f"SELECT id FROM t WHERE {where}", params=params) == [{"id": 2}]


def test_a_hostile_value_is_a_value(experiment: Experiment) -> None:
    hostile = "x'); DROP TABLE t; --"
    assert run(experiment, "INSERT INTO t (name) VALUES (?)", params=[hostile], effects=True) == {"changes": 1}
    assert names(experiment) == ["a", "b", hostile]


def test_it_reads_unless_it_says_effects(experiment: Experiment) -> None:
    for statement in ("WITH n AS (SELECT 1) DELETE FROM t", "PRAGMA user_version = 3", "BEGIN"):
        error = failure(experiment, statement)
        assert (error.code, error.hint) == ("query-writes", "say effects: true where it is to change the database")
    assert names(experiment) == ["a", "b"]


@pytest.mark.parametrize(("statement", "value", "left"), [
    ("UPDATE t SET name = name || '!'", {"changes": 2}, ["a!", "b!"]),
    ("DELETE FROM t WHERE id > 99", {"changes": 0}, ["a", "b"]),
    ("INSERT INTO t (name) VALUES ('c') RETURNING id, name", [{"id": 3, "name": "c"}], ["a", "b", "c"]),
    ("CREATE TABLE u (x)", {"changes": 0}, ["a", "b"]),
    ("WITH n(x) AS (VALUES ('c'), ('d')) INSERT INTO t (name) SELECT x FROM n", {"changes": 2}, ["a", "b", "c", "d"]),
    ("/* first */ -- then\n DELETE FROM t WHERE id = 1", {"changes": 1}, ["b"]),
    ("SELECT count(*) AS n FROM t", [{"n": 2}], ["a", "b"]),
])
def test_with_effects_it_changes(experiment: Experiment, statement: str, value: Json, left: list[str]) -> None:
    assert run(experiment, statement, effects=True) == value
    assert names(experiment) == left


@pytest.mark.parametrize("statement", [
    "ATTACH 'other.sqlite' AS o", "COMMIT", "SAVEPOINT s", "PRAGMA journal_mode = DELETE", "VACUUM INTO 'copy.sqlite'",
    "SELECT load_extension('x')", "CREATE VIRTUAL TABLE v USING fts5(x)",
    "INSERT INTO t (name) VALUES ('c'); DELETE FROM t", "INSERT INTO t (name) VALUES ('c'), ('a')"])
def test_a_change_stays_in_its_database_and_is_made_whole_or_not_at_all(experiment: Experiment, statement: str) -> None:
    failure(experiment, statement, effects=True)
    assert names(experiment) == ["a", "b"]
    assert sorted(path.name for path in experiment.folder.iterdir()) == [DATABASE]


@pytest.mark.parametrize(("statement", "options", "message"), [
    ("SELECT * FROM t", {"max_rows": 1}, "the query of 'd ?#.sqlite' gives more than 1 rows"),
    ("INSERT INTO t (name) VALUES ('c'), ('d') RETURNING id", {"max_rows": 1, "effects": True}, "more than 1 rows"),
    ("SELECT x'00' AS b", {}, "holds a blob in column 'b'"),
    ("SELECT 1 AS x, 2 AS x", {}, "two columns named 'x'"),
    ("SELECT * FROM nowhere", {}, "no such table: nowhere"),
    ("SELECT ?", {"params": []}, "incorrect number of bindings"),
    ("SELECT ?", {"params": [[1]]}, "parameter [0] of the query is of type array"),
    ("SELECT hex(zeroblob(200000000)) AS x", {}, "string or blob too big"),
])
def test_what_cannot_be_given(experiment: Experiment, statement: str, options: dict[str, Json], message: str) -> None:
    assert message in failure(experiment, statement, **options).message
    assert names(experiment) == ["a", "b"]


def test_rows_up_to_the_limit_are_given(experiment: Experiment) -> None:
    assert run(experiment, "SELECT id FROM t", max_rows=2) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("path", ["../d.sqlite", "/etc/passwd", "no.sqlite", "folder"])
def test_a_database_that_data_names_is_inside(experiment: Experiment, path: str) -> None:
    (experiment.folder / "folder").mkdir()
    experiment.view["a"] = path
    with pytest.raises(NodeError) as caught:
        experiment.run(kind="sql", database="$.a", statement="SELECT 1", effects=True)
    assert caught.value.code in {"path-outside", "missing-file", "not-a-file"}


def test_what_oe_keeps_is_not_changed_wherever_it_is(experiment: Experiment) -> None:
    SqliteStore.open(experiment.folder / "data.sqlite").close()
    options: dict[str, Json] = {"kind": "sql", "database": "data.sqlite", "writes": ["rows"]}
    assert experiment.run(statement="SELECT count(*) AS n FROM run", **options).edge_output == [{"n": 0}]
    with pytest.raises(NodeError, match="belongs to oe") as caught:
        experiment.run(statement="DELETE FROM run", effects=True, **options)
    assert caught.value.code == "path-outside"


@pytest.mark.parametrize("statement", [
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t (name) SELECT i || 'x' FROM n"])
def test_a_statement_without_end_ends_with_its_attempt(experiment: Experiment, statement: str) -> None:
    node, executor = experiment.executor(kind="sql", database=DATABASE, statement=statement, effects=True)
    experiment.context.cancelled = True

    async def main() -> None:
        await asyncio.wait_for(executor.execute(experiment.request(node), experiment.context), 20)

    with pytest.raises(NodeError, match="interrupted"):
        asyncio.run(main())
    assert names(experiment) == ["a", "b"]


def test_a_change_that_was_cancelled_before_its_commit_is_taken_back(experiment: Experiment) -> None:
    node, executor = experiment.executor(kind="sql", database=DATABASE, statement="DELETE FROM t", effects=True)
    experiment.context.cancelled = True
    with pytest.raises(NodeError, match="before its changes were committed"):
        asyncio.run(executor.execute(experiment.request(node), experiment.context))  # type: ignore[arg-type]
    assert names(experiment) == ["a", "b"]


@pytest.mark.parametrize(("options", "code"), [
    ({"database": "no.sqlite"}, "missing-file"), ({"database": "../d.sqlite"}, "path-outside"),
    ({"statement": "q.sql"}, "missing-file"), ({"statement": "../q.sql"}, "path-outside"),
    ({"statement": "$.a"}, "query-reference"), ({"statement": "SELECT '{{ a }}'"}, "query-reference"),
    ({"writes": ["a", "b"]}, "dataset-fields"), ({"max_rows": 0}, "bad-value"),
    ({"params": ["$.a["]}, "invalid-reference"), ({"statement": "-- nothing\n/* at all"}, "bad-value"),
    ({"statement": " /* rows */ delete from t"}, "query-writes"), ({"statement": "drop.sql"}, "query-writes"),
    ({"statement": "latin.sql"}, "bad-data"),
])
def test_what_validation_sees(experiment: Experiment, options: dict[str, Json], code: str) -> None:
    experiment.write("drop.sql", "DROP TABLE t")
    experiment.write("latin.sql", b"SELECT '\xe9'")
    node: dict[str, Json] = {"kind": "sql", "database": DATABASE, "statement": "SELECT 1", **options}
    assert code in [problem.code for problem in experiment.check(**node)]


@pytest.mark.parametrize("options", [
    {"statement": "DELETE FROM t", "effects": True}, {"statement": "WITH n AS (SELECT 1) SELECT * FROM n"},
    {"statement": "select 1", "params": {"n": "$.a[0]"}}, {"statement": "q.sql"}, {"database": "$args.given"},
])
def test_what_is_in_order(experiment: Experiment, options: dict[str, Json]) -> None:
    experiment.write("q.sql", "\ufeff-- rows\nSELECT 1")
    node: dict[str, Json] = {"kind": "sql", "database": DATABASE, "statement": "SELECT 1", **options}
    assert [problem for problem in experiment.check(**node) if problem.severity == "error"] == []


def test_results_are_not_kept_unless_asked(experiment: Experiment) -> None:
    node, _ = experiment.executor(kind="sql", database=DATABASE, statement="SELECT 1 AS x")
    assert not KIND_OF["sql"].is_cached_by_default(node)
