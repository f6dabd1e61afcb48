"""What a run costs on disk and in time, as ratios and bounds that do not depend on the machine."""

from __future__ import annotations

from pathlib import Path

from oe.store.sqlite_store import SqliteStore
from oe.store.statements import load_statements
from tests.contract.builders import ending, new_run, outcome
from tests.support.growth import growth


def _run(path: Path, nodes: int) -> int:
    """Bytes written for each node while the run lasts."""
    store = SqliteStore.open(path)
    store.create_run(new_run())
    store._connection.execute("PRAGMA wal_autocheckpoint = 0")
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(nodes):
        store.commit("r-1", [outcome(f"n{number}", 1, ("last", number), key="k" * 64, metrics={"calls": 1})])
    written = path.with_name(path.name + "-wal").stat().st_size
    store.end_run("r-1", ending())
    store.close()
    return written // nodes


def test_a_thousand_nodes_stay_small_and_leave_one_file(tmp_path: Path) -> None:
    _run(tmp_path / "state.sqlite", 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["state.sqlite"]
    assert (tmp_path / "state.sqlite").stat().st_size < 400_000


def test_bytes_written_for_a_node_do_not_grow_with_the_run(tmp_path: Path) -> None:
    few, many = _run(tmp_path / "few.sqlite", 200), _run(tmp_path / "many.sqlite", 4000)
    assert many < few * 1.3
    assert many < 9_000


def test_the_text_of_an_unchanged_spec_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    store = SqliteStore.open(path)
    for number in range(50):
        store.create_run(new_run(f"r-{number}", spec="x" * 100_000))
    assert [run.spec for run in store.find_runs(None, limit=2)] == ["x" * 100_000] * 2
    store.close()
    assert path.stat().st_size < 250_000


def test_a_journal_is_read_in_time_proportional_to_it(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.sqlite")

    sizes = (1000, 30_000)
    for rows in sizes:
        store.create_run(new_run(f"r-{rows}"))
        store.commit(f"r-{rows}", [outcome(f"n[{number}]", 1, ("f", number)) for number in range(rows)])
    assert growth(lambda rows: lambda: sum(1 for _ in store.journal(f"r-{rows}")), *sizes, most=2) <= 2
    store.close()


_MAY_SCAN = {"delete_spec_of", "find_runs", "delete_unused_specs"}
"""The newest of all runs, read backwards up to the limit; and pruning, which is rare."""


def test_no_statement_walks_or_sorts_a_table(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.sqlite")
    statements = load_statements("queries.sql")
    assert len(statements) > 20
    for name, sql in statements.items():
        parameters = dict.fromkeys(("experience", "prefix", "before", "limit", "run")) if ":" in sql else (None,) * sql.count("?")
        plans = [row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        assert not any("TEMP B-TREE" in plan for plan in plans), (name, plans)
        if name not in _MAY_SCAN:
            assert not any(plan.startswith("SCAN") for plan in plans), (name, plans)
    store.close()
