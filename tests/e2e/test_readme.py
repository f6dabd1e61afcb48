"""What README.md shows is what happens: its files are written, its commands run at a terminal, its outputs compared."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from oe.watching import Picture
from tests.support.moments import review
from tests.support.program import ROOT, Program
from tests.support.screens import screen, shown

README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"(?:^[^\n]*`(?P<file>[^`\n]+)`[^`\n]*:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
_MARK = "\x02{}\x03"
_NOT_CLONED = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "tests", "dist", ".openexpertise")
TERMINAL_SIZE = struct.pack("HHHH", 50, 130, 0, 0)


class Block(NamedTuple):
    """A fenced block; `file` is the name at the end of the sentence before it, if that ends with a colon."""

    kind: str
    text: str
    file: str | None


BLOCKS = [Block(found["kind"], found["text"], found["file"]) for found in _BLOCK.finditer(README)]


class Step(NamedTuple):
    """A command and the output that README.md shows for it."""

    command: str
    shown: str


def steps() -> Iterator[Step]:
    """Every command of the `console` blocks, in order."""
    for block in BLOCKS:
        if block.kind == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
                command, _, shown = part.partition("\n")
                yield Step(command, shown)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone holds, and the files beside it that README.md tells to write."""
    folder = tmp_path_factory.mktemp("readme") / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_CLONED))
    for block in BLOCKS:
        if block.kind in {"yaml", "python", "sh"} and block.file:
            (folder / block.file).parent.mkdir(exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def outputs(checkout: Path) -> list[str]:
    """What each step printed, as one shell session at a terminal ran them."""
    home = checkout.parent / "home"
    home.mkdir()
    script = checkout.parent / "session"
    script.write_text("".join(f"printf '{_MARK.format(number)}'\n{step.command}\n"
                              for number, step in enumerate(steps())), encoding="utf-8")
    environment = {"PATH": f"{home}/.local/bin:{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home),
                   "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TERM": "xterm"}
    text = at_terminal(["bash", str(script)], checkout, environment)
    return re.split(r"\x02\d+\x03", text)[1:]


def at_terminal(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What the commands leave on a terminal's screen: lines that were redrawn as they were last."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, TERMINAL_SIZE)
    with subprocess.Popen(arguments, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
                          start_new_session=True):
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # Linux's way to say that the other side is closed
            pass
    os.close(ours)
    return re.sub(r"\r\x1b\[K[^\n]*?(?=\r\x1b\[K)|\r\x1b\[K", "", text.decode().replace("\r\n", "\n"))


def scrubbed(text: str) -> str:
    """The text without what differs from run to run and from host to host."""
    text = re.sub(r"\br-\d{8}-[0-9a-f]{6}\b", "RUN", text)
    text = re.sub(r"\b[\d.]+(ms|s|m \d+s)\b", "TIME", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", text)
    text = re.sub(r"(?m)^\S+: line \d+: +\d+ Killed .*$", "Killed", text)  # a script's shell says more than a person's
    text = re.sub(r'"status":"\w+"|"(critical|warning|info)":\d+', "FINDINGS", text)
    text = re.sub(r"(\d\d nodes), [^(]*", r"\1 ", text)  # what a host makes the report skip
    text = text.replace("Darwin", "Linux")
    return re.sub(r" +", " ", text)


def pattern_of(shown: str) -> str:
    """A regular expression for the shown text: `…` alone on a line is any lines, elsewhere the rest that is left out."""
    lines = scrubbed(shown).splitlines()
    return "".join("(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n" for line in lines)


@pytest.mark.parametrize("number", range(len(list(steps()))), ids=[step.command for step in steps()])
def test_a_command_prints_what_is_shown(outputs: list[str], number: int) -> None:
    shown = list(steps())[number].shown
    assert re.fullmatch(pattern_of(shown), scrubbed(outputs[number])), f"{shown}\n-- but it printed --\n{outputs[number]}"


def shape(report: str) -> list[str]:
    """Headings and the heads of tables; what was found on a host is its own."""
    found = re.sub(r"(?s)## Findings\n.*?(?=\n## )", "## Findings\n", report)
    lines = found.splitlines()
    heads = {line for line, following in pairwise(lines) if following.startswith("| --")}
    return [re.sub(r"Host report: .*", "Host report", line) for line in lines if line.startswith("#") or line in heads]


def test_the_report_begins_as_shown(checkout: Path, outputs: list[str]) -> None:
    assert outputs
    shown = shape(next(block.text for block in BLOCKS if block.kind == "markdown"))
    assert len(shown) >= 4
    assert shape((checkout / "examples/host-report/report.md").read_text())[:len(shown)] == shown


def test_the_program_in_python_prints_what_its_comment_says(checkout: Path, outputs: list[str]) -> None:
    assert outputs
    (program,) = (block.text for block in BLOCKS if block.kind == "python" and not block.file)
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=False)
    assert (done.stderr, scrubbed(done.stdout)) == ("", re.findall(r"  # (.*)", program)[0] + "\n")


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    tested = {"console", "markdown", "python", "text"}
    others = [block for block in BLOCKS if block.kind not in tested and block.file is None]
    assert [block.text for block in others] == ["./check.sh\n"], "which runs this test"
    assert (ROOT / ".ci/run").read_text().rstrip().splitlines()[-1].startswith("exec ./check.sh")


def test_the_exit_codes_are_the_programs(program: Program) -> None:
    table = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, flags=re.M))
    shown = program.run("--help").stdout.partition("exit codes:\n")[2]
    assert table == {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in shown.splitlines()}


@pytest.mark.parametrize("file", ["README.md", "docs/README.md", "docs/embedding.md", "docs/performance.md"])
def test_links_lead_somewhere(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)", text)
    assert targets
    missing = [target for target in targets if not ((ROOT / file).parent / target).exists()]
    assert missing == []


def test_the_dashboard_is_the_one_that_is_drawn() -> None:
    captured, = [block.text for block in BLOCKS if block.kind == "text"]
    lines = captured.splitlines()
    drawn = screen(shown(Picture(review())), 80, len(lines)).splitlines()
    assert lines[-1] == drawn[-1], "run: python -m tests.support.capture"
    assert max(map(len, lines)) <= 80
