"""From the document's value to the model, section by section. Reports what has not the form that the tables ask for;
whether the parts fit each other is for the checks."""

from __future__ import annotations

from oe.lang.document import Document
from oe.spec.model import Experience
from oe.spec.read_graph import read_graph
from oe.spec.read_runtime import read_runtime
from oe.spec.read_state import read_arguments, read_fields
from oe.spec.reading import Reading
from oe.spec.section import Section, read_section
from oe.spec.top_levels import EXPERIENCE, PHASE


def build(reading: Reading, document: Document) -> Experience | None:
    """The experience as far as it can be read, with defaults for what cannot; None where there is no mapping."""
    if document.value is None:
        reading.report.error("empty-file", "the file is empty", (), "start with name:, version: and graph:")
        return None
    top = read_section(reading.report, EXPERIENCE, document.value, ())
    if top is None:
        return None
    reading.strict_formats = top.get("formats") == "strict"
    graph = read_graph(reading, top)
    return Experience(
        name=top.text("name") or "", version=top.text("version") or "", description=top.text("description") or "",
        arguments=read_arguments(reading, top), fields=read_fields(reading, top), phases=_read_phases(reading, top),
        nodes=graph.nodes, pipelines=graph.pipelines, loops=graph.loops, units=graph.units(), edges=graph.edges,
        runtime=read_runtime(reading, top), strict_formats=reading.strict_formats, file=document.name,
        folder=reading.files.absolute("."), document=document)


def _read_phases(reading: Reading, top: Section) -> dict[str, str]:
    """Titles by phase id."""
    phases: dict[str, str] = {}
    reading.gaps.phases |= "phases" in top.broken
    for index, value in enumerate(top.items("phases")):
        section = read_section(reading.report, PHASE, value, ("phases", index))
        name = section.text("id") if section else None
        if section is None or name is None:
            reading.gaps.phases = True
        elif name in phases:
            reading.report.error("duplicate-phase", f"phase '{name}' is declared twice", (*section.path, "id"))
        else:
            phases[name] = section.text("title") or name
    return phases
