"""A graph as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oe.render.graph_value import DrawnUnit, Outline, by_phase, facts
from oe.text import clip, neutralise

MOST_EDGES = 500
"""What Mermaid draws unless its reader's configuration says otherwise (`maxEdges`)."""

LONGEST_TEXT = 50_000
"""The same for the text (`maxTextSize`)."""

_LONGEST_FACT = 80
_UNSAFE = re.compile(r"[\"#&<>;:`|\\{}%*~ﬂ°¶ß]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\$(?=\$)"
                     r"|^[-+](?=\s)|(?<=\d)[.)](?=\s)")
"""What a quoted label may not hold as it is: what ends it or begins an entity; `:` because Mermaid takes the `;` from
an entity behind `style…:`; marks of Markdown (a title `1. Fetch` would be a list) and of formulas; and four letters
with which Mermaid writes entities while it parses."""


def mermaid_lines(outline: Outline) -> list[str]:
    """The flowchart. Ids are numbers, for `end`, `default` and the like are words of the language."""
    numbers = {unit.id: f"u{number}" for number, unit in enumerate(outline.units)}
    lines = ["flowchart TD"]
    for index, (phase, title, units) in enumerate(by_phase(outline)):
        indent = "  " if phase is None else "    "
        if phase is not None:
            lines.append(f"  subgraph p{index}[{_quoted(title)}]")
        for unit in units:
            lines += [indent + line for line in _unit(unit, numbers[unit.id])]
        if phase is not None:
            lines.append("  end")
    for arrow in outline.arrows:
        label = "" if arrow.when is None else f"|{_quoted(clip(f'when {arrow.when}', _LONGEST_FACT))}|"
        lines.append(f"  {numbers[arrow.source]} -->{label} {numbers[arrow.target]}")
    return lines


def _unit(unit: DrawnUnit, number: str) -> Iterator[str]:
    label = _quoted(unit.id, unit.kind, *(clip(fact, _LONGEST_FACT) for fact in facts(unit)))
    if not unit.members:
        yield f"{number}[[{label}]]" if unit.source is not None else f"{number}[{label}]"
        return
    yield f"subgraph {number}[{label}]"
    for index, member in enumerate(unit.members):
        yield f"  {number}_{index}[{_quoted(member.id, member.kind)}]"
    for index in range(1, len(unit.members)):
        yield f"  {number}_{index - 1} --> {number}_{index}"
    if unit.type == "loop":
        yield f"  {number}_{len(unit.members) - 1} -.-> {number}_0"
    yield "end"


def _quoted(*lines: str) -> str:
    """A label of several lines."""
    return '"' + "<br/>".join(_escaped(line) for line in lines) + '"'


def _escaped(text: str) -> str:
    plain = " ".join(neutralise(text.replace("\n", " ")).split(" "))
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", plain) or " "
