"""What every Store does, whatever it keeps its runs in."""

from __future__ import annotations

import pytest

from oe.errors import NotFoundError, StoreError
from oe.lang.scope import MISSING
from oe.ports.spending import Charged, Cost
from oe.ports.store import Failure, HistoryEntry, Mark, Milestone, Owner, Publication, Reopened, RunExists, Store
from oe.values import Json
from tests.contract.builders import EXPERIENCE, OWNER, ending, new_run, outcome, types


def test_a_run_is_recorded_as_it_was_given(store: Store) -> None:
    created = store.create_run(new_run(args={"q": "x"}, spec="the spec"))
    assert created == store.find_run("r-1")
    assert (created.run_id, created.experience, created.name, created.version) == ("r-1", EXPERIENCE, "review", "1.0.0")
    assert (created.status, created.reason, created.started_at, created.finished_at) == ("running", None, 1000.25, None)
    assert (created.args, created.secrets, created.spec, created.owner) == (
        {"q": "x"}, {"token": "digest"}, "the spec", OWNER)
    assert (created.resumed, created.totals, created.state, created.published) == (0, {}, None, False)


def test_a_run_starts_from_the_defaults_overlaid_by_its_persistent_fields(store: Store) -> None:
    store.create_run(new_run())
    store.end_run("r-1", ending(Publication("kept", "last_wins", 7), Publication("other", "last_wins", 8)))
    run = store.create_run(new_run("r-2", defaults={"kept": 1, "plain": 2}, persistent=["kept", "absent"]))
    assert run.base == {"kept": 7, "plain": 2}


def test_the_base_is_that_of_the_start(store: Store) -> None:
    store.create_run(new_run("early", defaults={"n": 0}, persistent=["n"]))
    store.create_run(new_run("late", persistent=["n"]))
    store.end_run("late", ending(Publication("n", "last_wins", 5)))
    early = store.find_run("early")
    assert early is not None
    assert early.base == {"n": 0}


def test_nested_experiences_begin_with_what_their_workspace_has_or_what_is_given(store: Store) -> None:
    store.create_run(new_run("early"))
    store.end_run("early", ending(Publication("n", "last_wins", 5, experience="/c"),
                                  Publication("log", "array_append", [1], experience="/c")))
    run = store.create_run(new_run("late")._replace(nested={"/c": ["n", "other"], "/d": ["n"]},
                                                    nested_values={"/c": {"log": [0]}}))
    assert run.nested == {"/c": {"log": [0], "n": 5}, "/d": {}}
    assert run == store.find_run("late")


def test_a_run_that_goes_on_keeps_what_it_began_with_in_persistent_fields_alone(store: Store) -> None:
    store.create_run(new_run(defaults={"n": 0, "gone": 1, "log": [1]}))
    run = store.reopen_run(Reopened("r-1", OWNER, 1.0, "", {"n": 5, "added": [1], "log": []}, persistent=["log", "new"]))
    assert run.base == {"n": 5, "added": [1], "log": [1]}
    assert run == store.find_run("r-1")


def test_the_part_that_was_asked_for_stays_with_the_run(store: Store) -> None:
    store.create_run(new_run()._replace(selection={"from": "a", "refresh": ["b"]}))
    store.create_run(new_run("r-2"))
    store.reopen_run(Reopened("r-1", OWNER, 1.0, ""))
    assert [run.selection for run in store.find_runs(EXPERIENCE)] == [{}, {"from": "a", "refresh": ["b"]}]


def test_an_id_is_given_once(store: Store) -> None:
    store.create_run(new_run())
    with pytest.raises(RunExists):
        store.create_run(new_run())
    assert types(list(store.everything("r-1"))) == ["run.started"]


def test_what_does_not_exist_is_said_by_name(store: Store) -> None:
    assert store.find_run("r-9") is None
    with pytest.raises(NotFoundError, match="'r-9'"):
        store.commit("r-9", [outcome("a")])
    with pytest.raises(NotFoundError, match="'r-9'"):
        store.reopen_run(Reopened("r-9", OWNER, 1.0, ""))
    with pytest.raises(NotFoundError, match="'r-9'"):
        store.end_run("r-9", ending())
    with pytest.raises(NotFoundError, match="'r-9'"):
        list(store.journal("r-9"))
    with pytest.raises(NotFoundError, match="'r-9'"):
        store.remove_run("r-9")


def test_an_outcome_comes_back_whole(store: Store) -> None:
    store.create_run(new_run())
    full = outcome("loop[2]/body", 3, ("total", [1, {"a": None}]), ("note", "ä\n\0"), key="k" * 64, edge_output={"x": 1.5},
                   metrics={"calls": 2}, error=Failure("ValueError", "no 'x'"), reason="because",
                   details={"index": 2, "phase": "p", "tokens": []})
    bare = outcome("b", status="skipped", reason="when is false")
    store.commit("r-1", [full, bare])
    assert list(store.journal("r-1")) == [full, bare]


def test_null_is_an_output_and_no_output_is_none(store: Store) -> None:
    store.create_run(new_run())
    store.commit("r-1", [outcome("null", edge_output=None), outcome("nothing")])
    null, nothing = store.journal("r-1")
    assert null.edge_output is None
    assert nothing.edge_output is MISSING


@pytest.mark.parametrize("value", [
    0, -1, 1.5, 10**40, 1e-300, True, False, None, "", "\ud800 alone", "\U0001f600", "\u2028", [], {}, [[], [{}]],
    {"": {"a.b": [1]}},
])
def test_json_values_survive(store: Store, value: Json) -> None:
    store.create_run(new_run(args={"value": value}))
    store.commit("r-1", [outcome("a", 1, ("field", value), edge_output=value, metrics={"m": value})])
    row, = store.journal("r-1")
    assert row.writes == (("field", value),)
    assert type(row.edge_output) is type(value)
    run = store.find_run("r-1")
    assert run is not None
    assert (row.edge_output, row.metrics, run.args) == (value, {"m": value}, {"value": value})


def test_a_reader_cannot_change_what_is_kept(store: Store) -> None:
    store.create_run(new_run())
    given: list[Json] = [1]
    store.commit("r-1", [outcome("a", 1, ("list", given), edge_output=given)])
    given.append(2)
    first, = store.journal("r-1")
    assert isinstance(first.edge_output, list)
    first.edge_output.append(3)
    again, = store.journal("r-1")
    assert (again.edge_output, again.writes) == ([1], (("list", [1]),))


def test_text_that_utf8_cannot_express_is_made_visible(store: Store) -> None:
    store.create_run(new_run())
    store.commit("r-1", [outcome("a", status="failed", error=Failure("OSError", "no file 'caf\udce9'"), reason="\udce9")])
    row, = store.journal("r-1")
    assert row.error is not None
    assert (row.error.message, row.reason) == ("no file 'caf\\udce9'", "\\udce9")


def test_a_value_that_json_cannot_write_fails_the_commit_as_a_whole(store: Store) -> None:
    store.create_run(new_run())
    with pytest.raises(StoreError, match="cannot be kept"):
        store.commit("r-1", [outcome("good"), outcome("bad", edge_output=float("nan"))])
    assert list(store.journal("r-1")) == []


def test_commit_order_is_kept_between_outcomes_and_milestones(store: Store) -> None:
    store.create_run(new_run(args={"a": 1}))
    store.commit("r-1", [outcome("one")])
    store.end_run("r-1", ending(status="failed", reason="fail_run"))
    store.reopen_run(Reopened("r-1", OWNER, 1020.0, "{}"))
    store.commit("r-1", [outcome("two"), outcome("three")])
    milestones = store.end_run("r-1", ending())
    entries = list(store.everything("r-1"))
    assert types(entries) == ["run.started", "one", "run.finished", "run.resumed", "two", "three", "run.finished"]
    assert [entry.number for entry in entries if isinstance(entry, Milestone)] == [1, 3, 4, 7]
    assert entries[0] == Milestone(1, "run.started", 1000.25, {"args": {"a": 1}})
    assert entries[2] == Milestone(3, "run.finished", 1010.5, {"status": "failed", "reason": "fail_run"})
    assert [entries[-1]] == list(milestones) == [Milestone(7, "run.finished", 1010.5, {"status": "success"})]


def test_runs_do_not_mix(store: Store) -> None:
    store.create_run(new_run("a"))
    store.create_run(new_run("b"))
    for number in range(5):
        store.commit("a", [outcome(f"a{number}")])
        store.commit("b", [outcome(f"b{number}", 1, ("f", number))])
    assert [row.slot for row in store.journal("a")] == [f"a{number}" for number in range(5)]
    assert [row.slot for row in store.journal("b")] == [f"b{number}" for number in range(5)]
    assert list(store.history("a")) == []


def test_many_outcomes_come_back_in_order(store: Store) -> None:
    store.create_run(new_run())
    store.commit("r-1", [outcome(f"n[{number}]", 1, ("f", number)) for number in range(2000)])
    assert [row.slot for row in store.journal("r-1")] == [f"n[{number}]" for number in range(2000)]
    assert [entry.delta for entry in store.history("r-1")] == list(range(2000))
    assert len(list(store.everything("r-1"))) == 2001


def test_a_reader_may_stop_or_go_on_beside_commits(store: Store) -> None:
    store.create_run(new_run())
    store.commit("r-1", [outcome("a"), outcome("b")])
    reader = store.journal("r-1")
    assert next(reader).slot == "a"
    store.commit("r-1", [outcome("c")])
    assert [row.slot for row in reader][:1] == ["b"]


def test_superseded_outcomes_stay_in_the_history_alone(store: Store) -> None:
    store.create_run(new_run())
    store.commit("r-1", [outcome("a", 1, ("f", 1)), outcome("a[0]", 1, ("f", 2)), outcome("b", 1, ("f", 3))])
    store.commit("r-1", [outcome("a", 2, ("f", 4))], superseded=[2])
    assert [(row.slot, row.attempt) for row in store.journal("r-1")] == [("a[0]", 1), ("b", 1), ("a", 2)]
    assert types(list(store.everything("r-1"))) == ["run.started", "a", "a[0]", "b", "a"]
    assert [entry.delta for entry in store.history("r-1")] == [1, 2, 3, 4]


def test_outcomes_are_superseded_in_their_own_run_alone(store: Store) -> None:
    for run_id in ("r-1", "r-2", "r-3"):
        store.create_run(new_run(run_id))
        store.commit(run_id, [outcome("a"), outcome("b")])
    store.commit("r-2", [], superseded=[2])
    assert [[row.slot for row in store.journal(run_id)] for run_id in ("r-1", "r-2", "r-3")] == [
        ["a", "b"], ["b"], ["a", "b"]]


def test_marks_tell_where_outcomes_stand_and_lead_to_them(store: Store) -> None:
    store.create_run(new_run("r-0"))
    store.create_run(new_run())
    store.commit("r-1", [outcome("a", 1, ("f", 1)), outcome("b", 0, status="skipped")])
    store.reopen_run(Reopened("r-1", OWNER, 1.0, ""))
    store.commit("r-1", [outcome("a", 2, ("f", 2))], superseded=[2])
    marks = list(store.marks("r-1"))
    assert marks == [Mark(2, "a", 1, "success", False), Mark(3, "b", 0, "skipped", True),
                     Mark(5, "a", 2, "success", True)]
    assert [store.outcome("r-1", mark.number).writes for mark in marks] == [(("f", 1),), (), (("f", 2),)]
    for number in (0, 1, 4, 6):  # milestones, and none
        with pytest.raises(NotFoundError):
            store.outcome("r-1", number)
    with pytest.raises(NotFoundError):
        store.outcome("r-9", 2)


def test_the_history_names_slot_attempt_and_time(store: Store) -> None:
    store.create_run(new_run())
    store.commit("r-1", [outcome("a", 2, ("x", [1]), ("y", 2))])
    assert list(store.history("r-1", "x")) == [HistoryEntry("a", 2, "x", [1], 1002.125)]
    assert [entry.field for entry in store.history("r-1")] == ["x", "y"]
    assert list(store.history("r-1", "z")) == []


def test_an_end_is_recorded(store: Store) -> None:
    store.create_run(new_run())
    store.end_run("r-1", ending(status="partial", reason="some failed"))
    run = store.find_run("r-1")
    assert run is not None
    assert (run.status, run.reason, run.finished_at, run.state, run.totals, run.published) == (
        "partial", "some failed", 1010.5, {"total": 3}, {"nodes": 2}, False)


def test_a_reopened_run_runs_again_under_its_new_owner(store: Store) -> None:
    store.create_run(new_run(spec="old"))
    store.end_run("r-1", ending(status="cancelled", reason="user"))
    run = store.reopen_run(Reopened("r-1", Owner("host-b", 1, 2), 1020.0, "new"))
    assert run == store.find_run("r-1")
    assert (run.status, run.reason, run.finished_at, run.state) == ("running", None, None, None)
    assert (run.owner, run.spec, run.resumed, run.totals) == (Owner("host-b", 1, 2), "new", 1, {"nodes": 2})


def test_publication_merges_by_the_rule_of_the_field(store: Store) -> None:
    store.create_run(new_run("a"))
    store.create_run(new_run("b"))
    store.end_run("a", ending(Publication("log", "array_append", [1]), Publication("log", "array_append", 2),
                              Publication("last", "last_wins", "a"), Publication("once", "set_once", {"v": 1})))
    milestones = store.end_run("b", ending(Publication("log", "array_append", [[3]]), Publication("last", "last_wins", "b"),
                                           Publication("once", "set_once", {"v": 1.0})))
    assert store.workspace(EXPERIENCE) == {"last": "b", "log": [1, 2, [3]], "once": {"v": 1}}
    assert [milestone.type for milestone in milestones] == ["state.published", "run.finished"]
    assert milestones[0].data == {"fields": ["log", "last"]}
    assert [run.published for run in store.find_runs(None)] == [True, True]


def test_what_a_nested_experience_publishes_is_told_too(store: Store) -> None:
    child = EXPERIENCE.replace("experience.yaml", "child/experience.yaml")
    told = []
    for run_id, value in (("a", 1), ("b", 2)):
        store.create_run(new_run(run_id))
        milestones = store.end_run(run_id, ending(Publication("once", "set_once", value, experience=child),
                                                  Publication("last", "last_wins", value)))
        told.append([(milestone.type, milestone.data) for milestone in milestones[:-1]])
    nested = {"experience": "child/experience.yaml"}
    assert told == [[("state.published", {"fields": ["once"], **nested}), ("state.published", {"fields": ["last"]})],
                    [("state.conflict", {"field": "once", **nested}), ("state.published", {"fields": ["last"]})]]


def test_runs_that_append_at_once_to_a_field_with_a_default_publish_it_once(store: Store) -> None:
    for run_id in ("a", "b"):
        store.create_run(new_run(run_id, defaults={"log": [0]}, persistent=["log"]))
    for run_id in ("a", "b"):
        store.end_run(run_id, ending(Publication("log", "array_append", [run_id], [0])))
    assert store.workspace(EXPERIENCE) == {"log": [0, "a", "b"]}


def test_a_different_later_set_once_is_a_conflict_and_the_first_stays(store: Store) -> None:
    for run_id, value in (("a", 1), ("b", True)):
        store.create_run(new_run(run_id))
        milestones = store.end_run(run_id, ending(Publication("once", "set_once", value)))
    assert store.workspace(EXPERIENCE) == {"once": 1}
    assert [(milestone.type, milestone.data) for milestone in milestones] == [
        ("state.conflict", {"field": "once"}), ("run.finished", {"status": "success"})]
    assert types(list(store.everything("b"))) == ["run.started", "state.conflict", "run.finished"]


@pytest.mark.parametrize("status", ["partial", "failed", "cancelled", "parked"])
def test_only_success_publishes_and_a_resumed_run_does_it_then(store: Store, status: str) -> None:
    store.create_run(new_run())
    delta = Publication("log", "array_append", [1])
    assert [milestone.type for milestone in store.end_run("r-1", ending(delta, status=status))] == ["run.finished"]
    assert store.workspace(EXPERIENCE) == {}
    store.reopen_run(Reopened("r-1", OWNER, 1020.0, "{}"))
    store.end_run("r-1", ending(delta))
    assert store.workspace(EXPERIENCE) == {"log": [1]}


def test_a_run_publishes_once(store: Store) -> None:
    store.create_run(new_run())
    delta = Publication("log", "array_append", [1])
    store.end_run("r-1", ending(delta))
    store.reopen_run(Reopened("r-1", OWNER, 1020.0, "{}"))
    assert [milestone.type for milestone in store.end_run("r-1", ending(delta))] == ["run.finished"]
    assert store.workspace(EXPERIENCE) == {"log": [1]}


def test_two_files_share_neither_workspace_nor_runs(store: Store) -> None:
    store.create_run(new_run("a"))
    store.create_run(new_run("b", experience="/srv/review/other.yaml"))
    store.end_run("a", ending(Publication("f", "last_wins", 1)))
    assert store.workspace("/srv/review/other.yaml") == {}
    assert [run.run_id for run in store.find_runs("/srv/review/other.yaml")] == ["b"]
    assert [run.run_id for run in store.find_runs(EXPERIENCE)] == ["a"]
    assert [run.run_id for run in store.find_runs(None)] == ["b", "a"]


def test_runs_are_listed_newest_first_in_pages(store: Store) -> None:
    for number in range(7):
        store.create_run(new_run(f"r-{number}"))
    seen: list[str] = []
    while page := store.find_runs(EXPERIENCE, before=seen[-1] if seen else None, limit=3):
        seen += [run.run_id for run in page]
    assert seen == [f"r-{number}" for number in reversed(range(7))]


def test_runs_are_found_by_the_beginning_of_their_id(store: Store) -> None:
    for run_id in ("r-ab1", "r-ab2", "r-AB3", "q-ab1", "r-ab"):
        store.create_run(new_run(run_id))
    assert [run.run_id for run in store.find_runs(EXPERIENCE, prefix="r-ab")] == ["r-ab", "r-ab2", "r-ab1"]
    assert [run.run_id for run in store.find_runs(None, prefix="q")] == ["q-ab1"]
    assert store.find_runs(None, prefix="%") == []


def test_a_workspace_is_cleared_by_field_or_whole(store: Store) -> None:
    store.create_run(new_run())
    store.end_run("r-1", ending(*(Publication(name, "last_wins", 1) for name in ("c", "a", "b"))))
    assert store.clear_workspace(EXPERIENCE, "b") == ["b"]
    assert store.clear_workspace(EXPERIENCE, "b") == []
    assert store.clear_workspace("/srv/else.yaml") == []
    assert store.workspace(EXPERIENCE) == {"a": 1, "c": 1}
    assert store.clear_workspace(EXPERIENCE) == ["a", "c"]
    assert store.workspace(EXPERIENCE) == {}


def test_a_removed_run_is_gone_and_what_it_published_stays(store: Store) -> None:
    for run_id in ("a", "b"):
        store.create_run(new_run(run_id, spec=f"spec of {run_id}"))
        store.commit(run_id, [outcome("n")])
        store.end_run(run_id, ending(Publication("log", "array_append", [run_id])))
    store.remove_run("a")
    assert store.find_run("a") is None
    assert [run.spec for run in store.find_runs(None)] == ["spec of b"]
    assert [row.slot for row in store.journal("b")] == ["n"]
    assert store.workspace(EXPERIENCE) == {"log": ["a", "b"]}
    store.create_run(new_run("a"))
    assert list(store.journal("a")) == []


def test_strange_names_are_kept(store: Store) -> None:
    file = "/srv/caf\udce9/ü '\"%.yaml"
    store.create_run(new_run("r-1", experience=file)._replace(name="n'\";--\udce9"))
    store.end_run("r-1", ending(Publication("f", "last_wins", 1)))
    assert store.workspace(file) == {"f": 1}
    assert [run.run_id for run in store.find_runs(file)] == ["r-1"]


def test_a_charge_counts_with_its_worst_case_until_it_is_settled(store: Store) -> None:
    store.create_run(new_run("a"))
    store.create_run(new_run("b"))
    first = store.charge("a", "review[0]", Cost(0.5, 900, 1))
    store.charge("a", "review[1]", Cost(0.25, 100, 1))
    store.charge("b", "other", Cost(1.0, 1, 1))
    unpriced = store.charge("b", "third", Cost(1.0, 1, 1))
    store.settle(unpriced, Charged("third", 4, 2, 0.0, 1, is_unpriced=True))
    store.settle(first, Charged("", 40, 2, 0.125, 1))
    assert list(store.charges("a")) == [Charged("review[0]", 40, 2, 0.125, 1),
                                        Charged("review[1]", 100, 0, 0.25, 1, is_settled=False)]
    store.remove_run("a")
    assert list(store.charges("b"))[1:] == [Charged("third", 4, 2, 0.0, 1, is_unpriced=True)]
    with pytest.raises(NotFoundError):
        store.charge("a", "x", Cost())
