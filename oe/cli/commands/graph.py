"""`oe graph`: the graph of an experience as a list, a Mermaid flowchart, DOT, SVG or a page."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from oe.app.outline import read_outline
from oe.cli.console import Console
from oe.cli.parser import add_json, add_path
from oe.errors import ExitCode, UsageError
from oe.render.graph_dot import dot_lines
from oe.render.graph_mermaid import LONGEST_TEXT, MOST_EDGES, mermaid_lines
from oe.render.graph_text import graph_lines
from oe.render.graph_value import Outline, as_object


def _drawing(outline: Outline) -> list[str]:
    from oe.app.reporting import graph_drawing

    return graph_drawing(outline).splitlines()


def _page(outline: Outline) -> list[str]:
    from oe.app.reporting import graph_page

    return graph_page(outline).splitlines()


_FORMATS: dict[str, Callable[[Outline], list[str]]] = {
    "text": graph_lines, "mermaid": mermaid_lines, "dot": dot_lines,
    "svg": _drawing, "html": _page,
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of graph."""
    add_path(parser)
    parser.add_argument("--format", choices=tuple(_FORMATS), metavar="FORMAT",
                        help="text: a list by depth (default); mermaid: a flowchart; dot: for Graphviz; "
                             "svg: a drawing; html: a page with it")
    for name in ("svg", "html"):
        parser.add_argument(f"--{name}", dest="format", action="store_const", const=name, help=f"--format {name}")
    add_json(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints the graph."""
    if options.json and options.format:
        raise UsageError("--json is a format of its own: it goes without --format")
    outline = read_outline(options.path)
    if options.json:
        console.result_json(as_object(outline))
        return int(ExitCode.SUCCESS)
    text = "\n".join(_FORMATS[options.format or "text"](outline))
    console.result(text)
    if options.format == "mermaid" and (len(outline.arrows) > MOST_EDGES or len(text) > LONGEST_TEXT):
        console.note(f"Mermaid draws at most {MOST_EDGES} edges and {LONGEST_TEXT} characters unless its maxEdges and "
                     "maxTextSize say otherwise")
    return int(ExitCode.SUCCESS)
