"""A slot from its scope to its result: arguments, fingerprint, earlier results, attempts. Every place where an attempt
can happen goes through here, so resume and cache mean the same for a node, an item, a stage and a body."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from oe.digests import Part
from oe.errors import NodeError
from oe.lang.scope import Scope
from oe.ports.store import Outcome
from oe.run.attempt import Attempts, End, Job, Result
from oe.run.keys import Keys
from oe.run.recorder import Recorder
from oe.run.restored import Restored
from oe.spec.model import Node
from oe.values import JsonObject

if TYPE_CHECKING:
    from oe.run.units import Executors


class Place(NamedTuple):
    """Where an attempt may happen: its slot, what it sees, and the parts of its key that it shares with its unit's
    other slots (None where they could not be made: `refusal` says why). With `keeps_failures` it is a part of something
    that an earlier process finished: a failure that it would meet again is taken as it is."""

    node: Node
    slot: str
    scope: Scope
    view: JsonObject
    shared: Mapping[str, Part] | None
    item_index: int | None = None
    refusal: NodeError | None = None
    in_journal: bool = False
    keeps_failures: bool = False


class Slots:
    """Carries out slots, or finds that they need not be."""

    def __init__(self, attempts: Attempts, keys: Keys, restored: Restored, recorder: Recorder,
                 executors: Executors) -> None:
        self._attempts = attempts
        self._keys = keys
        self._restored = restored
        self._recorder = recorder
        self._executors = executors

    def is_nested(self, node: Node) -> bool:
        """Whether the node carries out units of its own."""
        return self._executors.is_nested(node)

    def prepare(self, place: Place) -> Job:
        """Arguments and fingerprint. What cannot be made is the job's refusal: the node fails with it."""
        node = place.node
        refusal, found, scope = place.refusal, None, place.scope
        args: JsonObject = {}
        if refusal is None:
            try:
                resolved = node.args.resolve(scope)
                if isinstance(resolved, dict) and resolved:
                    args, scope = resolved, scope.with_own(resolved)
                if place.shared is not None:
                    found = self._keys.of_slot(node, place.slot, place.shared, scope, args)
            except NodeError as error:
                refusal = error
        job = Job(node, place.slot, lambda: self._executors.of(node), scope, place.view, args, found,
                  place.item_index, refusal, place.in_journal,
                  partial(self._keys.still_hold, node, scope, found) if found is not None else None,
                  is_nested=self._executors.is_nested(node), keeps_failures=place.keeps_failures)
        if job.is_nested and self._restored.has_success(place.slot):
            return job._replace(keeps_failures=self.find_end(job) is not None)
        return job

    def restore(self, job: Job) -> Result | None:
        """What an earlier process of this run committed for the slot, if the slot would do the same again."""
        if job.is_nested:
            return None  # what is in it may not hold any more: that is looked through while it is carried out
        if not self._restored.has_success(job.slot):
            return self._restore_failure(job) if job.keeps_failures else None
        outcome = self.find_success(job)
        if outcome is None:
            self._recorder.supersede(self._restored.replace(job.slot))
            return None
        self._restored.take(job.slot)
        self._recorder.restore((outcome,))
        return Result(End.SUCCESS, tuple(outcome.writes), outcome.edge_output,
                      origin=self._attempts.origin(job.node, outcome))

    def _restore_failure(self, job: Job) -> Result | None:
        outcome = self.find_failure(job)
        if outcome is None or outcome.error is None:
            return None
        self._restored.take(job.slot)
        self._recorder.restore((outcome,))
        return self._attempts.failure(job.node, outcome.error.message)

    def find_failure(self, job: Job) -> Outcome | None:
        """The failure that an earlier process committed for the slot, if the slot would do the same again: fail under
        the same key, or before it has one."""
        outcome = self._restored.find_failure(job.slot)
        if outcome is None or (outcome.key is None) != (job.refusal is not None):
            return None
        return outcome if outcome.key == (None if job.found is None else job.found.key) else None

    def find_end(self, job: Job) -> Outcome | None:
        """What the slot came to in an earlier process, if it would do the same again: of a nested experience as far as
        its own key tells."""
        outcome = self._restored.find_success(job.slot)
        if outcome is None or not job.is_nested:
            return self.find_success(job) or self.find_failure(job)
        return outcome if job.refusal is None and job.found is not None and outcome.key == job.found.key else None

    def find_success(self, job: Job) -> Outcome | None:
        """What `restore` would take: what the slot would give again, if the files that it made are there still."""
        outcome = self._restored.find_success(job.slot)
        is_same = not job.is_nested and job.found is not None and outcome is not None and outcome.key == job.found.key
        if outcome is None or not is_same or job.refusal is not None:
            return None
        return outcome if "produces" not in outcome.details or self._attempts.has_products(job.node) else None

    async def take_or_carry_out(self, place: Place) -> Result:
        """The slot's result: what an earlier process of the run committed, else replayed or attempted."""
        job = self.prepare(place)
        return self.restore(job) or await self.carry_out(job)

    async def carry_out(self, job: Job) -> Result:
        """The slot's result: replayed from the cache, or attempted."""
        if job.refusal is None and job.found is not None and not job.is_nested:
            replayed = self._attempts.replay(job, job.found)
            if replayed is not None:
                return replayed
        return await self._attempts.carry_out(job)
