"""Graphs to be drawn: one with everything in it, and texts that must not break out of any format."""

from __future__ import annotations

from typing import Any

from oe.render.graph_value import Arrow, DrawnUnit, Member, Outline

HOSTILE = [
    'a "quoted" \\ back\\', "<b>bold</b> &amp; &", "style: a#35;b", "classDef x:#1;", "%%{init: {}}%%", "%% comment", "end", "`md`",
    "1. Measure", "12) b", "- list", "*x* _y_ __z__ ~~w~~", "$$x$$", "a|b", "{c} [d] (e)", "ﬂ°°35¶ß", "é 日本 \U0001f600", "two\nlines", "",
    "\x1b[31m", "a;b", "\\N \\n \\l", "]]", "subgraph x", "-->", "//", "/* c */", "#", "--",
]
"""Titles and conditions. What a reader must see of each is the same text on one line, without control characters."""

ODD_IDS = ["end", "graph", "subgraph", "default", "style", "class", "click", "node", "edge", "digraph", "o", "x", "fetch-diff", "_a_", "v"]
"""Ids that are words of some format."""


def unit(unit_id: str, **changes: Any) -> DrawnUnit:
    """A tool without anything special."""
    return DrawnUnit(unit_id, "node", "tool", 0, None, "all", None, None, None, None, ())._replace(**changes)


def everything() -> Outline:
    """A pipeline, a loop, a fan-out, phases, a condition and a join."""
    units = [
        unit("fetch", phase="get"), unit("review", kind="agent", depth=1, source="$.files", phase="judge"),
        unit("pipe", type="pipeline", kind="pipeline", depth=1, source="[1,2]", members=(Member("one", "tool"), Member("two", "skill"))),
        unit("again", type="loop", kind="loop", depth=2, until="$.done", max_iters=5, members=(Member("body", "tool"),), phase="judge"),
        unit("report", depth=3, when="$.n > 3", join="any"),
    ]
    arrows = [Arrow("fetch", "review", None), Arrow("fetch", "pipe", "$.ok"), Arrow("pipe", "again", None),
              Arrow("again", "report", None), Arrow("review", "report", None)]
    return Outline("demo", "1.0.0", {"get": "Get", "judge": "Judge"}, units, arrows)


def hostile() -> Outline:
    """Every hostile text as a phase, a condition, a list and an edge; every odd id."""
    units = [unit(f"u{number}", phase=f"p{number}", when=text, source=text) for number, text in enumerate(HOSTILE)]
    units += [unit(name) for name in ODD_IDS]
    units.append(unit("loop", type="loop", kind="loop", until=HOSTILE[0], members=tuple(Member(name, "tool") for name in ("style-x", "end-x"))))
    arrows = [Arrow(f"u{number}", "end", text) for number, text in enumerate(HOSTILE)]
    arrows += [Arrow("end", name, None) for name in (*ODD_IDS[1:], "loop")]
    return Outline(HOSTILE[0], "1.0.0", {f"p{number}": text for number, text in enumerate(HOSTILE)}, units, arrows)
