"""The answer to SIGUSR1 in this very process: beside asyncio's own signal handlers, and gone without a trace."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from oe.app import signalled
from oe.app.signalled import SignalledPicture


class Pictures:
    """Counts the pictures that are drawn, and can be awaited."""

    def __init__(self) -> None:
        self.count = 0
        self._loop = asyncio.get_running_loop()
        self._drawn = asyncio.Event()

    def __call__(self) -> str:
        self.count += 1
        self._loop.call_soon_threadsafe(self._drawn.set)
        return f"picture {self.count}"

    async def next(self) -> None:
        self._drawn.clear()
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(self._drawn.wait(), 100)


async def ready(picture: SignalledPicture) -> None:
    """Returns when the shell stands by: until then a signal prints the stacks of all threads, which run meanwhile."""
    async with asyncio.timeout(100):
        while picture._late is None:
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def no_stacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However late a busy machine lets the thread begin and end."""
    monkeypatch.setattr(signalled, "_QUIET_SECONDS", 0.0)
    monkeypatch.setattr(signalled, "_CHAIN_SECONDS", 0.001)
    monkeypatch.setattr(signalled, "_LATE_SECONDS", 100.0)
    monkeypatch.setattr(signalled, "_END_SECONDS", 100.0)
    before = signal.getsignal(signal.SIGUSR1)
    yield
    assert signal.getsignal(signal.SIGUSR1) == before
    assert not faulthandler.unregister(signal.SIGUSR1)
    assert not faulthandler.unregister(signal.SIGURG)
    assert signal.set_wakeup_fd(-1) == -1


def test_asyncios_own_signal_handlers_go_on_and_so_does_this_one() -> None:
    async def main() -> None:
        pictures = Pictures()
        loop = asyncio.get_running_loop()
        with SignalledPicture(pictures) as picture:
            await ready(picture)
            await pictures.next()
            handled = asyncio.Event()
            loop.add_signal_handler(signal.SIGUSR2, handled.set)  # takes the descriptor
            await asyncio.sleep(0.05)
            await pictures.next()
            os.kill(os.getpid(), signal.SIGUSR2)
            await asyncio.wait_for(handled.wait(), 100)
            loop.remove_signal_handler(signal.SIGUSR2)
            await asyncio.sleep(0.05)
            await pictures.next()

    asyncio.run(main())


def test_programs_that_asyncio_starts_are_awaited() -> None:
    async def main() -> int:
        with SignalledPicture(Pictures()):
            process = await asyncio.create_subprocess_exec("sh", "-c", "exit 3")
            return await asyncio.wait_for(process.wait(), 100)

    assert asyncio.run(main()) == 3


def test_a_picture_that_cannot_be_drawn_harms_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> str:
        pictures()
        raise ValueError("no paint")

    async def main() -> None:
        nonlocal pictures
        pictures = Pictures()
        with SignalledPicture(broken) as picture:
            await ready(picture)
            await pictures.next()
            await pictures.next()

    pictures: Pictures
    asyncio.run(main())
    assert "oe: no picture of the run could be made: ValueError: no paint\n" in capfd.readouterr().err


def test_what_ignores_the_signal_goes_on_to_ignore_it() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        async def main() -> None:
            with SignalledPicture(Pictures()):
                assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN

        asyncio.run(main())
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_without_a_shell_the_picture_comes_and_the_stacks_do_not(
        monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("oe.net.delayed_signal._SHELL", "/nowhere/sh")
    done_without = threading.Event()

    def unregister(number: int) -> bool:
        was_registered = faulthandler.unregister(number)
        done_without.set()
        return was_registered

    monkeypatch.setattr(signalled, "faulthandler", SimpleNamespace(register=faulthandler.register, unregister=unregister))

    async def main() -> None:
        pictures = Pictures()
        with SignalledPicture(pictures):
            assert await asyncio.to_thread(done_without.wait, 100)
            await pictures.next()

    asyncio.run(main())
    assert capfd.readouterr().err == "picture 1\n"
