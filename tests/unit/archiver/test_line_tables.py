"""Shortened line tables tell every instruction's line as before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from archiver.line_tables import shorten_line_tables
from tests.support.program import ROOT

SHORTEN = """
import argparse, inspect, sys
sys.path.insert(0, sys.argv[1])
from archiver.line_tables import shorten_line_tables
def lines(code):
    yield [line for start, end, line in code.co_lines() for _ in range(start, end, 2)], len(code.co_linetable)
    for each in code.co_consts:
        if inspect.iscode(each):
            yield from lines(each)
code = compile(inspect.getsource(argparse), "m.py", "exec")
before, after = [*lines(code)], [*lines(shorten_line_tables(code))]
print([each[0] for each in before] == [each[0] for each in after], sum(each[1] for each in after) /
      sum(each[1] for each in before) < 0.7, len(after) > 100)
"""


def test_lines_stay_and_tables_shrink() -> None:
    done = subprocess.run([sys.executable, "-X", "no_debug_ranges", "-c", SHORTEN, ROOT], capture_output=True, text=True,
                          check=True)
    assert done.stdout == "True True True\n"


def test_a_table_with_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="no_debug_ranges"):
        shorten_line_tables(compile("x = 1", "m.py", "exec"))
