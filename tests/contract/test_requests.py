"""What other processes ask of a run's owner, by way of any Store."""

from __future__ import annotations

import pytest

from oe.errors import NotFoundError
from oe.ports.store import Reopened, Store
from oe.store.sqlite_store import SqliteStore
from tests.contract.builders import OWNER, ending, new_run, outcome


def test_a_request_is_seen_by_the_owner_and_answered(store: Store) -> None:
    store.create_run(new_run())
    assert list(store.open_requests("r-1")) == []
    asker = _another(store)
    whole, node = asker.ask_to_cancel("r-1", None, 1.0), asker.ask_to_cancel("r-1", "review[3]", 2.0)
    assert [tuple(request) for request in store.open_requests("r-1")] == [(whole, None), (node, "review[3]")]
    assert asker.find_answer(whole) is None
    store.answer_request(whole, {"run": True})
    assert [request.number for request in store.open_requests("r-1")] == [node]
    assert asker.find_answer(whole) == {"run": True}
    store.answer_request(node, {})
    assert list(store.open_requests("r-1")) == []


def test_a_request_is_seen_between_the_owners_own_commits(store: Store) -> None:
    store.create_run(new_run())
    asker = _another(store)
    for number in range(3):
        store.commit("r-1", [outcome(f"n{number}")])
        assert list(store.open_requests("r-1")) == []
        asked = asker.ask_to_cancel("r-1", None, 1.0)
        store.commit("r-1", [outcome(f"m{number}")])
        assert [request.number for request in store.open_requests("r-1")] == [asked]
        store.answer_request(asked, {})


def test_requests_are_of_one_run_and_gone_with_it(store: Store) -> None:
    for run_id in ("a", "b"):
        store.create_run(new_run(run_id))
    asker = _another(store)
    first, second = asker.ask_to_cancel("a", None, 1.0), asker.ask_to_cancel("b", "n", 1.0)
    assert [request.number for request in store.open_requests("b")] == [second]
    store.end_run("a", ending(status="cancelled"))
    store.reopen_run(Reopened("a", OWNER, 1020.0, "{}"))
    assert list(store.open_requests("a")) == []
    store.remove_run("b")
    assert (asker.find_answer(first), asker.find_answer(second)) == (None, None)
    with pytest.raises(NotFoundError, match="'b'"):
        asker.ask_to_cancel("b", None, 1.0)


def _another(store: Store) -> Store:
    """The same store as another process sees it."""
    return SqliteStore.open(store._path) if isinstance(store, SqliteStore) else store
