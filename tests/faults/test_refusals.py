"""The host refuses something at any call: a thread, a descriptor, a process, a write. The run says so in a sentence, hangs
nowhere, loses nothing that is committed, and is brought to the end of an undisturbed run when it is resumed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import pytest

from tests.support.crash_host import FAULTS
from tests.support.crash_shapes import options, write_shape
from tests.support.crashes import BEGIN, Calms, CrashHost, Instant, Life

Counts = Callable[[str], dict[str, int]]
SHAPES = ("programs", "fan-out", "nested", "agent")


@pytest.fixture(scope="session")
def counts(host: CrashHost, tmp_path_factory: pytest.TempPathFactory) -> Counts:
    """How often an undisturbed run asks for each."""
    @cache
    def count(shape: str) -> dict[str, int]:
        folder = write_shape(tmp_path_factory.mktemp("counted"), shape)
        ended = host.run(folder, *BEGIN, *options(shape), at=Instant(when="once"))
        assert ended.exit_code == 0, ended.stderr
        return ended.hits
    return count


@pytest.mark.parametrize("shape", ["programs", *(pytest.param(shape, marks=pytest.mark.long) for shape in SHAPES[1:])])
@pytest.mark.parametrize("times", [1, pytest.param(30, marks=pytest.mark.long)])
@pytest.mark.parametrize("when", ["once", "from then on"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_host_refuses(host: CrashHost, calm: Calms, counts: Counts, tmp_path: Path, fault: str, when: str, times: int,
                               shape: str) -> None:
    calls = counts(shape).get(fault, 0)
    numbers = range(1, calls + 1) if calls <= times else sorted(Random(f"{fault} {when}").sample(range(1, calls + 1), times))
    for number in numbers:
        life = Life(host, tmp_path / str(number), shape, keys=False)
        ended = life.go_on(Instant(number=number, point=fault, when=when), allowed=(0, 1, 3, 8, -signal.SIGALRM))
        assert ended.exit_code != -signal.SIGALRM, f"it hangs at call {number}: {ended.stderr}"
        assert "Traceback" not in ended.stderr, f"call {number}: {ended.stderr}"
        assert ended.exit_code == 0 or ended.stderr.strip(), f"call {number}: nothing is said"
        life.end_in_truth(calm(shape))
