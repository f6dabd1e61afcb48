"""docs/performance.md names the benchmarks that there are, with the targets that they are held to."""

from __future__ import annotations

import re

import pytest

from benchmarks.run import BENCHMARKS, ROOT
from tests.support.pages import Page

PAGE = Page("../performance.md")
ROWS = PAGE.rows("", "benchmark", "job", "measured", "at most")


def named() -> list[tuple[str, str]]:
    """Each benchmark with all that the page says of its targets: rows without a name belong to the one before."""
    found: list[tuple[str, str]] = []
    for _, name, _, _, target in ROWS:
        found.append((name, target) if name else (found[-1][0], target))
    return found


def test_every_benchmark_is_in_the_table() -> None:
    assert {name for name, _ in named()} == BENCHMARKS.keys()
    assert [row[0] for row in ROWS if row[0]] == [f"S{number}" for number in range(1, 15)]


def test_every_row_has_a_measured_figure() -> None:
    assert all(re.search(r"\d", measured) for _, _, _, measured, _ in ROWS)


def test_the_curves_that_it_shows_are_there() -> None:
    shown, = re.findall(r"\]\((\w+\.svg)\)", PAGE.text)
    assert "<svg" in (ROOT / "docs" / shown).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_targets_are_those_of_the_benchmark(name: str) -> None:
    source = (ROOT / f"benchmarks/{name}.py").read_text(encoding="utf-8")
    told = " ".join(target for each, target in named() if each == name).replace("an eighth", "8")
    numbers = re.findall(r"\d+(?:\.\d+)?", re.sub(r"beyond [\d,]+ \w+|`[^`]*`", "", told))
    held_to = {float(number.replace("_", "")) for number in re.findall(r"(?<![\w.])\d[\d_]*(?:\.\d+)?", source)}
    assert numbers and [number for number in numbers if float(number) not in held_to] == []
