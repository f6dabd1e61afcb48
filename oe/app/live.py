"""The owner's side of a live run: what other processes see of it (`runs/<run-id>.live`), what they ask of it, and the
picture that it prints when it is signalled.

The live file is written by a thread, so that it stays fresh while a tool holds the event loop; requests are obeyed by
the loop, which thereby shows that it takes its turns. The file is no truth: it is small, and removed at the end.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from oe.clock import SystemClock
from oe.errors import OeError
from oe.values import Json

if TYPE_CHECKING:
    from oe.app.workspace import Workspace
    from oe.redact import Redactor
    from oe.run.session import Session
    from oe.state.snapshot import Snapshot

TURN_SECONDS = 0.25
"""How often the file is written and requests are looked for, at most."""
STILL_SECONDS = 1.0
"""How often the file is written where nothing happens: a reader sees by it that the owner is well."""
MOST_PARTS = 100
"""Parts of a scope that are written one by one; the others are counted."""
MOST_NAMED = 20
"""Slots that the answer to a request names."""
_SHARE = 20
"""Writing takes at most one part in so many of this process's time."""


class LiveKeeper:
    """Keeps the live file of one run and obeys requests, from entering to leaving its `with` statement, which must be
    on the event loop's thread. `warn` is told what another process has asked for."""

    def __init__(self, session: Session, workspace: Workspace, run_id: str, warn: Callable[[str], None]) -> None:
        self._session = session
        self._workspace = workspace
        self._run_id = run_id
        self._warn = warn
        self._clock = SystemClock()
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> LiveKeeper:
        self._session.loop_seen_at = self._clock.now()
        self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self._turn)
        with suppress(RuntimeError):  # the machine gives no thread: nobody can look at the run then
            threading.Thread(target=self._keep, name="oe-live", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ended.set()
        with self._writing:
            self._workspace.folder.remove_live(self._run_id)

    def _turn(self) -> None:
        """On the loop."""
        self._session.loop_seen_at = self._clock.now()
        self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self._turn)
        with suppress(OeError):  # a database in trouble is the run's business, at its next commit
            for request in self._workspace.store.open_requests(self._run_id):
                answer = self._obey(request.node)
                self._workspace.store.answer_request(request.number, answer)

    def _obey(self, node: str | None) -> dict[str, Json]:
        if node is None:
            self._warn("oe: another process asks to cancel the run")
            self._session.stop("user")
            return {"run": True}
        ended = self._session.cancel(node)
        if ended:
            self._warn(f"oe: another process asks to cancel '{node}'")
        return {"slots": list[Json](ended[:MOST_NAMED]), "count": len(ended)}

    def _keep(self) -> None:
        """In a thread."""
        changes, written, pause = -1, 0.0, TURN_SECONDS
        while not self._ended.wait(pause):
            now = time.monotonic()
            if self._session.state.changes == changes and now - written < STILL_SECONDS:
                continue
            changes, written = self._session.state.changes, now
            began = time.thread_time()
            self._write()
            pause = max(TURN_SECONDS, _SHARE * (time.thread_time() - began))

    def _write(self) -> None:
        from oe.state.snapshot_values import as_object  # a run that is over at once needs none of it
        from oe.values import compact

        text = self._session.redactor.text(compact(as_object(self._session.snapshot(MOST_PARTS))))
        with self._writing, suppress(OSError, OeError):
            if not self._ended.is_set():
                self._workspace.folder.write_live(self._run_id, text)


class LookedAt(Protocol):
    """A run as far as a picture needs it; see Session."""

    @property
    def redactor(self) -> Redactor:
        """What blanks the run's secrets."""

    def snapshot(self, most: int | None = None) -> Snapshot:
        """What the run is doing."""

    def busy_threads(self) -> dict[int, str]:
        """The calls that threads carry out."""


def picture_of(run: LookedAt) -> str:
    """Tree, diagnosis, and where the threads of the nodes are in their code: for SIGUSR1. From any thread."""
    from oe.render.findings import finding_lines
    from oe.render.tree import render_tree
    from oe.run.stacks import stack_lines
    from oe.state.diagnosis import diagnose
    from oe.text import neutralise

    snapshot = run.snapshot()
    stacks = [neutralise(line) for line in stack_lines(run.busy_threads())]
    parts = [render_tree(snapshot), "\n".join(finding_lines(diagnose(snapshot))), "\n".join(stacks)]
    return run.redactor.text("\n\n".join(filter(None, parts)))
