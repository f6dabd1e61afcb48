"""The event bus: any number of subscribers, none of which can hurt a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection

from oe.errors import UsageError
from oe.values import JsonObject

Subscriber = Callable[[JsonObject], object]
_Subscription = tuple[Subscriber, "Collection[str] | None"]

_COROUTINE = 0x80
"""The flag of a function's code that `inspect`, which costs 10 ms to load, calls CO_COROUTINE."""


class EventBus:
    """Hands every event of a run to its subscribers, in order, on the event loop's thread.

    A subscriber gets one dict as it stands in the log. One that raises is isolated: it keeps getting events, its errors
    are counted in `failures`, and it is named once on stderr.
    """

    def __init__(self) -> None:
        self._subscriptions: list[_Subscription] = []
        self.failures: dict[str, int] = {}

    def wants(self, kind: str) -> bool:
        """Whether anybody asked for events of this type."""
        return any(types is None or kind in types for _, types in self._subscriptions)

    def subscribe(self, subscriber: Subscriber, types: Collection[str] | None = None) -> Callable[[], None]:
        """Adds a subscriber, to all events or to those of the given types; calling what is returned removes it again.

        Raises UsageError for what cannot be called, and for a coroutine function, which nobody would await.
        """
        if not callable(subscriber) or getattr(getattr(subscriber, "__code__", None), "co_flags", 0) & _COROUTINE:
            raise UsageError(f"a subscriber must be a plain function, found {subscriber!r}",
                             hint="it may put the event on a queue, or start a task")
        subscription = (subscriber, types)
        self._subscriptions.append(subscription)
        return lambda: self._subscriptions.remove(subscription) if subscription in self._subscriptions else None

    def publish(self, record: JsonObject) -> None:
        """Hands one event to the subscribers that asked for its type."""
        for subscriber, types in tuple(self._subscriptions):
            if types is not None and record["type"] not in types:
                continue
            try:
                subscriber(dict(record))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._isolate(subscriber, error)

    def _isolate(self, subscriber: Subscriber, error: BaseException) -> None:
        name = getattr(subscriber, "__qualname__", type(subscriber).__name__)
        if name not in self.failures:
            sys.stderr.write(f"oe: event subscriber '{name}' failed: {type(error).__name__}: {error}\n")
        self.failures[name] = self.failures.get(name, 0) + 1
