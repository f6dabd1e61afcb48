"""Mermaid and Graphviz read what `oe graph` writes, and understand the same graph and the same texts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from oe.render.graph_dot import dot_lines
from oe.render.graph_mermaid import mermaid_lines
from oe.render.graph_value import Outline
from oe.text import clip, neutralise
from tests.support.graphs import HOSTILE, ODD_IDS, everything, hostile
from tests.support.software import debian_program, npm_packages

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def mermaid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mermaid")
    npm_packages(folder, mermaid="11", jsdom="26")
    shutil.copy(HERE / "draw.mjs", folder)
    return folder


def understood(mermaid: Path, outline: Outline) -> Any:
    text = "\n".join(mermaid_lines(outline))
    done = subprocess.run(["node", "draw.mjs"], cwd=mermaid, input=json.dumps([text]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0]


def shown(label: str) -> list[str]:
    """The lines that a reader sees of a label: Mermaid keeps entities as `ﬂ°°35¶ß` until it draws."""
    return [re.sub("ﬂ°°(\\d+)¶ß", lambda match: chr(int(match[1])), line) for line in label.split("<br>")]


def plain(text: str) -> str:
    return neutralise(text.replace("\n", " "))


def graphviz(outline: Outline, form: str) -> str:
    done = subprocess.run([debian_program("dot", "graphviz"), f"-T{form}"], input="\n".join(dot_lines(outline)), capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_mermaid_understands_the_graph(mermaid: Path) -> None:
    answer = understood(mermaid, everything())
    assert {tuple(edge) for edge in answer["edges"]} == {
        ("u2_0", "u2_1", ""), ("u3_0", "u3_0", ""), ("u0", "u1", ""), ("u0", "u2", "when $.ok"), ("u2", "u3", ""), ("u3", "u4", ""),
        ("u1", "u4", "")}
    assert {name: sorted(nodes) for name, (_, nodes) in answer["groups"].items()} == {
        "u2": ["u2_0", "u2_1"], "p1": ["u0"], "u3": ["u3_0"], "p2": ["u1", "u3"]}


def test_mermaid_shows_every_text_as_it_is(mermaid: Path) -> None:
    answer = understood(mermaid, hostile())
    labels = {source: text for source, target, text in answer["edges"] if target == f"u{len(HOSTILE)}"}
    for number, text in enumerate(HOSTILE):
        lines = shown(answer["vertices"][f"u{number}"])
        assert lines[:2] == [f"u{number}", "tool"]
        assert [line.rstrip() for line in lines[2:]] == [f"for each {plain(text)}".rstrip(), f"when {plain(text)}".rstrip()]
        assert shown(answer["groups"][f"p{number + 1}"][0])[0].strip() == plain(text).strip()
        assert shown(labels[f"u{number}"])[0].rstrip() == f"when {plain(text)}".rstrip()
    for number, name in enumerate(ODD_IDS, start=len(HOSTILE)):
        assert shown(answer["vertices"][f"u{number}"])[0] == name


def test_graphviz_understands_the_graph() -> None:
    value = json.loads(graphviz(everything(), "json"))
    names = {item["_gvid"]: item["name"] for item in value["objects"]}
    assert {(names[edge["tail"]], names[edge["head"]], edge.get("lhead"), edge.get("label") or None) for edge in value["edges"]} == {
        ("fetch", "review", None, None), ("fetch", "pipe/0", "cluster_pipe", "when $.ok"), ("pipe/0", "pipe/1", None, None),
        ("pipe/1", "again/0", "cluster_again", None), ("again/0", "again/0", None, None), ("again/0", "report", None, None),
        ("review", "report", None, None)}
    assert {name for name in names.values() if name.startswith("cluster")} == {
        "cluster_pipe", "cluster_again", "cluster_phase_1", "cluster_phase_2"}


def test_graphviz_shows_every_text_as_it_is() -> None:
    from html import unescape

    drawn = [unescape(text).replace("\u00a0", " ").strip() for text in re.findall(r"<text [^>]*>(.*?)</text>", graphviz(hostile(), "svg"))]
    for text in HOSTILE:
        for line in (f"when {plain(text)}", f"for each {plain(text)}"):
            assert drawn.count(clip(line, 80).strip()) >= 1, line
