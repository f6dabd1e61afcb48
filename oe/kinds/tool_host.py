"""The child's side of a Python tool in a process of its own: takes a request, runs the function, reports over a pipe.

Runs on Python 3.8 and newer with the standard library alone, as it is handed to other interpreters (tool_process).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from oe.kinds.tool_context import ToolContext
from oe.kinds.tool_contract import ToolFault, count_arguments, describe, find_function, read_result
from oe.kinds.tool_modules import ToolFolder


class _EndedError(BaseException):
    """The attempt is to end: SIGTERM came."""


class _Link:
    """What stands behind the tool's `ctx`: a pipe to the parent."""

    def __init__(self, descriptor: int, artifacts: str) -> None:
        self._descriptor = descriptor
        self._artifacts = artifacts
        self._lock = threading.RLock()  # a signal may come while its own thread writes
        self.cancelled = False
        self.deferred: list[Callable[[], object]] = []
        self._scopes = 0

    def send(self, kind: str, content: object) -> None:
        """One message: one line of JSON, whole whoever writes beside it."""
        data = memoryview((json.dumps([kind, content], allow_nan=False) + "\n").encode())
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data):]

    def report(self, pct: float | None, message: str | None, data: object) -> None:
        """Progress."""
        self.send("report", [pct, message, data])

    def log(self, text: str) -> None:
        """A line for the node's log."""
        self.send("log", text.encode("utf-8", "backslashreplace").decode())

    def defer(self, function: Callable[[], object]) -> None:
        """A clean-up for the end."""
        self.deferred.append(function)

    @contextmanager
    def opened(self, kind: str, name: str) -> Iterator[None]:
        """A part of the attempt; the parent ends those that are open when this process does."""
        with self._lock:
            self._scopes += 1
            number = self._scopes
        self.send("open", [number, kind, name.encode("utf-8", "backslashreplace").decode()])
        try:
            yield
        finally:
            self.send("close", number)

    def artifact(self, name: str) -> str:
        """The path of an artifact, its folder made."""
        if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
            raise ValueError(f"artifact name '{name}' is not a relative path inside the run's folder")
        path = os.path.join(self._artifacts, name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return path


def _reader(contents: dict[str, str]) -> Callable[[str], bytes]:
    """Reads modules; those that came with the request are not read again, as they may have changed since."""
    def read(path: str) -> bytes:
        if path in contents:
            return contents[path].encode("latin-1")
        with open(path, "rb") as file:
            return file.read()

    return read


def main(request: dict[str, Any]) -> None:
    """Carries out one request and ends. What the tool prints goes where the parent reads it, never into the result."""
    descriptor = int(os.environ.pop("OE_MESSAGE_FD"))
    os.set_inheritable(descriptor, False)
    _prepare_streams()
    link = _Link(descriptor, request["artifacts"])
    # Kept to the end: clean-ups may import too.
    modules = ToolFolder(os.path.dirname(request["path"]), _reader(request["contents"]))
    signal.signal(signal.SIGTERM, lambda *_: _end(link))
    try:
        link.send("result", _run(request, link, modules))
    except _EndedError:
        pass
    except BaseException as error:
        link.send("fault", _fault(error, request["folder"]))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _clean_up(link, request["folder"])
    _leave()


def _end(link: _Link) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    link.cancelled = True
    raise _EndedError


def _prepare_streams() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]


def _run(request: dict[str, Any], link: _Link, modules: ToolFolder) -> dict[str, Any]:
    try:
        module = modules.load(request["path"])
        function = find_function(module, request["function"], request["shown"])
        arguments = count_arguments(function, request["function"])
    except (_EndedError, ToolFault):
        raise
    except BaseException as error:
        raise _LoadError from error
    context = ToolContext(link, request["facts"], request["env"])
    value = function(*(request["inputs"], context)[:arguments])
    return read_result(_awaited(value) if hasattr(value, "__await__") else value)


class _LoadError(BaseException):
    """The tool's file cannot be loaded, for the reason that is the cause; another attempt would end the same way."""


def _awaited(value: Any) -> object:
    import asyncio

    async def wait() -> object:
        return await value

    return asyncio.run(wait())


def _fault(error: BaseException, folder: str) -> dict[str, Any]:
    if isinstance(error, ToolFault):
        return {"name": error.name, "message": error.message, "hint": error.hint, "retryable": False, "trace": ""}
    cause = error.__cause__ if isinstance(error, _LoadError) and error.__cause__ is not None else error
    name, sentence, trace = describe(cause, folder)
    message = sentence.encode("utf-8", "backslashreplace").decode()
    return {"name": name, "message": message, "hint": None, "retryable": cause is error,
            "trace": trace.encode("utf-8", "backslashreplace").decode()}


def _clean_up(link: _Link, folder: str) -> None:
    """Runs the clean-ups, last one first. What fails in one is logged and hides nothing."""
    while link.deferred:
        try:
            value = link.deferred.pop()()
            if hasattr(value, "__await__"):
                _awaited(value)
        except BaseException as error:
            _, sentence, trace = describe(error, folder)
            link.log(f"clean-up failed: {sentence}\n{trace}")


def _leave() -> None:
    """Ends at once where the tool left threads that the interpreter would wait for."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    if any(each is not threading.current_thread() and not each.daemon for each in threading.enumerate()):
        os.kill(os.getpid(), signal.SIGKILL)
