"""The composition root: what can be seen of the models of an experience before anything is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from oe.app.experiences import files_nested_in, kinds_by_name, read_alone
from oe.app.models import Asking, ModelAccess, ModelOptions
from oe.diagnostics import Problem
from oe.errors import OeError, UsageError
from oe.redact import Redactor
from oe.spec.model import Budget, Experience, Node

_MOST_PLACES = 1000
"""In how many ways experiences are nested that are looked at: each may be met with other models and budgets."""


class _Place(NamedTuple):
    """An experience where it is carried out. `in_usd`: a budget in dollars lies over all of it; `shown` is what its
    file is called, None: as the experience has it."""

    experience: Experience
    asking: Asking
    in_usd: bool
    shown: str | None = None


def model_problems(access: ModelAccess) -> list[Problem]:
    """What is wrong with the nodes of a run and their models, at every depth: providers that do not exist, recordings
    that cannot answer, nodes under a budget in dollars whose calls have no known price. Asks nobody. Raises UsageError
    and NotFoundError for what stands on the command line and in the environment. What is read is left in
    `access.nested`."""
    access.expect_files()
    asked = access.asked_budget
    found: dict[Problem, None] = {}
    known: set[tuple[str, bool, tuple[str, ...]]] = set()
    left = [_Place(access.experience, access.root, _is_in_usd(asked))]
    while left and len(known) < _MOST_PLACES:
        place = left.pop(0)
        mark = os.path.realpath(place.experience.file), place.in_usd, place.asking.speakers()
        if mark in known:
            continue
        known.add(mark)
        for node in place.experience.nodes.values():
            problem = _problem(access, place, node)
            if problem is not None:
                found[problem] = None
        left += _below(place, access.nested)
    return list(found)


def problems_here(experience: Experience) -> list[Problem]:
    """The same for an experience as it would be run from here."""
    return model_problems(ModelAccess(experience, ModelOptions(), Redactor(), lambda _: None))


def _below(place: _Place, read: dict[str, Experience]) -> Iterator[_Place]:
    experience, kinds = place.experience, kinds_by_name()
    shown = place.shown or experience.file
    for node in experience.nodes.values():
        if not kinds[node.kind].is_nested:
            continue
        for inner in files_nested_in(experience, [node]):
            file = os.path.realpath(os.path.join(experience.folder, inner))
            child = read.get(file) or read_alone(file).experience
            if child is not None:  # else it has been told where the experience was read
                read[file] = child
                yield _Place(child, place.asking.below(child), _is_covered(place, node),
                             os.path.normpath(os.path.join(os.path.dirname(shown), inner)))


def _problem(access: ModelAccess, place: _Place, node: Node) -> Problem | None:
    reserve = node.options.get("reserve")
    is_reserved = isinstance(reserve, Mapping) and "usd" in reserve
    if place.in_usd and access.is_agent_program(node) and not is_reserved:  # else the node's kind has looked already
        return _at(place, node, Problem("unpriced-agent", f"{node.kind} '{node.id}' has no known price, but there is a "
                                        "budget in usd", None, "say what one call may cost: reserve: {usd: 0.5}"))
    try:
        settings = access.checked_settings(node, place.asking)
    except OeError as error:
        if error.code in ("no-provider", "no-model"):
            return None  # who answers is a matter of where the run is begun
        if isinstance(error, UsageError) and error.code != "unreadable-recording":
            raise  # a fault of the command line or the environment, not of the experience
        return _at(place, node, Problem(error.code, f"node '{node.id}': {error.message}", None, error.hint))
    if settings is None or not _is_covered(place, node) or access.is_priced(settings):
        return None
    message = f"model '{settings.model}' of node '{node.id}' has no known price, but there is a budget in usd"
    hint = "give its price in the file that OE_PRICES names, or set a budget in tokens"
    return _at(place, node, Problem("unpriced-model", message, None, hint), "model")


def _at(place: _Place, node: Node, problem: Problem, key: str = "") -> Problem:
    """The problem at the node's key, or at the node where it has none of that name."""
    span = place.experience.document.span((*node.path, key) if key in node.options else node.path)
    return problem._replace(span=span if place.shown is None else span._replace(file=place.shown))


def _is_covered(place: _Place, node: Node) -> bool:
    """Whether a budget in dollars lies over the calls of a node."""
    loops = [loop.budget for loop in place.experience.loops.values() if node.id in loop.body]
    return place.in_usd or any(map(_is_in_usd, (place.experience.runtime.budget, node.budget, *loops)))


def _is_in_usd(budget: Budget | None) -> bool:
    return budget is not None and budget.usd is not None
