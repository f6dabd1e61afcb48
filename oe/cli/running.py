"""What `oe run` and `oe resume` share: the event loop, progress, signals, the result on stdout."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from oe.app.experiences import Experience, Loaded, read_experience
from oe.app.launch import EventBus, RunHandle, RunOptions, RunResult
from oe.app.left_children import living_children
from oe.app.models import ModelOptions
from oe.app.signalled import SignalledPicture
from oe.cli.console import Console
from oe.cli.parser import add_data_dir, add_json, add_models, positive_integer
from oe.cli.quantities import budget
from oe.cli.signals import Requests, caught_signals
from oe.cli.stdout_guard import guarded_stdout
from oe.clock import SystemClock
from oe.errors import OeError, SpecError, UsageError
from oe.render.progress import FAILURES, TOLD, cache_line, event_line, status_line, summary_line
from oe.settings import choose
from oe.spec.results import result_fields
from oe.state.status import StopReason, exit_code
from oe.text import clip, format_size, neutralise, parse_duration, plural
from oe.values import Json, JsonObject, compact

if TYPE_CHECKING:
    from oe.cli.dashboard import Dashboard

Start: TypeAlias = Callable[[RunOptions, EventBus], Awaitable[RunResult]]

_REDRAW_SECONDS = 0.1
_LONGEST_TEXT = 65_536
_LONGEST_JSON = 400


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Options that run and resume have in common."""
    parser.add_argument("--concurrency", type=positive_integer, metavar="N", help="units that may run at once")
    parser.add_argument("--timeout", metavar="DURATION", help="deadline for the run: 90, 30s, 5m, 2h")
    parser.add_argument("--no-cache", action="store_true", help="neither take results from the cache nor keep them")
    parser.add_argument("--budget", type=budget, metavar="LIMITS",
                        help="what the run may spend: usd=0.50,tokens=100000,calls=20")
    parser.add_argument("--record", metavar="FILE", help="write what models are asked and answer; implies --no-cache")
    parser.add_argument("--log-prompts", action="store_true", help="put prompts and streamed answers in the event log")
    parser.add_argument("--tui", action="store_true", help="show the run on the whole terminal while it goes on")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr, only warnings and errors")
    add_models(parser)
    add_data_dir(parser)
    add_json(parser)


def checked_experience(path: str, console: Console) -> Experience:
    """The experience, its warnings told. Raises SpecError."""
    loaded = _read_for_good(path)
    if loaded.experience is None:
        raise SpecError(loaded.problems)
    for problem in loaded.problems:
        console.problem(problem)
    return loaded.experience


def _read_for_good(path: str) -> Loaded:
    """The experience, out of the garbage collector's sight: it stays to the process's end, and to look through a large
    one again and again while its run makes objects costs more with every node that it has."""
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        return read_experience(path)
    finally:
        if is_collecting:
            gc.freeze()
            gc.enable()


def model_options(namespace: argparse.Namespace) -> ModelOptions:
    """What the options of a command say about models."""
    return ModelOptions(namespace.llm, namespace.record, namespace.replay, namespace.budget,
                        logs_prompts=namespace.log_prompts)


def seconds_of(text: str | None) -> float | None:
    """Seconds of a `--timeout`. Raises UsageError."""
    if text is None:
        return None
    seconds = parse_duration(text)
    if seconds is None:
        seconds = parse_duration(text + "s")
    if not seconds:
        raise UsageError(f"--timeout '{text}' is no duration", hint="write 90, 30s, 5m or 2h")
    return seconds


def uses_cache(namespace: argparse.Namespace, console: Console) -> bool:
    """Whether the cache is used: `--no-cache`, else OE_CACHE, else yes. Raises UsageError for another word."""
    word = choose("cache", "off" if namespace.no_cache else None, console.environment, "OE_CACHE", "on").value
    if word not in ("on", "off"):
        raise UsageError(f"OE_CACHE is '{word}'", hint="write on or off")
    return word == "on"


def carry_out(experience: Experience, start: Start, options: RunOptions, namespace: argparse.Namespace,
              console: Console) -> int:
    """Runs to the end, shows how it goes and what it gave; the exit code."""
    with guarded_stdout(console):
        display = _Display(console, _dashboard(namespace, console))
        try:
            result = _run_loop(start, options, namespace, display)
        finally:
            display.close()
        if namespace.json:
            console.result_json(result.as_object())
        else:
            _show_results(experience, result, console, is_quiet=namespace.quiet)
        console.stdout.flush()
        if not namespace.quiet or result.status != "success":
            display.note_end(result)
        return int(result.exit_code)


def _dashboard(namespace: argparse.Namespace, console: Console) -> Dashboard | None:
    """What `--tui` asks for. It is started before the event loop, whose threads it must not be a copy of."""
    if not namespace.tui:
        return None
    from oe.cli.dashboard import Dashboard

    return Dashboard(namespace.path, namespace.data_dir, console)


def _run_loop(start: Start, options: RunOptions, namespace: argparse.Namespace, display: _Display) -> RunResult:
    """The run on an event loop, which is dismantled only where nothing on it would hold that up for ever. Raises
    OeError where the waiting for another run was given up."""
    with caught_signals(display.force) as requests:
        runner = asyncio.Runner()
        try:
            return runner.run(_watched(start, options, namespace, display, requests))
        except asyncio.CancelledError:
            code = exit_code("cancelled", display.given_up or "user")
            raise OeError("ended before the run began", code="cancelled", exit_code=code) from None
        finally:
            if not display.abandoned():
                runner.close()


async def _watched(start: Start, options: RunOptions, namespace: argparse.Namespace, display: _Display,
                   requests: Requests) -> RunResult:
    bus = EventBus()
    redraw = None
    only_failures = namespace.quiet or display.is_rewritten
    if only_failures:
        bus.subscribe(display.note_failure, FAILURES)
    else:
        bus.subscribe(display.note_event, TOLD)
    display.waiting = asyncio.current_task()
    requests.hand_to(display.stop)
    with SignalledPicture(display.picture):
        if display.is_rewritten and not namespace.quiet:
            redraw = asyncio.create_task(display.redraw())
        try:
            return await start(options._replace(on_start=display.begin, warn=display.warn), bus)
        finally:
            if redraw is not None:
                redraw.cancel()
            display.clear()


class _Display:
    """What a person sees of a run, on stderr."""

    def __init__(self, console: Console, dashboard: Dashboard | None) -> None:
        self._console = console
        self._dashboard = dashboard
        self.is_rewritten = console.is_rewritable
        self._drawn = False
        self._clock = SystemClock()
        self.run: RunHandle | None = None
        self.waiting: asyncio.Task[RunResult] | None = None
        self.given_up: StopReason | None = None
        self._cached_slot: Json = None
        self._stops = 0

    def begin(self, run: RunHandle) -> None:
        """Takes the run that is to be shown."""
        self.run = run
        if self._dashboard is not None:
            self._dashboard.begin(run.snapshot(1).run_id)

    def close(self) -> None:
        """Waits until the dashboard has left the terminal."""
        if self._dashboard is not None:
            self._dashboard.close()

    def picture(self) -> str:
        """What SIGUSR1 prints. Called in another thread."""
        from oe.app.live import picture_of

        text = "oe: the run has not begun" if self.run is None else picture_of(self.run)
        return f"\r\x1b[K{text}" if self.is_rewritten else text

    def stop(self, reason: StopReason) -> None:
        """Passes a stop request on, and says so; before the run has begun it ends the waiting for it."""
        self._stops += 1
        if self.run is not None:
            is_first = self._stops == 1
            self.warn(f"oe: stopping ({reason}); once more to stop at once" if is_first else "oe: stopping at once")
            self.run.stop(reason)
        elif self.waiting is not None:
            self.given_up = reason
            self.waiting.cancel()

    def force(self, reason: StopReason) -> None:
        """Ends the process from a thread of its own: what was committed is safe, and the guard of its programs ends
        them."""
        names = sorted(self.run.state.active.copy()) if self.run is not None else []
        busy = f" while {clip(', '.join(names), 200)} went on" if names else ""
        line = f"oe: ended by force{busy}; `oe resume` goes on from what is committed\n"
        with suppress(OSError):
            os.write(2, (("\r\x1b[K" if self._drawn else "") + neutralise(line)).encode())
        os._exit(exit_code("cancelled", reason))

    def abandoned(self) -> list[str]:
        """What did not end when it was cancelled and still runs, by name."""
        return self.run.abandoned if self.run is not None else []

    def note_end(self, result: RunResult) -> None:
        """The last lines: what came from the cache, and how the run ended."""
        if self.run is not None:
            line = cache_line(self.run.state, self._clock.now())
            if line is not None:
                self._console.note(line)
        for pid, name in living_children().items() if self._dashboard is None else ():
            self._console.note("oe: warning: left behind, started by a tool's own code and not ended: "
                               f"process {pid} ({neutralise(name)})")
        for name in self.abandoned():
            self._console.note(f"oe: warning: left behind, its code does not end when it is cancelled: {name}")
        self._console.note(summary_line(result.as_object()))
        if result.status != "success":
            self._console.note("`oe logs` shows what the nodes printed, `oe resume` goes on from here")

    def warn(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        self._console.note(text)

    def note_event(self, record: JsonObject) -> None:
        """Without a terminal: a line for every node that ends; a cached one is told once."""
        is_told = record["type"] == "node.finished" and record["slot"] == self._cached_slot
        if record["type"] == "node.cached":
            self._cached_slot = record["slot"]
        unit = self.run.state.units.get(str(record.get("slot"))) if self.run is not None else None
        line = event_line(record, unit)
        if line is not None and not is_told:
            self._console.note(line)

    def note_failure(self, record: JsonObject) -> None:
        """On a terminal, and with --quiet: only failures leave a line."""
        self.warn(event_line(record) or "")

    async def redraw(self) -> None:
        """Keeps the one line of a terminal up to date."""
        import shutil

        while True:
            await asyncio.sleep(_REDRAW_SECONDS)
            if self.run is not None and not (self._dashboard is not None and self._dashboard.is_up):
                width = shutil.get_terminal_size().columns - 1
                self._console.show("\r\x1b[K" + status_line(self.run.state, self._clock.now(), width))
                self._drawn = True

    def clear(self) -> None:
        """Takes the line away."""
        if self._drawn:
            self._console.show("\r\x1b[K")
            self._drawn = False


def _show_results(experience: Experience, result: RunResult, console: Console, *, is_quiet: bool) -> None:
    """The fields that nothing reads on; what else there is, in one line on stderr."""
    shown = set(result_fields(experience))
    for field, value in result.state.items():
        if field in shown:
            for line in _field_lines(field, value):
                console.result(line)
    others = [field for field in result.state if field not in shown]
    if others and not is_quiet:
        console.note(f"{plural(len(others), 'more field')}, see `oe state`: {clip(', '.join(others), 100)}")


def _field_lines(field: str, value: Json) -> Iterable[str]:
    if isinstance(value, str):
        text = neutralise(value.rstrip("\n"))
        if len(text) > _LONGEST_TEXT:
            text = clip(text, _LONGEST_TEXT) + f"\n({format_size(len(value))}; `oe state {field}` shows all)"
        yield f"{field}:\n{text}" if "\n" in text else f"{field}: {text}"
        return
    text = neutralise(compact(value))
    more = f" ({format_size(len(text))}; `oe state {field}` shows all)" if len(text) > _LONGEST_JSON else ""
    yield f"{field}: {clip(text, _LONGEST_JSON)}{more}"
