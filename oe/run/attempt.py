"""Attempts of one slot: run, check, commit; retry where the rule says so. Knows no kind and no graph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeAlias

from oe.clock import iso
from oe.errors import NodeError
from oe.lang.scope import MISSING, Missing, Scope
from oe.plan.fingerprint import Fingerprint, long_texts, recorded_parts
from oe.ports.cache import Entry
from oe.ports.kind import Executor, NodeOutput, Request
from oe.ports.store import Failure, Outcome
from oe.run.cancelling import is_being_cancelled
from oe.run.capture import Printed, send_prints_back, send_prints_to
from oe.run.context import AttemptContext, Surroundings
from oe.run.restored import Restored
from oe.run.retry import retry_delay
from oe.spec.model import Node
from oe.state.events import Event
from oe.state.ledger import Origin
from oe.text import format_duration
from oe.values import Json, JsonObject, compact

Writes: TypeAlias = "tuple[tuple[str, Json], ...]"


class Job(NamedTuple):
    """One slot to be carried out. `executor` is made when it is first needed and may raise NodeError; `found` is its
    fingerprint; `refusal` is why it fails before it starts (a condition on it or its arguments cannot be evaluated).
    With `in_journal` the journal is its cache. `still_holds` tells whether the files behind the fingerprint are what
    they were; where they are not (`is_key_sound` False), nothing goes by the key. One that `is_nested` carries out
    units of its own: its result is never taken as a whole. With `keeps_failures` what an earlier process came to stands
    if nothing that belongs to it has to be done again."""

    node: Node
    slot: str
    executor: Callable[[], Executor]
    scope: Scope
    view: JsonObject
    args: JsonObject
    found: Fingerprint | None = None
    item_index: int | None = None
    refusal: NodeError | None = None
    in_journal: bool = False
    still_holds: Callable[[], bool] | None = None
    is_key_sound: bool = True
    is_nested: bool = False
    keeps_failures: bool = False


class End(Enum):
    """How a slot ended."""

    SUCCESS = "success"
    FAILED = "failed"
    FAIL_RUN = "failed, and the run with it"
    CANCELLED = "cancelled"


class Result(NamedTuple):
    """What a slot gave: how it ended, its committed writes and edge output, or the error that it failed with. `origin`
    is where the writes are from if they are reused for a part of the graph (`--only`, `--from`)."""

    end: End
    writes: Writes = ()
    edge_output: Json | Missing = MISSING
    error: str = ""
    origin: Origin | None = None


class Attempts:
    """Carries out jobs. Each outcome is committed here, before anyone can act on it.

    Those of a slot are numbered on from what earlier processes of the run tried (`restored`).
    """

    def __init__(self, shared: Surroundings, restored: Restored, in_flight: asyncio.Semaphore) -> None:
        self._shared = shared
        self._rules = shared.rules
        self._redactor = shared.redactor
        self._restored = restored
        self._known_texts: set[str] = set()
        self._in_flight = in_flight
        self._open: dict[str, tuple[Job, int, float]] = {}
        self._abandoned: set[str] = set()
        self._worked = False
        self._replayed: tuple[str, str] | None = None
        self._products: dict[str, JsonObject] = {}

    @property
    def replayed(self) -> JsonObject | None:
        """Where all results came from if none was made here: the oldest of them. What they saved is counted already."""
        if self._worked or self._replayed is None:
            return None
        since, run_id = self._replayed
        return {"run": run_id, "since": since, "saved": {}}

    def cancel_reason(self, slot: str) -> str:
        """Why a slot or unit is being cancelled."""
        return self._shared.cancellations.reason(slot, self._shared.why())

    def is_budget_spent(self, loop_slot: str) -> bool:
        """Whether nothing more can be had of a loop's budget."""
        return self._shared.asker().spending.is_spent(f"loop {loop_slot}")

    def has_products(self, node: Node) -> bool:
        """Whether every file that the node makes is there."""
        return self._shared.replay.has_products(node)

    def origin(self, node: Node, outcome: Outcome) -> Origin | None:
        """Where what an earlier process of the run has committed is from, if that was reused."""
        cached = outcome.details.get("cached")
        if not isinstance(cached, dict) or outcome.key is None:
            return None
        return self._shared.replay.origin(node, outcome.key, str(cached.get("run")))

    def is_in_journal(self, node: Node, count: int) -> bool:
        """Whether a fan-out of so many items has the journal as its cache."""
        return self._shared.replay.is_in_journal(node, count)

    async def carry_out(self, job: Job) -> Result:
        """Attempts until one succeeds or the node's rule is spent. Always returns; a cancellation is a result too: of
        the slot alone it is a failure for its unit."""
        if is_being_cancelled():
            return Result(End.CANCELLED)  # what this task did before has swallowed it: nothing more is begun
        self._shared.cancellations.begin(job.slot)
        try:
            result = await self._carry_out(job)
            if self._shared.cancellations.ends_alone(job.slot) and result.end is End.CANCELLED:
                return Result(End.FAILED, error="cancelled (manual)")
            return result
        finally:
            self._open.pop(job.slot, None)
            self._shared.cancellations.end(job.slot)

    def abandon(self, names: list[str]) -> None:
        """Commits the attempts that are going on as cancelled and takes nothing from them any more. Their slots are
        added to `names` first: they are left behind also where the store takes no commit."""
        left = list(self._open.values())
        names += [job.slot for job, _, _ in left]
        for job, number, started in left:
            self._cancelled(job, number, started)
            self._abandoned.add(job.slot)

    async def _carry_out(self, job: Job) -> Result:
        number = self._restored.tried(job.slot)
        before = self._before(job) if job.is_nested else None
        tries = 0
        while True:
            number, tries = number + 1, tries + 1
            started = self._shared.clock.now()
            self._open[job.slot] = (job, number, started)
            self._begin(job, number, started)
            try:
                output, writes = await self._in_turn(job, number)
            except NodeError as error:
                if before is not None and job.keeps_failures and self._shared.recorder.take_over(before):
                    return self._taken_over(job, before)
                delay = retry_delay(job.node.on_error, tries, error, self._shared.random)
                if delay is None:
                    return self._settle_failure(job, number, started, error)
                self._commit(job, number, started, "retrying", error=error, delay_ms=round(delay * 1000, 1))
                job = job._replace(keeps_failures=False)
            except asyncio.CancelledError:
                return self._cancelled(job, number, started)
            else:
                if job.still_holds is not None and not job.still_holds():
                    job = job._replace(is_key_sound=False, in_journal=False)
                if before is not None and self._is_taken_over(job, before, writes, output):
                    return Result(End.SUCCESS, writes, output.edge_output)
                products = self._products.get(job.slot, {})
                self._succeeded(job, number, started, writes, output)
                if job.found is not None and job.is_key_sound and not job.in_journal and not job.is_nested:
                    self._shared.replay.keep(job.node, job.found, job.slot, output,
                                             {path: str(digest) for path, digest in products.items()})
                return Result(End.SUCCESS, writes, output.edge_output)
            if is_being_cancelled():
                return self._cancelled(job, number, started)
            try:
                await asyncio.sleep(delay)
            except asyncio.CancelledError:
                return self._cancelled(job, number, started)

    def _begin(self, job: Job, number: int, started: float) -> None:
        event = self._event("node.started", started, job, number)
        if job.is_nested:
            self._shared.recorder.begin(event, is_unit=job.item_index is None, keeps_failures=job.keeps_failures)
        else:
            self._shared.recorder.emit((event,))

    def _is_taken_over(self, job: Job, before: Outcome, writes: Writes, output: NodeOutput) -> bool:
        """Whether a nested experience in which nothing is new gave what it had given to an earlier process: then that
        outcome stands."""
        return (job.found is not None and before.key == job.found.key and tuple(before.writes) == writes
                and before.edge_output == output.edge_output and self._shared.recorder.take_over(before))

    def _before(self, job: Job) -> Outcome | None:
        found = self._restored.find_success(job.slot)
        return self._restored.find_failure(job.slot) if found is None and job.keeps_failures else found

    def _taken_over(self, job: Job, before: Outcome) -> Result:
        """How a nested experience ended that failed as it had for an earlier process, or with what took its place."""
        if before.status == "success":
            return Result(End.SUCCESS, tuple(before.writes), before.edge_output)
        return self.failure(job.node, before.error.message if before.error else "")

    def failure(self, node: Node, message: str) -> Result:
        """The result of a slot that has failed for good."""
        policy = node.on_error.then if node.on_error.policy == "retry" else node.on_error.policy
        return Result(End.FAIL_RUN if policy == "fail_run" else End.FAILED, error=message)

    async def _in_turn(self, job: Job, number: int) -> tuple[NodeOutput, Writes]:
        """One attempt, as one of those that may go on at once; one that only carries out others is none of them."""
        if job.is_nested:
            return await self._attempt(job, number)
        self._worked = True
        async with self._in_flight:
            return await self._attempt(job, number)

    def _succeeded(self, job: Job, number: int, started: float, writes: Writes, output: NodeOutput) -> None:
        if output.replayed is not None and job.found is not None:
            self._note_replayed(str(output.replayed["run"]), str(output.replayed["since"]))
            self._commit(job, number, started, "success", writes=writes, edge_output=output.edge_output,
                         metrics=output.metrics, cached={"key": job.found.key, **output.replayed})
            return
        self._worked = self._worked or job.is_nested
        self._commit(job, number, started, "success", writes=writes, edge_output=output.edge_output,
                     metrics=output.metrics)

    def _note_replayed(self, run_id: str, since: str) -> None:
        self._replayed = min(self._replayed or (since, run_id), (since, run_id))

    def replay(self, job: Job, found: Fingerprint) -> Result | None:
        """The slot's result from the cache, committed as if the node had run; None where there is none that fits."""
        writes: Writes = ()

        def is_valid(entry: Entry) -> bool:
            nonlocal writes
            try:
                writes = self._checked(job, entry.state_delta)
            except NodeError:
                return False
            return True

        entry = self._shared.replay.find(job.node, found, is_valid, job.in_journal)
        if entry is None:
            return None
        now = self._shared.clock.now()
        self._note_replayed(entry.run_id, iso(entry.ts))
        if entry.produces:
            self._products[job.slot] = dict(entry.produces)
        cached: JsonObject = {"key": found.key, "run": entry.run_id, "since": iso(entry.ts),
                              "saved": saved_by(entry.metrics)}
        self._commit(job, self._restored.tried(job.slot) + 1, now, "success", writes=writes,
                     edge_output=entry.edge_output, metrics=entry.metrics, cached=cached)
        return Result(End.SUCCESS, writes, entry.edge_output,
                      origin=self._shared.replay.origin(job.node, found.key, entry.run_id))

    def _checked(self, job: Job, delta: JsonObject) -> Writes:
        return self._rules.check(job.node, delta)

    async def _attempt(self, job: Job, number: int) -> tuple[NodeOutput, Writes]:
        context = AttemptContext(self._shared, job.node, job.slot, number, keeps_failures=job.keeps_failures)
        printed = Printed(context.log)
        before = send_prints_to(printed)
        try:
            output = await self._execute(job, context)
            if job.slot in self._shared.spent:
                output = output._replace(metrics={**output.metrics, **self._measured(job.slot)})
            writes = self._checked(job, output.state_delta)
            self._refuse_secrets(output)
            if job.node.produces:
                self._products[job.slot] = dict(self._shared.replay.products(job.node.produces))
            return output, writes
        except NodeError:
            raise
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise
            raise NodeError("CancelledError: the node's own code was cancelled", name="CancelledError") from error
        except Exception as error:
            raise NodeError(f"{type(error).__name__}: {error}", name=type(error).__name__) from error
        finally:
            printed.finish()
            await context.close()
            send_prints_back(before)

    async def _execute(self, job: Job, context: AttemptContext) -> NodeOutput:
        limit = job.node.timeout_seconds
        deadline: asyncio.Timeout | None = None
        try:
            if job.refusal is not None:
                raise job.refusal
            if self._shared.replay.is_required(job.node) and not job.is_nested:
                raise no_result(job.node)
            request = Request(job.node, job.args, job.scope, job.view, job.node.writes)
            executor = job.executor()
            if limit is None:
                return await executor.execute(request, context)
            async with asyncio.timeout(limit) as deadline:
                return await executor.execute(request, context)
        except asyncio.CancelledError:
            context.cancel()
            raise
        except TimeoutError as error:
            context.cancel()
            if deadline is not None and deadline.expired() and limit is not None:
                raise NodeError(f"timeout: the attempt took longer than {format_duration(limit)}", name="TimeoutError",
                                code="timeout") from error
            raise

    def _refuse_secrets(self, output: NodeOutput) -> None:
        edge = None if isinstance(output.edge_output, Missing) else output.edge_output
        if self._redactor and self._redactor.finds(compact([output.state_delta, edge, output.metrics])):
            raise NodeError("the output contains a secret, which would be stored in plain text", name="SecretInOutput",
                            retryable=False, code="secret-in-output", hint="leave it out of what the node returns")

    def _measured(self, slot: str) -> dict[str, Json]:
        from oe.run.spending import metrics_of  # only after a call of a model

        return metrics_of(self._shared.spent[slot])

    def _settle_failure(self, job: Job, number: int, started: float, error: NodeError) -> Result:
        rule = job.node.on_error
        policy = rule.then if rule.policy == "retry" else rule.policy
        if policy == "continue" and rule.output is not None:
            try:
                writes = self._checked(job, rule.output.state_delta)
            except NodeError as fault:
                error = fault
            else:
                self._commit(job, number, started, "success", writes=writes, edge_output=rule.output.edge_output,
                             error=error, fallback=True)
                return Result(End.SUCCESS, writes, rule.output.edge_output)
        self._commit(job, number, started, "failed", error=error)
        return self.failure(job.node, self._redactor.text(_sentence(error)))

    def _cancelled(self, job: Job, number: int, started: float) -> Result:
        if not (job.is_nested and self._shared.recorder.forgo(job.slot)):
            self._commit(job, number, started, "cancelled", reason=self.cancel_reason(job.slot))
        return Result(End.CANCELLED)

    def _commit(self, job: Job, number: int, started: float, status: str, *,  # noqa: PLR0913
                writes: Writes = (), edge_output: Json | Missing = MISSING,
                metrics: JsonObject | None = None, error: NodeError | None = None, reason: str | None = None,
                **details: Json) -> None:
        if job.slot in self._abandoned:
            return
        if job.node.phase is not None:
            details["phase"] = job.node.phase
        if job.item_index is not None:
            details["index"] = job.item_index
        key = None
        if job.in_journal and status == "success" and "fallback" not in details and not _holds_secret(job):
            details["kept"] = "journal"
        if job.found is not None:
            key = job.found.key if job.is_key_sound else None
            details["parts"] = recorded_parts(job.found)
            texts = long_texts(job.found, self._known_texts)
            if texts:
                details["texts"] = texts
        if job.slot in self._shared.spent:
            from oe.run.spending import tokens_of  # only after a call of a model

            details["tokens"] = tokens_of(self._shared.spent.pop(job.slot))
        if job.slot in self._products:
            details["produces"] = self._products.pop(job.slot)
        failure = Failure(error.name, self._redactor.text(_sentence(error))) if error else None
        self._shared.recorder.commit(Outcome(
            job.slot, number, status, started, self._shared.clock.now(), key, writes, edge_output, metrics or {},  # type: ignore[arg-type]
            failure, reason, details))

    def _event(self, kind: str, ts: float, job: Job, number: int) -> Event:
        return Event(kind, ts, job.slot, number, job.item_index, job.node.phase)


def no_result(node: Node) -> NodeError:
    """The failure of a node that must not be run, and of which no result counts."""
    files = f", with what it makes as it made it ({', '.join(node.produces)})" if node.produces else ""
    return NodeError(f"no earlier result of '{node.id}' is known that would be the same now{files}", name="NoResult",
                     retryable=False, code="no-result", hint=f"run it first: --from {node.id}")


def _sentence(error: NodeError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _holds_secret(job: Job) -> bool:
    return job.found is None or job.found.holds_secret


def saved_by(metrics: JsonObject) -> JsonObject:
    """What a replayed result did not cost again: tokens and money, where its metrics tell."""
    return {name: metrics[name] for name in ("input_tokens", "output_tokens", "cost_usd") if name in metrics}
