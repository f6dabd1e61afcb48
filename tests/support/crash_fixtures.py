"""The process that torture runs in, and what undisturbed runs come to: made once for each process of tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.support.crash_shapes import options, write_shape
from tests.support.crashes import BEGIN, Calm, Calms, CrashHost, check_log, truth


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashHost]:
    made = CrashHost(tmp_path_factory.mktemp("host"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def calm(host: CrashHost, tmp_path_factory: pytest.TempPathFactory) -> Calms:
    @cache
    def run(shape: str) -> Calm:
        folder = write_shape(tmp_path_factory.mktemp("calm"), shape)
        ended = host.run(folder, *BEGIN, *options(shape))
        assert ended.exit_code == 0, ended.stderr
        return Calm(truth(folder), check_log(folder), ended.hits)
    return run
