"""What the benchmarks say is right: pairs, ratios, verdicts, and a program that fails is no measurement."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import yardstick
from benchmarks.curves import HEIGHT, drawing, spread
from benchmarks.measure import Figure, in_turns, process_peak_bytes, process_seconds, ratio
from benchmarks.run import BENCHMARKS, options

ROOT = Path(__file__).resolve().parents[2]


def test_jobs_take_turns_in_changing_order_and_the_first_round_is_thrown_away() -> None:
    order: list[str] = []

    def job(name: str) -> float:
        order.append(name)
        return float(len(order))

    figures = in_turns(lambda: job("a"), lambda: job("b"), rounds=2)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert figures == [[4.0, 5.0], [3.0, 6.0]]


def test_the_ratio_is_the_median_of_the_pairs_not_the_ratio_of_medians() -> None:
    assert ratio([2.0, 30.0, 9.0], [1.0, 10.0, 1.0]) == 3.0


@pytest.mark.parametrize(("value", "at_least", "verdict"), [
    (1.6, False, "pass"), (1.61, False, "SHORT"), (1.6, True, "pass"), (1.59, True, "SHORT")])
def test_a_figure_says_whether_it_reaches_its_target(value: float, at_least: bool, verdict: str) -> None:
    figure = Figure("S1", "a start", value, "× floor", 1.6, at_least, "96 ms")
    assert str(figure).split() == ["S1", "a", "start", f"{value:.2f}", "×", "floor", "target",
                                   "≥" if at_least else "≤", "1.6", verdict, "(96", "ms)"]


def test_the_time_of_a_process_is_its_own() -> None:
    assert process_seconds([sys.executable, "-c", "pass"]) > 0


def test_the_peak_of_a_process_is_its_own_not_that_of_its_parent() -> None:
    held = b"x" * 200_000_000
    small = process_peak_bytes([sys.executable, "-c", "pass"])
    big = process_peak_bytes([sys.executable, "-c", "held = b'x' * 50_000_000"])
    assert small < len(held) / 4
    assert 45_000_000 < big - small < 60_000_000


@pytest.mark.parametrize("measure", [process_seconds, process_peak_bytes])
def test_a_process_that_fails_is_no_measurement(measure: Callable[[list[str]], float]) -> None:
    with pytest.raises(RuntimeError, match=r"exit code 3 from .*: no such thing"):
        measure([sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(3)"])


def test_the_yardstick_does_its_work() -> None:
    many = min(yardstick.seconds(100) for _ in range(5))
    assert many > min(yardstick.seconds(1, cache_files=False) for _ in range(5)) > 0


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_of_the_table_is_there(name: str) -> None:
    assert callable(import_module(f"benchmarks.{name}").measure)


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks/run.py"), "start-up"], cwd=tmp_path,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(name in done.stderr for name in BENCHMARKS)


CURVES = {
    "chain": [(1000, 340.0), (10_000, 337.2)], "independent": [(1000, 260.0), (10_000, 259.0)],
    "layers & <ten>": [(1000, 340.0), (10_000, 346.0)], "diamonds": [(1000, 340.0), (10_000, 346.0)],
    "skipped": [(1000, 9.0), (10_000, 1.0)]}


def test_the_curves_are_one_well_formed_drawing_with_a_line_and_a_label_each() -> None:
    root = ElementTree.fromstring(drawing("What a node costs", CURVES))
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("}text")]
    assert sum(element.tag.endswith("}polyline") for element in root.iter()) == len(CURVES)
    assert [text for text in texts if text.startswith("layers")] == ["layers & <ten>: 346 µs"]
    assert {"What a node costs", "1,000", "10,000", "0 µs", "360 µs"} <= set(texts)


@pytest.mark.parametrize("wanted", [[50.0] * 5, [290.0, 291.0, 292.0], [60.0, 100.0, 101.0, 290.0, 290.0]])
def test_labels_stand_apart_inside_the_drawing_and_in_order(wanted: list[float]) -> None:
    names = [f"label {number}" for number in range(len(wanted))]
    places = spread(dict(zip(names, wanted, strict=True)))
    heights = [places[name] for name in names]
    assert heights == sorted(heights)
    assert all(below - above >= 16 for above, below in pairwise(heights))
    assert all(0 < height <= HEIGHT - 40 for height in heights)


def test_the_command_line_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(f"{name} " in told for name in BENCHMARKS)
    with pytest.raises(SystemExit) as ended:
        options(["startup", "--svg", "curves.svg"])
    assert ended.value.code == 2
