"""Graphs as a list, Mermaid and DOT. That other software reads them is proved in tests/interop/graph."""

from __future__ import annotations

import re

from oe.render.graph_dot import dot_lines
from oe.render.graph_mermaid import mermaid_lines
from oe.render.graph_text import graph_lines
from oe.render.graph_value import Arrow, Outline, as_object
from tests.support.graphs import everything, hostile, unit
from tests.support.shapes import check_shape

TEXT = """\
demo 1.0.0: 5 units, 5 edges

DEPTH  UNIT    KIND      DETAILS
    0  fetch   tool      phase Get
    1  review  agent     for each $.files; needs fetch; phase Judge
    1  pipe    pipeline  items [1,2]; needs fetch (when $.ok)
         one   tool      stage 1
         two   skill     stage 2
    2  again   loop      until $.done; at most 5 times; needs pipe; phase Judge
         body  tool      step 1 of the body
    3  report  tool      when $.n > 3; join any; needs again, review"""

MERMAID = """\
flowchart TD
  subgraph u2["pipe<br/>pipeline<br/>items [1,2]"]
    u2_0["one<br/>tool"]
    u2_1["two<br/>skill"]
    u2_0 --> u2_1
  end
  u4["report<br/>tool<br/>when $.n #62; 3<br/>join any"]
  subgraph p1["Get"]
    u0["fetch<br/>tool"]
  end
  subgraph p2["Judge"]
    u1[["review<br/>agent<br/>for each $.files"]]
    subgraph u3["again<br/>loop<br/>until $.done<br/>at most 5 times"]
      u3_0["body<br/>tool"]
      u3_0 -.-> u3_0
    end
  end
  u0 --> u1
  u0 -->|"when $.ok"| u2
  u2 --> u3
  u3 --> u4
  u1 --> u4"""

DOT = """\
digraph "demo" {
  compound=true;
  node [shape=box];
  subgraph "cluster_pipe" {
    label="pipe\\npipeline\\nitems [1,2]";
    "pipe/0" [label="one\\ntool"];
    "pipe/1" [label="two\\nskill"];
    "pipe/0" -> "pipe/1";
  }
  "report" [label="report\\ntool\\nwhen $.n > 3\\njoin any"];
  subgraph "cluster_phase_1" {
    label="Get";
    style=dashed;
    "fetch" [label="fetch\\ntool"];
  }
  subgraph "cluster_phase_2" {
    label="Judge";
    style=dashed;
    "review" [label="review\\nagent\\nfor each $.files", peripheries=2];
    subgraph "cluster_again" {
      label="again\\nloop\\nuntil $.done\\nat most 5 times";
      "again/0" [label="body\\ntool"];
      "again/0" -> "again/0" [style=dashed, constraint=false];
    }
  }
  "fetch" -> "review";
  "fetch" -> "pipe/0" [lhead="cluster_pipe", label="when $.ok"];
  "pipe/1" -> "again/0" [ltail="cluster_pipe", lhead="cluster_again"];
  "again/0" -> "report" [ltail="cluster_again"];
  "review" -> "report";
}"""


def test_a_list_by_depth() -> None:
    assert "\n".join(graph_lines(everything())) == TEXT


def test_a_flowchart() -> None:
    assert "\n".join(mermaid_lines(everything())) == MERMAID


def test_a_digraph() -> None:
    assert "\n".join(dot_lines(everything())) == DOT


def test_json_has_the_documented_shape() -> None:
    check_shape(as_object(everything()), "graph")


def test_many_needs_are_counted_and_long_conditions_cut() -> None:
    sources = [unit(f"s{number}") for number in range(10)]
    outline = Outline("x", "1.0.0", {}, [*sources, unit("t", depth=1, when="$.a == " + "1" * 100)],
                      [Arrow(source.id, "t", None) for source in sources])
    line = graph_lines(outline)[-1]
    assert line.endswith("…; needs s0, s1, s2, s3, s4, s5 and 4 more")
    assert len(line) < 140


def test_every_line_of_a_flowchart_is_one_of_its_few_forms() -> None:
    label = r'"(?:[^"#&<>;`{}|\\%]|#\d+;|<br/>)*"'
    forms = re.compile(rf' *(?:flowchart TD|end|subgraph [pu]\d+\[{label}\]|u\d+(?:_\d+)?(?:\[{label}\]|\[\[{label}\]\])'
                       rf'|u\d+(?:_\d+)? (?:-->|-\.->)(?:\|{label}\|)? u\d+(?:_\d+)?)')
    for outline in (everything(), hostile()):
        for line in mermaid_lines(outline):
            assert forms.fullmatch(line), line


def test_every_line_of_a_digraph_is_one_of_its_few_forms() -> None:
    text = r'"(?:[^"\\\x00-\x1f]|\\[\\"n])*"'
    attributes = rf"\[\w+=(?:\w+|{text})(?:, \w+=(?:\w+|{text}))*\]"
    forms = re.compile(rf" *(?:(?:digraph|subgraph) {text} {{|}}|\w+=(?:\w+|{text});|node \[shape=box\];|{text}(?: -> {text})?(?: {attributes})?;)")
    for outline in (everything(), hostile()):
        for line in dot_lines(outline):
            assert forms.fullmatch(line), line


def test_nothing_steers_a_terminal() -> None:
    for render in (graph_lines, mermaid_lines, dot_lines):
        assert "\x1b" not in "\n".join(render(hostile()))
