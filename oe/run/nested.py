"""Experiences as nodes of other ones: a level of its own below the node's slot, in the same run."""

from __future__ import annotations

import asyncio

from oe.errors import NodeError, OeError
from oe.ports.kind import NestedEnd
from oe.ports.store import Publication
from oe.run.level import Level, Opened, Outside, Setting, Shared
from oe.run.replay import CacheUse
from oe.spec.arguments import bind_arguments, secret_arguments
from oe.spec.model import Experience, Node
from oe.values import JsonObject

MOST_LEVELS = 16
"""How deep experiences may be nested: one that contains itself has to come to an end by its conditions before that."""


class NestedRuns:
    """Carries out what the nodes of one level nest; a NestedRunner. `level` is that level, set once it is made.

    `published` collects what nested experiences that succeeded publish when the run does, by slot.
    """

    level: Level

    def __init__(self, outside: Outside, shared: Shared, published: dict[str, list[Publication]]) -> None:
        self._outside = outside
        self._shared = shared
        self._published = published
        self._begun: set[str] = set()

    async def carry_out(self, node: Node, slot: str, file: str, args: JsonObject, *, keeps_failures: bool) -> NestedEnd:
        """See NestedRunner."""
        opened = self._open(file)
        inner = self._level(node, opened, self._setting(slot, opened, args)._replace(keeps_failures=keeps_failures))
        self._look_again(slot)
        await inner.carry_out()
        engine = inner.engine
        if engine.was_cancelled:
            raise asyncio.CancelledError
        status, reason = inner.outcome()
        if status == "success":
            self._published[slot] = [*inner.publications(opened.key), *take_published(self._published, inner)]
        return NestedEnd(status, reason, inner.ledger.final(), engine.first_failure,
                         {"nodes": len(inner.graph), "finished": engine.finished, "failed": engine.failed},
                         inner.attempts.replayed)

    def _open(self, file: str) -> Opened:
        try:
            return self._outside.open_nested(self._outside.files.absolute(file))
        except OeError as error:
            raise NodeError(f"the experience '{file}' cannot be carried out: {error.message}", name="BrokenChild",
                            retryable=False, hint=error.hint, code="child-not-read") from error

    def _setting(self, slot: str, opened: Opened, args: JsonObject) -> Setting:
        outer, experience = self.level, opened.experience
        if outer.setting.depth >= MOST_LEVELS:
            raise too_deep()
        bound = arguments_of(opened, args)
        self._outside.redactor.add(str(bound[name]) for name in secret_arguments(experience) if name in bound)
        return Setting(experience, bound, opened.base, slot, outer.setting.depth + 1,
                       outer_reason=lambda: outer.engine.cancel_reason if outer.engine.stopped else "timeout")

    def _level(self, node: Node, opened: Opened, setting: Setting) -> Level:
        experience = opened.experience
        outside = self._outside._replace(files=opened.files, load_schema=opened.load_schema,
                                         cache=cache_below(self._outside.cache, node, opened.experience),
                                         model_use=self._outside.model_use.within(experience))
        nested = NestedRuns(outside, self._shared, self._published)
        level = nested.level = Level(setting, outside, self._shared, nested)
        return level

    def _look_again(self, slot: str) -> None:
        """Before a second attempt in this process: what the first one finished counts, as after a resume."""
        if slot not in self._begun:
            self._begun.add(slot)
            return
        self._shared.recorder.finish()
        prefix = slot + "/"
        marks = self._outside.store.marks(self._shared.run_id)
        self._shared.restored.look_again(mark for mark in marks if mark.slot.startswith(prefix))


def too_deep() -> NodeError:
    """The failure of a node that would nest an experience below MOST_LEVELS others."""
    return NodeError(f"experiences are nested more than {MOST_LEVELS} deep", name="TooDeep", retryable=False,
                     code="nested-too-deep", hint="one of them contains itself: give its node a 'when' that ends this")


def arguments_of(opened: Opened, args: JsonObject) -> JsonObject:
    """The arguments of a nested experience, bound. Raises NodeError where they do not fit."""
    try:
        return bind_arguments(opened.experience, dict(args), opened.load_schema)
    except OeError as error:
        raise NodeError(f"the arguments do not fit '{opened.experience.name}': {error.message}", retryable=False,
                        name="InvalidArguments", hint=error.hint, code=error.code) from error


def take_published(published: dict[str, list[Publication]], level: Level) -> list[Publication]:
    """What the experiences nested in a level publish, in the order of its fold; they are taken out."""
    prefix = level.setting.slot + "/" if level.setting.slot else ""
    slots = sorted((slot for slot in published if slot.startswith(prefix)), key=level.fold_place)
    return [publication for slot in slots for publication in published.pop(slot)]


def cache_below(use: CacheUse, node: Node, experience: Experience) -> CacheUse:
    """How a nested experience uses the cache: what is said of its node is said of all that it contains."""
    everything = frozenset(experience.nodes)

    def below(names: frozenset[str]) -> frozenset[str]:
        return everything if node.id in names else frozenset()

    rules = (node.cache, experience.runtime.cache, use.rule)
    rule = next((rule for rule in rules if rule.enabled is not None or rule.ttl_seconds is not None), use.rule)
    is_off = node.effects or node.cache.enabled is False
    return use._replace(cache=None if is_off else use.cache, rule=rule, refreshed=below(use.refreshed),
                        reused=below(use.reused), required=below(use.required))
