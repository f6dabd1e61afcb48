"""One question to a provider over HTTP: sends the body, feeds what comes to the provider's reader, tells its pieces.

Knows no provider: what an event means is the reader's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from oe.llm.failures import hide, misplaced_error, status_error, transport_error, unquoted
from oe.llm.shapes import Garbled, parse_object, whole_characters
from oe.llm.sse import EventReader, EventTooLong, ServerEvent
from oe.ports.http import HttpClient, HttpError, HttpRequest, HttpResponse, read_whole
from oe.ports.model import Answer, CallWatch, ModelError, ModelProvider, Usage
from oe.redact import Redactor
from oe.values import JsonObject, compact

_MOST_ANSWER_BYTES = 32 * 1024 * 1024
_MOST_ERROR_BYTES = 64 * 1024
_BYTES_PER_TOKEN = 3
HEADERS = (("Content-Type", "application/json"), ("Accept", "text/event-stream, application/json"),
           ("User-Agent", "oe"))
"""What every provider is sent; some gateways refuse clients that do not say who they are."""

_BLANK = b" \t\r\n\xef\xbb\xbf"
_FIELDS = (b":", b"data:", b"event:", b"id:", b"retry:")
"""How a line of a stream of events begins."""

_REQUEST_IDS = ("request-id", "x-request-id")


class Place(NamedTuple):
    """Where a provider is, and the key to it. `base_url` has no slash at its end; `key` None: none is sent. `is_token`
    for a key that is sent as a bearer whatever the provider's own header is. `wants` is the variable of a key that is
    needed and not set. `now` gives wall time; `redactor` knows the run's secrets."""

    http: HttpClient
    base_url: str
    now: Callable[[], float]
    redactor: Redactor
    key: str | None = None
    is_token: bool = False
    wants: str | None = None
    api_version: str | None = None


class Offer(NamedTuple):
    """A provider as the table of them has it: what it is called, which variables it reads, how it is made. `base_url`
    is its own address; `needs_model` is False where the model is not ours to choose."""

    name: str
    make: Callable[[Place], ModelProvider]
    base_url: str
    base_url_variable: str = ""
    model_variable: str = ""
    key_variables: tuple[str, ...] = ()
    token_variables: tuple[str, ...] = ()
    needs_model: bool = True


class Post(NamedTuple):
    """What is sent. `on_accepted` is called once the provider has taken the request; no error quotes `texts`."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: JsonObject
    idle_seconds: float
    on_accepted: Callable[[], None]
    texts: Sequence[str] = ()


class AnswerReader(Protocol):
    """Puts an answer together. Methods raise Garbled for what is not of the provider's form, and ModelError for an
    error that the provider tells in the midst of it."""

    usage: Usage | None
    is_ended: bool
    is_whole: bool

    def take(self, event: ServerEvent) -> str:
        """Takes one event of a stream; the text that it adds. `is_ended`: nothing more is to come. `is_whole`: the
        answer is all there, so that the stream may end."""

    def take_whole(self, body: JsonObject) -> str:
        """Takes an answer that is not streamed; its text."""

    def answer(self) -> Answer:
        """What has come."""


async def ask(provider: str, place: Place, post: Post, reader: AnswerReader, watch: CallWatch) -> Answer:
    """The whole answer. Raises ModelError, whose message does not hold the key."""
    if place.wants is not None:
        raise ModelError("model-denied", f"'{provider}' needs a key, and {place.wants} is not set",
                         hint="set it, or base_url where a server of your own needs none")
    said = _Said(watch)
    watch.sent()
    try:
        request = HttpRequest("POST", place.base_url + post.path, post.headers,
                              whole_characters(compact(post.body)).encode(), idle_seconds=post.idle_seconds,
                              most_bytes=_MOST_ANSWER_BYTES)
        async with place.http.exchange(request) as response:
            if response.status != 200:
                body = (await read_whole(response, _MOST_ERROR_BYTES)).decode("utf-8", "replace")
                raise status_error(provider, response.status, response.headers, body, place.now())
            post.on_accepted()
            await _read(provider, response, reader, said)
            request_id = next((response.headers[name] for name in _REQUEST_IDS if name in response.headers), None)
    except HttpError as error:
        raise _hidden(transport_error(error, said.usage(reader.usage)), place, post) from None
    except ModelError as error:
        error.usage = said.usage(error.usage)
        raise _hidden(error, place, post) from None
    except Garbled as error:
        raise ModelError("model-garbled", f"'{provider}' answers in no known form: {error}",
                         usage=said.usage(reader.usage)) from error
    answer = reader.answer()
    return answer._replace(request_id=request_id or answer.request_id)


class _Said:
    """Tells the pieces of an answer, and knows how much of it came."""

    def __init__(self, watch: CallWatch) -> None:
        self._watch = watch
        self._bytes = 0

    def text(self, piece: str) -> None:
        """Tells a piece."""
        self._bytes += len(piece.encode())
        self._watch.text(piece)

    def usage(self, told: Usage | None) -> Usage | None:
        """What a call that failed has cost: as the provider told, which tells of the answer only at its end."""
        return None if told is None else told._replace(
            output_tokens=max(told.output_tokens, -(-self._bytes // _BYTES_PER_TOKEN)))


def _hidden(error: ModelError, place: Place, post: Post) -> ModelError:
    redactor = Redactor([place.key] if place.key else [])
    return hide(error, lambda text: unquoted(redactor.text(text), post.texts))


async def _read(provider: str, response: HttpResponse, reader: AnswerReader, said: _Said) -> None:
    """Feeds the reader until the answer is whole. A server that does not stream gives all at once."""
    content_type = response.headers.get("content-type", "")
    piece = await response.read()
    form = _form(content_type.lower(), piece.lstrip(_BLANK))
    if form is None:
        raise misplaced_error(provider, content_type)
    if form == "json":
        body = piece + await read_whole(response, _MOST_ANSWER_BYTES)
        said.text(reader.take_whole(parse_object(body.decode("utf-8-sig", "replace"), "the answer")))
        return
    events = EventReader()
    while piece:
        for event in _events(events, piece):
            text = reader.take(event)
            if text:
                said.text(text)
        piece = b"" if reader.is_ended else await response.read()
    if not reader.is_whole:
        raise ModelError("model-cut", f"the answer of '{provider}' broke off before its end mark", usage=reader.usage)


def _form(content_type: str, start: bytes) -> Literal["json", "events"] | None:
    """What a body is by what it says of itself and how it begins, as servers name the wrong type; None: neither."""
    if start.startswith(b"<"):
        return None
    if "json" in content_type or start.startswith(b"{"):
        return "json"
    is_field = any(start.startswith(field) or field.startswith(start) for field in _FIELDS)
    return "events" if is_field or "event-stream" in content_type else None


def _events(reader: EventReader, piece: bytes) -> list[ServerEvent]:
    try:
        return reader.feed(piece)
    except EventTooLong:
        raise Garbled("an event without end") from None
