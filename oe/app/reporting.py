"""Runs and graphs as pages and drawings: reads what a run left behind and hands it to the renderers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from oe.app.inspection import place_of, recorded_experience, state_of_run
from oe.app.outline import outline_of
from oe.app.report_fields import FieldWrites
from oe.app.report_units import Axis, Gathering
from oe.clock import SystemClock, iso
from oe.plan.graph import Graph
from oe.ports.store import Outcome
from oe.redact import Redactor, secrets_of
from oe.render.report_value import Artifact, Critical, Head, Report, UnitReport
from oe.render.value_lines import Bounds, value_lines
from oe.store.log_reading import sorted_events

if TYPE_CHECKING:
    from importlib.abc import ResourceLoader

    from oe.app.workspace import Workspace
    from oe.ports.store import Run
    from oe.render.graph_value import Outline

T = TypeVar("T")

MOST_UNITS = 300
"""Units that a report lists: of more, the failed, the critical and the slowest, then the first."""

_MOST_ARTIFACTS = 100
_FOREMOST = frozenset({"failed", "cancelled", "interrupted", "running", "retrying"})
_ENDINGS = frozenset({"node.finished", "node.failed", "node.skipped", "node.cancelled", "node.retrying"})


def run_page(workspace: Workspace, run: Run, oe_version: str, environment: Mapping[str, str]) -> str:
    """The report of a run as one HTML file. `environment` holds the secrets that must not be in it."""
    from oe.render.report_page import report_page

    redactor = Redactor(secrets_of(environment))
    report = read_report(workspace, run, oe_version, redactor.text)
    return report_page(_redacted(report, redactor.text) if redactor else report, _styles())


def graph_page(outline: Outline) -> str:
    """A graph as one HTML file."""
    from oe.render.graph_page import graph_page as page

    return page(outline, _styles())


def graph_drawing(outline: Outline) -> str:
    """A graph as one SVG file."""
    from oe.render.graph_svg import drawing_of

    return drawing_of(outline, _style("graph.css"))


def read_report(workspace: Workspace, run: Run, oe_version: str, redact: Callable[[str], str]) -> Report:
    """Everything that the report shows, values as lines; other texts are as the run left them."""
    experience = recorded_experience(run)
    graph = Graph(experience)
    gathering = Gathering(graph, run.started_at)
    fields = FieldWrites(experience.fields, lambda slot: place_of(graph, experience, slot))
    _read_journal(workspace, run, gathering, fields)
    status, now = workspace.status_of(run), SystemClock().now()
    if run.finished_at is None:
        begun, heard_at = _begun(workspace, run)
        is_alive = status == "running"
        gathering.take_live(begun, now if is_alive else heard_at, is_alive=is_alive)
    run = run._replace(totals=run.totals or gathering.totals())
    axis = gathering.axis
    state = state_of_run(workspace, run)
    critical = None if run.finished_at is None else gathering.critical(axis)
    units = gathering.units(axis, critical.units if critical else ())
    shown = chosen_units(units, critical, MOST_UNITS)
    attempts = gathering.listed_attempts(axis)
    artifacts = [Artifact(*each) for each in workspace.folder.artifact_files(run.run_id)]
    overall = gathering.overall(axis) if len(units) > len(shown) else []
    return Report(
        _head(run, status, axis, now, oe_version), outline_of(experience), list(gathering.statuses().items()), shown,
        len(units) - len(shown), overall, critical, axis.breaks, attempts, gathering.attempts - len(attempts),
        gathering.faults, fields.fields(run.base, state, redact, axis.place), fields.left_out(state), gathering.models,
        value_lines(run.args, redact, Bounds(80, 400)) if run.args else [], artifacts[:_MOST_ARTIFACTS],
        max(0, len(artifacts) - _MOST_ARTIFACTS))


def chosen_units(units: list[UnitReport], critical: Critical | None, most: int) -> list[UnitReport]:
    """At most so many units, in their own order: failed ones, the critical path and the slowest before others."""
    if len(units) <= most:
        return units
    ranks = range(len(units))
    troubled = [rank for rank in ranks if units[rank].status in _FOREMOST]
    on_path = [rank for rank in ranks if critical and units[rank].is_critical]
    slowest = sorted(ranks, key=lambda rank: (units[rank].start or 0.0) - (units[rank].end or 0.0))
    chosen = dict.fromkeys([*troubled[:most // 2], *on_path[:most // 4], *slowest[:most // 4], *ranks])
    return [units[rank] for rank in sorted(list(chosen)[:most])]


def _read_journal(workspace: Workspace, run: Run, gathering: Gathering, fields: FieldWrites) -> None:
    """One pass over a run that was never resumed: only then may entries not count any more."""
    for entry in workspace.store.everything(run.run_id):
        gathering.take(entry)
        if not run.resumed and isinstance(entry, Outcome):
            gathering.count(entry)
            fields.count(entry)
    if run.resumed:
        for outcome in workspace.store.journal(run.run_id):
            gathering.count(outcome)
            fields.count(outcome)


def _begun(workspace: Workspace, run: Run) -> tuple[dict[str, float], float]:
    """The slots whose last event is a beginning, and when that was; and when the run's process was last heard of."""
    from oe.clock import seconds_of_iso

    begun: dict[str, str] = {}
    last = ""
    try:
        for _, record in sorted_events(workspace.folder.event_log(run.run_id)):
            kind, slot = record.get("type"), str(record.get("slot"))
            if kind != "log.repaired":  # by another process, at any time later
                last = str(record.get("ts"))
            if kind == "node.started":
                begun[slot] = last
            elif kind in _ENDINGS:
                begun.pop(slot, None)
    except FileNotFoundError:
        return {}, run.started_at
    return ({slot: seconds_of_iso(ts) for slot, ts in begun.items()},
            seconds_of_iso(last) if last else run.started_at)


def _head(run: Run, status: str, axis: Axis, now: float, oe_version: str) -> Head:
    return Head(run.run_id, run.name, run.version, status, run.reason, _moment(run.started_at),
                None if run.finished_at is None else _moment(run.finished_at), _moment(now), axis.seconds,
                run.resumed + 1, run.totals, oe_version)


def _moment(ts: float) -> str:
    return iso(ts)[:19].replace("T", " ") + " UTC"


def _redacted(value: T, redact: Callable[[str], str]) -> T:
    """The same value with every text in it redacted; it is as deep as the report's own types are."""
    if isinstance(value, str):
        return cast(T, redact(value))
    if isinstance(value, tuple):
        parts = [_redacted(part, redact) for part in value]
        return cast(T, type(value)._make(parts) if hasattr(value, "_make") else tuple(parts))
    if isinstance(value, list):
        return cast(T, [_redacted(part, redact) for part in value])
    if isinstance(value, dict):
        return cast(T, {key: _redacted(part, redact) for key, part in value.items()})
    return value


def _styles() -> str:
    return _style("page.css") + _style("graph.css")


def _style(name: str) -> str:
    """A style sheet beside the renderers, read by this module's own loader: from a folder and the archive alike."""
    loader = cast("ResourceLoader", globals()["__loader__"])
    return loader.get_data(f"{__file__.rpartition('/app/')[0]}/render/{name}").decode()
