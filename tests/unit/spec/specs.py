"""Small experiences for the tests of the front end."""

from __future__ import annotations

from pathlib import Path

from oe.spec.model import Experience
from tests.support.front_end import read_spec

FOLDER = Path(__file__).parents[2] / "golden" / "spec"
HEAD = "name: demo\nversion: 1.0.0\n"


def spec(text: str) -> Experience:
    """The experience of a text, which has no errors."""
    experience, problems = read_spec(HEAD + text, FOLDER)
    assert experience is not None, "\n".join(map(str, problems))
    return experience


def codes(text: str) -> list[str]:
    """The codes of the problems of a text, in order."""
    return [problem.code for problem in read_spec(HEAD + text, FOLDER)[1]]


def graph(*nodes: str, state: str = "", rest: str = "") -> str:
    """A graph of tool nodes, each given as the flow text behind its `impl`."""
    lines = "".join(f"    - {{kind: tool, impl: ./tools/work.py, cache: false, {node}}}\n" for node in nodes)
    schema = f"state: {{schema: {{{state}}}}}\n" if state else ""
    return f"{schema}graph:\n  nodes:\n{lines}{rest}"
