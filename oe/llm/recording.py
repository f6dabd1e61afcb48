"""Recordings of exchanges with models: one JSON object a line, the first of which names the form.

    {"oe_recording": 1}
    {"slot": "review[3]", "request": {"system": "…", "messages": [{"role": "user", "text": "…"}], "schema": {…}},
     "provider": "anthropic", "model": "…", "answer": {"text": "…", "value": {…}, "stop": "end", "model": "…",
     "usage": {"input_tokens": 12, …}, "request_id": "…"}}
    {"slot": …, "request": {…}, "provider": …, "model": …, "error": {"code": "model-failed", "message": "…"}}

`schema`, `value`, `usage` and `request_id` are left out where there is none. Keys and known secrets are blanked.
"""

from __future__ import annotations

import os
import stat
from errno import EACCES, ENOTDIR
from typing import NamedTuple, cast, get_args

from oe.errors import NotFoundError, UsageError
from oe.lang.scope import MISSING
from oe.llm.shapes import Garbled, count_in, object_in, parse_object, text_in
from oe.ports.model import (
    Answer,
    CallWatch,
    ModelCall,
    ModelError,
    ModelFault,
    ModelProvider,
    ModelSettings,
    Stop,
    Usage,
)
from oe.redact import Redactor
from oe.text import clip
from oe.values import Json, JsonObject, canonical, compact

FORM = 1
_MARK = "oe_recording"


class RecordedError(NamedTuple):
    """How a call failed. Each replay raises an error of its own made from it."""

    fault: ModelFault
    message: str


class Exchange(NamedTuple):
    """One recorded call. `request` is what of it is compared, see `request_of`; `end` how it ended."""

    slot: str
    request: JsonObject
    end: Answer | RecordedError


class Recording:
    """A file that exchanges are added to, each as one line in one write. Private to the user."""

    def __init__(self, path: str, redactor: Redactor, *, appends: bool = False) -> None:
        """Sees that the file can be written; makes none and leaves what it holds until the run begins. Raises
        UsageError."""
        self._path = path
        self._redactor = redactor
        self._appends = appends
        self._descriptor: int | None = None
        if os.path.islink(path) and (os.path.isfile(path) or not os.path.exists(path)):  # come with the experience
            raise UsageError(f"cannot write the recording '{path}': it is a link", code="unwritable-recording",
                             hint="name the file itself")
        try:
            if os.path.exists(path):
                self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            else:
                _expect_room(os.path.dirname(path) or ".")
        except OSError as error:
            raise _unwritable(path, error) from error

    def begin(self) -> None:
        """Begins the file anew, or goes on with it. Raises UsageError."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            found = os.fstat(self._descriptor)
            if found.st_size and not self._appends and stat.S_ISREG(found.st_mode):
                os.ftruncate(self._descriptor, 0)
            if os.fstat(self._descriptor).st_size == 0:
                self._write({_MARK: FORM})
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def add(self, provider: str, call: ModelCall, end: Answer | ModelError) -> None:
        """Adds an exchange. Raises ModelError: a recording with holes could not be replayed."""
        line: dict[str, Json] = {"slot": call.slot, "request": request_of(call), "provider": provider,
                                 "model": call.settings.model}
        if isinstance(end, ModelError):
            line["error"] = {"code": end.code, "message": end.message}
        else:
            line["answer"] = _answer_object(end)
        try:
            self._write(line)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Closes the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _write(self, line: JsonObject) -> None:
        data = (self._redactor.text(compact(line)) + "\n").encode("utf-8", "replace")
        assert self._descriptor is not None, "a recording begins with its run"
        while data:
            data = data[os.write(self._descriptor, data):]


class Recorded:
    """A ModelProvider whose every exchange is recorded."""

    def __init__(self, provider: ModelProvider, recording: Recording) -> None:
        self.name = provider.name
        self._provider = provider
        self._recording = recording

    def identity(self, settings: ModelSettings) -> JsonObject:
        """See ModelProvider."""
        return self._provider.identity(settings)

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        """See ModelProvider."""
        try:
            answer = await self._provider.answer(call, watch)
        except ModelError as error:
            self._recording.add(self.name, call, error)
            raise
        self._recording.add(self.name, call, answer)
        return answer


def request_of(call: ModelCall) -> JsonObject:
    """What of a call is compared: what the model is told. Not which model it is, so that a recording answers where the
    provider is not set up."""
    messages: list[Json] = [{"role": message.role, "text": message.text} for message in call.messages]
    request: dict[str, Json] = {"system": call.system, "messages": messages}
    return request if call.schema is None else {**request, "schema": call.schema}


def blanked(request: JsonObject, redactor: Redactor) -> JsonObject:
    """The request as it stands in a recording."""
    return parse_object(redactor.text(compact(request)), "the request") if redactor else request


def read_recording(path: str) -> tuple[list[Exchange], str]:
    """The exchanges of a recording in their order, and a digest of what they hold. Raises NotFoundError,
    UsageError with the line."""
    from hashlib import sha256

    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            lines = file.read().removesuffix("\n").split("\n")  # splitlines() would cut at more than line feeds
    except FileNotFoundError:
        raise NotFoundError(f"there is no recording '{path}'", hint="--record FILE makes one",
                            code="no-recording") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"cannot read the recording '{path}': {reason}", code="unreadable-recording") from error
    digest = sha256()
    exchanges: list[Exchange] = []
    for number, line in enumerate(lines, 1):
        try:
            holder = parse_object(line, "it")
            if number == 1 and holder.get(_MARK) != FORM:
                raise Garbled(f"it must begin with {{\"{_MARK}\":{FORM}}}")
            if number > 1:
                exchanges.append(_exchange(holder))
                digest.update(canonical(holder).encode("utf-8", "surrogatepass"))
        except Garbled as error:
            raise UsageError(f"line {number} of the recording '{path}' is none: {error}", code="unreadable-recording",
                             hint="--record FILE makes one") from error
    return exchanges, digest.hexdigest()


def _exchange(holder: JsonObject) -> Exchange:
    slot, request = text_in(holder, "slot"), object_in(holder, "request")
    told, error = object_in(holder, "answer"), object_in(holder, "error")
    if not slot or not request or not (told or error):
        raise Garbled("it has no slot, no request, or neither answer nor error")
    if error:
        code = text_in(error, "code")
        if code not in get_args(ModelFault):
            raise Garbled(f"its error has no known code: '{clip(code, 40)}'")
        return Exchange(slot, request, RecordedError(cast(ModelFault, code), text_in(error, "message")))
    counts = object_in(told, "usage")
    usage = Usage(**{name: count_in(counts, name) or 0 for name in Usage._fields}) if counts else None
    return Exchange(slot, request, Answer(
        text_in(told, "text"), told.get("value", MISSING), cast(Stop, text_in(told, "stop") or "end"), usage,
        text_in(told, "model"), text_in(told, "request_id") or None))


def _answer_object(answer: Answer) -> JsonObject:
    told: dict[str, Json] = {"text": answer.text, "stop": answer.stop, "model": answer.model}
    if answer.value is not MISSING:
        told["value"] = answer.value
    if answer.usage is not None:
        told["usage"] = answer.usage._asdict()
    if answer.request_id is not None:
        told["request_id"] = answer.request_id
    return told


def _expect_room(folder: str) -> None:
    """Raises OSError where no file can be made in the folder."""
    if not stat.S_ISDIR(os.stat(folder).st_mode):
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(EACCES, os.strerror(EACCES))


def _unwritable(path: str, error: OSError) -> UsageError:
    return UsageError(f"cannot write the recording '{path}': {(error.strerror or str(error)).lower()}",
                      code="unwritable-recording")


