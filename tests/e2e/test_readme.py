"""What README.md shows is what happens: its files are written, its commands run at a terminal, its outputs compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from oe.app.watching import Picture
from tests.support.moments import review
from tests.support.program import ROOT, Program
from tests.support.screens import screen, shown
from tests.support.sessions import blocks, is_as_shown, outputs, scrubbed, steps, write_files

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)
STEPS = steps(README)
_NOT_CLONED = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "tests", "dist", ".openexpertise")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone holds, and the files beside it that README.md tells to write."""
    folder = tmp_path_factory.mktemp("readme") / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_CLONED))
    write_files(README, folder)
    return folder


@pytest.fixture(scope="module")
def printed(checkout: Path) -> list[str]:
    """What each step printed, as one shell session at a terminal ran them."""
    home = checkout.parent / "home"
    home.mkdir()
    return outputs(README, checkout, {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home),
                                      "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TERM": "xterm"})


@pytest.mark.parametrize("number", range(len(STEPS)), ids=[step.command for step in STEPS])
def test_a_command_prints_what_is_shown(printed: list[str], number: int) -> None:
    shown = STEPS[number].shown
    assert is_as_shown(shown, printed[number]), f"{shown}\n-- but it printed --\n{printed[number]}"


def shape(report: str) -> list[str]:
    """Headings and the heads of tables; what was found on a host is its own."""
    found = re.sub(r"(?s)## Findings\n.*?(?=\n## )", "## Findings\n", report)
    lines = found.splitlines()
    heads = {line for line, following in pairwise(lines) if following.startswith("| --")}
    return [re.sub(r"Host report: .*", "Host report", line) for line in lines if line.startswith("#") or line in heads]


def test_the_report_begins_as_shown(checkout: Path, printed: list[str]) -> None:
    assert printed
    shown = shape(next(block.text for block in BLOCKS if block.kind == "markdown"))
    assert len(shown) >= 4
    assert shape((checkout / "examples/host-report/report.md").read_text())[:len(shown)] == shown


def test_the_program_in_python_prints_what_its_comment_says(checkout: Path, printed: list[str]) -> None:
    assert printed
    (program,) = (block.text for block in BLOCKS if block.kind == "python" and not block.file)
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=False)
    assert (done.stderr, scrubbed(done.stdout)) == ("", re.findall(r"  # (.*)", program)[0] + "\n")


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    tested = {"console", "markdown", "python"}
    others = [block for block in BLOCKS if block.kind not in tested and block.file is None]
    assert [block.text for block in others] == ["./check.sh\n"], "which runs this test"
    assert (ROOT / ".ci/run").read_text().rstrip().splitlines()[-1].startswith("exec ./check.sh")


def test_the_exit_codes_are_the_programs(program: Program) -> None:
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, flags=re.M))
    shown = program.run("--help").stdout.partition("exit codes:\n")[2]
    assert table == {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in shown.splitlines()}


def test_the_dashboard_is_the_one_that_is_drawn() -> None:
    texts = re.findall(r">([^<]+)</text>", (ROOT / "docs/images/dashboard.svg").read_text(encoding="utf-8"))
    keys = re.split(" {2,}", screen(shown(Picture(review())), 80, 24).splitlines()[-1].strip())
    assert texts[-len(keys):] == keys, "run: python -m tests.support.capture"


def test_images_are_small() -> None:
    images = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert images == ["docs/images/dashboard.svg", "docs/images/report.png"]
    assert [name for name in images if not 1000 < (ROOT / name).stat().st_size < 150_000] == []
