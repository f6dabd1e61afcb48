"""The provider that answers from a recording, by slot and request; for work without a network, and for tests."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from hashlib import sha256

from oe.llm.recording import Exchange, RecordedError, blanked, read_recording, request_of
from oe.llm.wire import Offer, Place
from oe.ports.model import Answer, CallWatch, ModelCall, ModelError, ModelSettings
from oe.text import nearest
from oe.values import JsonObject, canonical


class Replay:
    """Implements ModelProvider. Of several exchanges with one slot and request each is given once, in their order; the
    last one stays. Recorded failures fail again.

    A recording of an experience that is nested in another names slots as that experience does: `ask` for `each[3]/ask`.
    Each slot that asks is given the whole sequence then, so that it does not matter which asks first.
    """

    name = "replay"

    def __init__(self, place: Place) -> None:
        """Reads the recording, whose path stands in the place of an address. Raises OeError."""
        self._path = place.base_url
        self._redactor = place.redactor
        self._exchanges, self._digest = read_recording(self._path)
        self._held: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        for exchange in self._exchanges:
            self._held[exchange.slot, canonical(exchange.request)].append(exchange)
        self._left: dict[tuple[str, str], deque[Exchange]] = {}

    def identity(self, settings: ModelSettings) -> JsonObject:
        """See ModelProvider: the recording is the model."""
        return {"provider": self.name, "recording": self._digest}

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        """See ModelProvider."""
        request = blanked(request_of(call), self._redactor)
        left = self._find(call.slot, canonical(request))
        if left is None:
            raise self._miss(call.slot, request)
        exchange = left.popleft() if len(left) > 1 else left[0]
        if isinstance(exchange.end, RecordedError):
            raise ModelError(exchange.end.fault, exchange.end.message)
        watch.sent()
        watch.text(exchange.end.text)
        return exchange.end

    def _find(self, slot: str, request: str) -> deque[Exchange] | None:
        """What is left of the sequence for a slot that asks."""
        if (slot, request) not in self._left:
            held = next((found for name in _names(slot) if (found := self._held.get((name, request)))), None)
            if held is None:
                return None
            self._left[slot, request] = deque(held)
        return self._left[slot, request]

    def _miss(self, slot: str, request: JsonObject) -> ModelError:
        """Says where the nearest exchange differs, by place: what is asked is no part of an error."""
        key = sha256(canonical(request).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        what = f"the recording '{self._path}' does not hold this call of '{slot}' (request {key})"
        lines = list(enumerate(self._exchanges, 2))  # the first line names the form
        names = set(_names(slot))
        same = [(line, exchange) for line, exchange in lines if exchange.slot in names]
        elsewhere = next((each.slot for each in self._exchanges if canonical(each.request) == canonical(request)), None)
        if same:
            line, closest = max(same, key=lambda pair: _agreement(pair[1].request, request))
            return ModelError("replay-miss", f"{what}: in the nearest, on line {line} for '{closest.slot}', "
                              f"{_difference(closest.request, request)}",
                              hint="record it again where the change is meant")
        if elsewhere is not None:
            return ModelError("replay-miss", f"{what}: the same request was recorded for '{elsewhere}'",
                              hint="the node has another name now, or another place in its list")
        near = nearest(slot, {exchange.slot for exchange in self._exchanges})
        return ModelError("replay-miss", what, hint=f"the nearest that it holds is '{near}'" if near else
                          f"it holds {len(self._exchanges)} exchanges, none of this slot")


def _names(slot: str) -> Iterator[str]:
    """A slot as the run names it, then as each experience does that it is nested in."""
    yield slot
    while "/" in slot:
        slot = slot.partition("/")[2]
        yield slot


def _texts(request: JsonObject) -> Iterator[tuple[str, str]]:
    """What a request says, part by part, with a name for each."""
    yield "system text", str(request.get("system", ""))
    messages = request.get("messages", ())
    for number, message in enumerate(messages if isinstance(messages, list) else (), 1):
        yield f"message {number}", str(message.get("text", "")) if isinstance(message, dict) else ""
    yield "schema", canonical(request.get("schema"))


def _agreement(one: JsonObject, other: JsonObject) -> int:
    """How many characters of two requests agree before the first difference of each part."""
    theirs = dict(_texts(other))
    return sum(_common(text, theirs.get(name, "")) for name, text in _texts(one))


def _common(one: str, other: str) -> int:
    return next((place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
                min(len(one), len(other)))


def _difference(recorded: JsonObject, asked: JsonObject) -> str:
    """Where two requests differ first, in words."""
    theirs, ours = dict(_texts(recorded)), dict(_texts(asked))
    for name in [*theirs, *(name for name in ours if name not in theirs)]:
        if name not in ours or name not in theirs:
            return f"there is {'a' if name in theirs else 'no'} {name}"
        if theirs[name] != ours[name]:
            place = _common(theirs[name], ours[name])
            return (f"the {name} differs from character {place + 1} on ({len(theirs[name]):,} characters recorded, "
                    f"{len(ours[name]):,} now)")
    return "the roles differ"


OFFER = Offer("replay", Replay, "", needs_model=False)
