"""Data sets: what files and queries give, and where what is wrong with them stands."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from oe.errors import NodeError
from oe.kinds import databases, dataset_file
from oe.values import Json
from tests.unit.kinds.attempts import Experiment


def data(experiment: Experiment, **options: Json) -> Json:
    output = experiment.run(kind="dataset", writes=["rows"], **options)
    assert output.edge_output == output.state_delta["rows"]
    return output.state_delta["rows"]


def failure(experiment: Experiment, **options: Json) -> NodeError:
    with pytest.raises(NodeError) as caught:
        experiment.run(kind="dataset", writes=["rows"], **options)
    return caught.value


# Files


@pytest.mark.parametrize(("name", "content", "options", "expected"), [
    ("d.json", '{"a": [1, 2.5, null, "é"]}', {}, {"a": [1, 2.5, None, "é"]}),
    ("d.json", '\ufeff[1]', {}, [1]),
    ("d.JSON", "3", {}, 3),
    ("d.jsonl", '{"a": 1}\n\n  \n{"a": 2}', {}, [{"a": 1}, {"a": 2}]),
    ("d.jsonl", '\ufeff1\r\n2\r\n', {}, [1, 2]),
    ("d.ndjson", "", {}, []),
    ("d.csv", "a,b\r\n1,x\r\n2,\"y,\"\"z\"\"\nw\"\r\n", {}, [{"a": "1", "b": "x"}, {"a": "2", "b": 'y,"z"\nw'}]),
    ("d.csv", "\ufeffa\n1\n\n2\n", {}, [{"a": "1"}, {"a": "2"}]),
    ("d.csv", "a,b\n", {}, []),
    ("d.csv", "a;b\n1;2\n", {"delimiter": ";"}, [{"a": "1", "b": "2"}]),
    ("d.tsv", "a\tb\n1\t2,3\n", {}, [{"a": "1", "b": "2,3"}]),
    ("d.txt", "a\n1\n", {"format": "csv"}, [{"a": "1"}]),
    ("d.csv", "[1]", {"format": "json"}, [1]),
])
def test_files_of_every_format(experiment: Experiment, name: str, content: str, options: dict[str, Json],
                               expected: Json) -> None:
    experiment.write(name, content)
    assert data(experiment, file=f"./{name}", **options) == expected


def test_types_are_inferred_on_request(experiment: Experiment) -> None:
    experiment.write("d.csv", "int,num,bool,text,code,mixed,empty,some\n1,1.5,true,x,007,1,,\n-2,2e3,FALSE,1,1,a,,7\n")
    assert data(experiment, file="d.csv", types="infer") == [
        {"int": 1, "num": 1.5, "bool": True, "text": "x", "code": "007", "mixed": "1", "empty": "", "some": None},
        {"int": -2, "num": 2000.0, "bool": False, "text": "1", "code": "1", "mixed": "a", "empty": "", "some": 7}]


def test_a_number_that_is_too_large_stays_a_text(experiment: Experiment) -> None:
    text = f"1{'0' * 300}e99"
    experiment.write("d.csv", f"a\n{text}\n")
    assert data(experiment, file="d.csv", types="infer") == [{"a": text}]


def test_types_can_be_named(experiment: Experiment) -> None:
    experiment.write("d.csv", "a,b,c,d\n1,2,true,4\n,,,\n")
    types: Json = {"a": "integer", "b": "number", "c": "boolean", "d": "string"}
    assert data(experiment, file="d.csv", types=types) == [{"a": 1, "b": 2, "c": True, "d": "4"},
                                                           {"a": None, "b": None, "c": None, "d": ""}]


def test_the_path_may_be_a_reference(experiment: Experiment) -> None:
    experiment.write("data/d.json", "[1]")
    experiment.scope.args = {"given": "data/d.json"}
    assert data(experiment, file="$args.given") == [1]


@pytest.mark.parametrize(("name", "content", "options", "message"), [
    ("d.json", b'{"a": 1,\n "b" 2}', {}, "d.json:2:6: no JSON: expecting ':' delimiter"),
    ("d.json", b"", {}, "d.json:1:1: no JSON"),
    ("d.json", b'[1]\n[2]', {}, "d.json:2:1: no JSON: extra data"),
    ("d.json", b"[NaN]", {}, "'nan' is no json number"),
    ("d.json", b"[1e999]", {}, "at '[0]' is inf"),
    ("d.json", b"[-1e+400]", {}, "at '[0]' is -inf"),
    ("d.json", b'["\\uD83D"]', {}, "lone surrogate"),
    ("d.json", b"[" * 100_000, {}, "nested too deeply"),
    ("d.json", b"[" * 300 + b"]" * 300, {}, "nested deeper than 200"),
    ("d.json", b"9" * 5000, {}, "exceeds the limit"),
    ("d.json", b'{\n"a": "caf\xe9"}', {}, "d.json:2:10: byte 0xe9 is no UTF-8"),
    ("d.jsonl", b'1\n2\n{"a": }\n', {}, "d.jsonl:3:7: no JSON"),
    ("d.jsonl", b"1\n\xff\n", {}, "d.jsonl:2:1: byte 0xff is no UTF-8"),
    ("d.csv", b"a,b\n1,2\n1\n", {}, "d.csv:3: the row has 1 field, the header 2"),
    ("d.csv", b"a,b\n1,\"2\nx\"\n1,2,3\n", {}, "d.csv:4: the row has 3 fields, the header 2"),
    ("d.csv", b"", {}, "d.csv:1: no header"),
    ("d.csv", b"a,,c\n", {}, "d.csv:1: column 2 has no name"),
    ("d.csv", b"a,b,a\n", {}, "d.csv:1: two columns are named 'a'"),
    ("d.csv", b'a\n"x" y\n', {}, "d.csv:2: "),
    ("d.csv", b'a\n"x\n\n', {}, "d.csv:3: unexpected end of data"),
    ("d.csv", b"a\n1\n\xff\n", {}, "d.csv:3:1: byte 0xff is no UTF-8"),
    ("d.csv", b"a\n1\nx\n", {"types": {"a": "integer"}}, "d.csv:3: 'x' in column 'a' is no integer"),
    ("d.csv", b"count\n1\n", {"types": {"cout": "integer"}}, "'d.csv' has no column 'cout'"),
])
def test_what_is_wrong_with_a_file_is_said_with_its_place(experiment: Experiment, name: str, content: bytes,
                                                          options: dict[str, Json], message: str) -> None:
    experiment.write(name, content)
    error = failure(experiment, file=name, **options)
    assert message.lower() in error.message.lower()
    assert not error.retryable


@pytest.mark.parametrize("given", ["../secret.json", "/etc/passwd", "link.json", "missing.json", ".", 3])
def test_a_path_that_a_reference_gives_stays_inside(experiment: Experiment, given: Json) -> None:
    (experiment.folder.parent / "secret.json").write_text("[]")
    (experiment.folder / "link.json").symlink_to("../secret.json")
    experiment.scope.args = {"given": given}
    error = failure(experiment, file="$args.given")
    assert not error.retryable


def test_a_file_that_is_too_large_is_refused_unread(experiment: Experiment) -> None:
    with (experiment.folder / "d.json").open("wb") as file:
        file.truncate(dataset_file.MOST_BYTES + 1)
    assert failure(experiment, file="d.json").message == "'d.json' has 256.0 MiB, a data set at most 256.0 MiB"


def test_a_file_that_may_not_be_read_says_so(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment.write("d.json", "[]")
    monkeypatch.setattr(dataset_file, "open", _refuse, raising=False)
    assert failure(experiment, file="d.json").message == "cannot read 'd.json': permission denied"


def _refuse(*_: object) -> None:
    raise PermissionError(13, os.strerror(13))


# Parts


@pytest.mark.parametrize(("path", "expected"), [
    ("$.rows[1].x", 2), ("rows[1].x", 2), ("$", {"rows": [{"x": 1}, {"x": 2}], "odd key": 3}), ("rows", [{"x": 1}, {"x": 2}]),
    ("$['odd key']", 3), ("['odd key']", 3),
])
def test_a_path_leads_to_a_part(experiment: Experiment, path: str, expected: Json) -> None:
    experiment.write("d.json", '{"rows": [{"x": 1}, {"x": 2}], "odd key": 3}')
    assert data(experiment, file="d.json", transform=path) == expected


def test_a_path_into_a_list(experiment: Experiment) -> None:
    experiment.write("d.jsonl", '{"x": [1]}\n')
    assert data(experiment, file="d.jsonl", transform="[0].x") == [1]


@pytest.mark.parametrize(("path", "message", "hint"), [
    ("row", "'$' has no key 'row'", "did you mean 'rows'?"),
    ("rows[2]", "'$.rows' has 2 items, no [2]", None),
    ("rows.x", "'$.rows' is a list and has no key 'x'", "write $.rows[0].x"),
    ("rows[0].x.y", "'$.rows[0].x' is of type integer", None),
])
def test_a_path_that_leads_nowhere_names_the_step(experiment: Experiment, path: str, message: str,
                                                  hint: str | None) -> None:
    experiment.write("d.json", '{"rows": [{"x": 1}, {"x": 2}]}')
    error = failure(experiment, file="d.json", transform=path)
    assert message in error.message
    assert error.hint == hint


# Databases


@pytest.fixture
def database(experiment: Experiment) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(experiment.folder / "d ?#.sqlite")) as connection:
        connection.executescript("CREATE TABLE t (id INTEGER, name TEXT, part BLOB); "
                                 "INSERT INTO t VALUES (1, 'one', NULL), (2, 'zwei é', x'00ff'), (3, NULL, NULL)")
        yield connection


def query(experiment: Experiment, text: str, params: Json = None) -> Json:
    options: dict[str, Json] = {"path": "d ?#.sqlite", "query": text}
    return data(experiment, sqlite=options if params is None else {**options, "params": params})


@pytest.mark.usefixtures("database")
def test_a_query_gives_objects_with_bound_parameters(experiment: Experiment) -> None:
    experiment.scope.args = {"given": "one' OR 1=1 --"}
    assert query(experiment, "SELECT id, name FROM t WHERE id <> ? ORDER BY id", [2]) == [
        {"id": 1, "name": "one"}, {"id": 3, "name": None}]
    assert query(experiment, "SELECT id FROM t WHERE name = :name", {"name": "$args.given"}) == []
    assert query(experiment, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) "
                             "SELECT sum(i) AS s, upper('x') AS u FROM n") == [{"s": 6, "u": "X"}]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("text", "message"), [
    ("DELETE FROM t", "does more than it may"),
    ("INSERT INTO t VALUES (9, '', NULL)", "does more than it may"),
    ("ATTACH '/tmp/other' AS other", "does more than it may"),
    ("PRAGMA journal_mode = WAL", "does more than it may"),
    ("PRAGMA query_only = 0", "does more than it may"),
    ("CREATE TEMP TABLE x (y)", "does more than it may"),
    ("SELECT load_extension('x')", "not authorized"),
    ("SELECT 1; SELECT 2", "you can only execute one statement at a time"),
    ("SELECT missing FROM t", "no such column: missing"),
    ("SELECT part FROM t WHERE id = 2", "row 1 of 'd ?#.sqlite' holds a blob in column 'part'"),
    ("SELECT 9e999 AS big", "holds inf in column 'big'"),
    ("SELECT id, id FROM t", "gives two columns named 'id'"),
    ("SELECT ?", "incorrect number of bindings"),
])
def test_a_query_that_is_refused(experiment: Experiment, text: str, message: str) -> None:
    with pytest.raises(NodeError) as caught:
        query(experiment, text)
    assert message in caught.value.message
    assert not caught.value.retryable
    with contextlib.closing(sqlite3.connect(experiment.folder / "d ?#.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (3,)


@pytest.mark.usefixtures("database")
def test_a_query_that_asks_nothing_gives_no_rows(experiment: Experiment) -> None:
    assert query(experiment, "-- nothing") == []


def test_reading_a_database_leaves_nothing_beside_it(experiment: Experiment, database: sqlite3.Connection) -> None:
    query(experiment, "SELECT 1 AS x")
    assert sorted(path.name for path in Path(experiment.folder).iterdir()) == ["d ?#.sqlite"]


def test_a_database_that_another_holds_is_tried_again(experiment: Experiment, database: sqlite3.Connection,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.0)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NodeError, match="cannot be used now: database is locked") as caught:
        query(experiment, "SELECT id FROM t")
    assert caught.value.retryable


@pytest.mark.usefixtures("database")
def test_a_database_may_be_larger_than_what_is_read_at_once(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_file, "MOST_BYTES", 1000)
    assert query(experiment, "SELECT count(*) AS n FROM t") == [{"n": 3}]


def test_a_file_that_is_no_database_says_so(experiment: Experiment) -> None:
    experiment.write("d.sqlite", "this is a text, and long enough to be looked at as a database header is" * 20)
    error = failure(experiment, sqlite={"path": "d.sqlite", "query": "SELECT 1 FROM sqlite_master"})
    assert error.message == "'d.sqlite' is no SQLite database"


def test_a_query_without_end_ends_with_its_attempt(experiment: Experiment, database: sqlite3.Connection) -> None:
    node, executor = experiment.executor(kind="dataset", writes=["rows"], sqlite={
        "path": "d ?#.sqlite",
        "query": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n"})
    experiment.context.cancelled = True

    async def main() -> None:
        await asyncio.wait_for(executor.execute(experiment.request(node), experiment.context), 20)

    with pytest.raises(NodeError, match="interrupted"):
        asyncio.run(main())


def test_a_result_that_is_too_large_is_refused(experiment: Experiment, database: sqlite3.Connection,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MOST_BYTES", 10_000)
    with pytest.raises(NodeError, match=r"gives more than 9\.8 KiB"):
        query(experiment, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")


# Checks


@pytest.mark.parametrize(("options", "code"), [
    ({}, "dataset-no-source"),
    ({"file": "d.json", "sqlite": {"path": "d.json", "query": "SELECT 1"}}, "dataset-two-sources"),
    ({"http": "https://x"}, "not-yet-available"),
    ({"mcp-resource": "x"}, "not-yet-available"),
    ({"file": "dd.json"}, "missing-file"),
    ({"file": "../d.json"}, "path-outside"),
    ({"file": "d.txt"}, "dataset-format"),
    ({"file": "d.json", "types": "infer"}, "dataset-not-a-table"),
    ({"file": "d.json", "delimiter": ";"}, "dataset-not-a-table"),
    ({"file": "d.json", "transform": "a..b"}, "bad-transform"),
    ({"file": "d.json", "transform": "$args.x"}, "bad-transform"),
    ({"file": "d.json", "writes": ["a", "b"]}, "dataset-fields"),
    ({"file": "$nope.x"}, "invalid-reference"),
    ({"sqlite": {"query": "SELECT 1"}}, "dataset-no-source"),
    ({"sqlite": {"path": "d.json", "file": "d.json", "query": "SELECT 1"}}, "dataset-no-source"),
    ({"sqlite": {"path": "no.db", "query": "SELECT 1"}}, "missing-file"),
    ({"sqlite": {"path": "../d.db", "query": "SELECT 1"}}, "path-outside"),
    ({"sqlite": {"path": "d.json", "query": "$args.given"}}, "query-reference"),
    ({"sqlite": {"path": "d.json", "query": "SELECT 1"}, "types": "infer"}, "dataset-key-without-file"),
])
def test_problems_that_are_seen_without_reading(experiment: Experiment, options: dict[str, Json], code: str) -> None:
    experiment.write("d.json", "[]")
    experiment.write("d.txt", "[]")
    found = [problem for problem in experiment.check(kind="dataset", **options) if problem.code == code]
    assert found, [str(problem) for problem in experiment.check(kind="dataset", **options)]
    assert found[0].span is not None
    assert found[0].span.line > 1


@pytest.mark.parametrize("options", [
    {"file": "d.json"}, {"file": "$args.given"}, {"file": "d.txt", "format": "csv", "types": {"a": "integer"}},
    {"sqlite": {"file": "d.json", "query": "SELECT 1", "params": [1]}}, {"file": "d.json", "transform": "a.b[0]"},
])
def test_what_is_in_order(experiment: Experiment, options: dict[str, Json]) -> None:
    experiment.write("d.json", "[]")
    experiment.write("d.txt", "a")
    assert [str(problem) for problem in experiment.check(kind="dataset", writes=["rows"], **options)] == []
