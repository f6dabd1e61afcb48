"""The limiter against simulated providers, in jumping time: everybody is answered, few calls are wasted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from oe.llm.limiter import LONGEST_PAUSE_SECONDS, Limiter, Limiters, Line
from oe.llm.memory import MemoryModel
from oe.llm.retrying import Retrying
from oe.ports.model import Answer, CallWatch, Message, ModelCall, ModelError, ModelSettings, Unwatched
from oe.values import JsonObject
from tests.support.jump_loop import run

SETTINGS = ModelSettings("sim", "m")


def call(number: int = 0, **settings: object) -> ModelCall:
    return ModelCall(f"n[{number}]", SETTINGS._replace(**settings), (Message("user", "hi"),))  # type: ignore[arg-type]


class Simulated:
    """A provider that answers after `seconds`, unless `refuses` says otherwise after a round trip."""

    name = "sim"

    def __init__(self, refuses: Callable[[Simulated], ModelError | None], seconds: float = 1.0,
                 round_trip: float = 0.05) -> None:
        self.calls = 0
        self.running = 0
        self.peak = 0
        self.started: list[float] = []
        self._refuses = refuses
        self._seconds = seconds
        self._round_trip = round_trip

    def identity(self, settings: ModelSettings) -> JsonObject:
        return {}

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        self.calls += 1
        self.started.append(asyncio.get_running_loop().time())
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            refusal = self._refuses(self)
            await asyncio.sleep(self._round_trip)
            if refusal is not None:
                raise refusal
            await asyncio.sleep(self._seconds - self._round_trip)
            return Answer("ok")
        finally:
            self.running -= 1


def busy(seconds: float | None = None) -> ModelError:
    return ModelError("model-busy", "429", status=429, retry_after_seconds=seconds)


def storm(until: float, seconds: float | None = None) -> Callable[[Simulated], ModelError | None]:
    """Refuses everything until then."""
    return lambda _: busy(seconds) if asyncio.get_running_loop().time() < until else None


def at_most(count: int, seconds: float | None = None) -> Callable[[Simulated], ModelError | None]:
    """Refuses what is more than so many at once."""
    return lambda provider: busy(seconds) if provider.running > count else None


def per_second(rate: float, burst: int, seconds: float | None = None) -> Callable[[Simulated], ModelError | None]:
    """A token bucket."""
    tokens, last = float(burst), 0.0

    def refuses(_: Simulated) -> ModelError | None:
        nonlocal tokens, last
        now = asyncio.get_running_loop().time()
        tokens, last = min(burst, tokens + (now - last) * rate), now
        if tokens < 1:
            return busy(seconds)
        tokens -= 1
        return None

    return refuses


def fan_out(provider: Simulated | MemoryModel, count: int, *, seed: int = 1, **settings: object) -> tuple[list[str], float]:
    """What each call came to, and how long all took."""
    dice = random.Random(seed)

    async def main() -> tuple[list[str], float]:
        limiters = Limiters(dice.random)
        retrying = Retrying(provider, lambda: limiters.find("sim"), dice.random)
        ends = await asyncio.gather(*(retrying.answer(call(number, **settings), Unwatched()) for number in range(count)),
                                    return_exceptions=True)
        return ([each.text if isinstance(each, Answer) else f"{type(each).__name__}: {each}" for each in ends],
                asyncio.get_running_loop().time())

    return run(main(), seed=seed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("name", "refuses"), [
    ("storm with retry-after", lambda: storm(3.0, 1.0)),
    ("storm without", lambda: storm(3.0)),
    ("20 at once", lambda: at_most(20)),
    ("20 at once, retry-after", lambda: at_most(20, 0.5)),
    ("10 a second", lambda: per_second(10, 10)),
    ("10 a second, retry-after", lambda: per_second(10, 10, 1.0)),
    ("50 a minute", lambda: per_second(50 / 60, 50, 5.0)),
])
def test_a_storm_of_refusals_wastes_few_calls_and_all_are_answered(
        name: str, refuses: Callable[[], Callable[[Simulated], ModelError | None]], seed: int) -> None:
    provider = Simulated(refuses())
    ends, _ = fan_out(provider, 200, seed=seed)
    assert ends == ["ok"] * 200
    assert provider.calls <= 1.5 * 200, name


def test_without_refusals_two_hundred_calls_start_at_once() -> None:
    provider = Simulated(lambda _: None)
    ends, seconds = fan_out(provider, 200)
    assert ends == ["ok"] * 200 and provider.peak == 200
    assert max(provider.started) <= 0.121 and seconds <= 1.13


def test_the_fan_out_backs_off_together() -> None:
    provider = Simulated(storm(0.01, 30.0))
    fan_out(provider, 50)
    late = [moment for moment in provider.started if moment > 1]
    assert min(late) >= 30 and len([moment for moment in late if moment < 31]) <= 2, "after the pause one call tries"


def test_concurrency_bounds_calls() -> None:
    provider = Simulated(lambda _: None)
    fan_out(provider, 20, concurrency=3)
    assert provider.peak == 3


class Order:
    """A provider that takes a second for each call, and knows in which order they came."""

    name = "order"

    def __init__(self) -> None:
        self.slots: list[tuple[str, float]] = []

    def identity(self, settings: ModelSettings) -> JsonObject:
        return {}

    async def answer(self, call: ModelCall, watch: CallWatch) -> Answer:
        self.slots.append((call.slot, asyncio.get_running_loop().time()))
        await asyncio.sleep(1)
        return Answer("ok")


def asked_in_order(*calls: tuple[str, ModelSettings]) -> list[tuple[str, float]]:
    provider = Order()

    async def main() -> None:
        limiters = Limiters(lambda: 0.0)
        retrying = Retrying(provider, lambda: limiters.find("a"), lambda: 0.0)
        await asyncio.gather(*(retrying.answer(ModelCall(slot, settings, ()), Unwatched()) for slot, settings in calls))

    run(main())
    return provider.slots


def test_the_bound_of_one_node_holds_back_no_other() -> None:
    slots = asked_in_order(("slow[0]", SETTINGS._replace(concurrency=1)), ("slow[1]", SETTINGS._replace(concurrency=1)),
                           ("quick", SETTINGS), ("other[0]", SETTINGS._replace(concurrency=1)))
    assert slots == [("slow[0]", 0), ("quick", 0), ("other[0]", 0), ("slow[1]", 1)]


def test_a_bound_of_the_experience_is_one_for_all_its_nodes() -> None:
    bounded = SETTINGS._replace(concurrency=2, bound_by="/x/experience.yaml")
    slots = asked_in_order(*((name, bounded) for name in "abc"), ("d", SETTINGS._replace(concurrency=1)))
    assert slots == [("a", 0), ("b", 0), ("d", 0), ("c", 1)]


def test_calls_come_in_turn_over_all_lines() -> None:
    both = [(f"{name}[{number}]", SETTINGS._replace(concurrency=many))
            for number in range(3) for name, many in (("a", 1), ("b", 2))]
    assert asked_in_order(*both) == [("a[0]", 0), ("b[0]", 0), ("b[1]", 0), ("a[1]", 1), ("b[2]", 1), ("a[2]", 2)]


def test_a_long_pause_ends_the_waiting_in_every_line() -> None:
    async def main() -> list[object]:
        limiter = Limiter(lambda: 0.0)
        line = Line(1)
        first = await limiter.enter(line)
        waiting = [asyncio.create_task(limiter.enter(each)) for each in (line, line)]
        await asyncio.sleep(1)
        limiter.refuse(first, 3600.0)
        return [type(end).__name__ for end in await asyncio.gather(*waiting, return_exceptions=True)]

    assert run(main()) == ["ModelError", "ModelError"]


def test_a_provider_that_wants_a_long_pause_is_not_waited_for() -> None:
    provider = Simulated(storm(1e9, LONGEST_PAUSE_SECONDS + 3480))
    ends, seconds = fan_out(provider, 50)
    assert all(end.startswith("ModelError: ") for end in ends) and seconds < 1
    assert any("wants no call for 36" in end for end in ends)


def test_a_provider_that_is_always_full_is_given_up_after_the_tries() -> None:
    provider = Simulated(storm(1e9))
    ends, _ = fan_out(provider, 3, tries=4)
    assert ends == ["ModelError: 429"] * 3 and provider.calls <= 4 * 3 + 2, "refusals of one moment count once"


def test_other_faults_are_tried_again_with_full_jitter_and_lasting_ones_are_not() -> None:
    def after(*lines: str | ModelError, tries: int = 5) -> tuple[str, float, int]:
        model = MemoryModel(lines)
        ends, seconds = fan_out(model, 1, tries=tries)
        return ends[0], seconds, len(model.calls)

    failed = ModelError("model-failed", "500")
    assert after(failed, failed, "ok")[0::2] == ("ok", 3)
    assert 0 < after(failed, failed, "ok")[1] <= 1.5
    assert after(failed, tries=2)[0::2] == ("ModelError: 500", 2)
    assert after(ModelError("model-failed", "x", retry_after_seconds=7.0), "ok")[1] == 7.0
    assert after(ModelError("model-failed", "x", retry_after_seconds=700.0), "ok")[0] == "ModelError: x"
    assert after(ModelError("model-denied", "401"), "ok")[0::2] == ("ModelError: 401", 1)


def test_the_watch_is_told_of_each_further_try() -> None:
    told: list[tuple[str, float]] = []

    class Watch(Unwatched):
        async def again(self, error: ModelError, delay_seconds: float) -> None:
            told.append((error.code, round(delay_seconds, 2)))

    async def main() -> None:
        limiters = Limiters(lambda: 0.5)
        model = MemoryModel([ModelError("model-cut", "x"), busy(2.0), "ok"])
        await Retrying(model, lambda: limiters.find("a"), lambda: 0.5).answer(call(), Watch())

    run(main())
    assert told == [("model-cut", 0.25), ("model-busy", 2.25)]


def test_calls_that_are_cancelled_give_their_places_back() -> None:
    async def main() -> None:
        limiter = Limiter(lambda: 0.0)
        line = Line(16)
        admissions = [await limiter.enter(line) for _ in range(16)]
        waiting = [asyncio.create_task(limiter.enter(line)) for _ in range(3)]
        await asyncio.sleep(1)
        waiting[0].cancel()
        limiter.leave(admissions[0])
        waiting[1].cancel()  # let in and cancelled in one step of the loop
        await asyncio.wait(waiting)
        assert [task.cancelled() for task in waiting] == [True, True, False]

    run(main())


def test_a_later_word_of_the_same_trouble_keeps_the_gate_closed_for_longer_and_is_no_news() -> None:
    async def main() -> None:
        limiter = Limiter(lambda: 0.0)
        line = Line(16)
        first, second = await limiter.enter(line), await limiter.enter(line)
        assert limiter.refuse(first, 1.0)
        assert not limiter.refuse(second, 30.0)
        assert limiter.pause_seconds == 30.0

    run(main())


def test_nobody_comes_to_wait_where_the_provider_wants_no_call_for_long() -> None:
    async def main() -> None:
        limiter = Limiter(lambda: 0.0)
        line = Line(16)
        limiter.refuse(await limiter.enter(line), LONGEST_PAUSE_SECONDS + 1)
        with pytest.raises(ModelError, match="wants no call"):
            await asyncio.wait_for(limiter.enter(line), 1)

    run(main())


def test_who_was_let_in_just_before_the_gate_was_closed_waits_again() -> None:
    async def main() -> None:
        limiter = Limiter(lambda: 0.0)
        line = Line(2)
        first, second = await limiter.enter(line), await limiter.enter(line)
        waiting = asyncio.create_task(limiter.enter(line))
        await asyncio.sleep(1)
        limiter.succeed(first)  # lets the third in, which has not come round to it when the second is refused
        limiter.refuse(second, 5.0)
        began = asyncio.get_running_loop().time()
        await waiting
        assert asyncio.get_running_loop().time() - began >= 5.0

    run(main())


def test_keys_have_limiters_of_their_own() -> None:
    async def main() -> None:
        limiters = Limiters(lambda: 0.0)
        assert limiters.find("a", "1") is limiters.find("a", "1")
        assert limiters.find("a", "1") is not limiters.find("a", "2")

    run(main())
