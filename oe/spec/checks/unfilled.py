"""`{{ }}` where nothing fills it in: prompts are templates, arguments and commands hold references."""

from __future__ import annotations

from collections.abc import Iterator

from oe.lang.document import Path
from oe.lang.errors import LangError
from oe.lang.reference import ROOTS, Reference
from oe.lang.template import compile_text
from oe.spec.model import Node
from oe.spec.report import Report
from oe.spec.subject import Subject
from oe.text import clip
from oe.values import Json


def check(subject: Subject, report: Report) -> None:
    """Texts in `args` of nodes, and in the `command` of tools, that hold the name of something in braces."""
    for node in subject.experience.nodes.values():
        for text, path in _texts(subject, node):
            reference = _named(subject, text) if "{{" in text else None
            if reference is None:
                continue
            written = _as_reference(subject, reference)
            is_whole = text.count("{{") == 1 and text.strip().startswith("{{") and text.strip().endswith("}}")
            hint = f"write {written}" if is_whole else f"{written} is replaced where it is the whole text"
            shown = f"{{{{ {clip(reference.text, 60)} }}}}"
            report.warning("unfilled-template", f"'{shown}' stays as it is: only prompts are filled in", path, hint)


def _texts(subject: Subject, node: Node) -> Iterator[tuple[str, Path]]:
    """Every text in the node's arguments and command, with its path."""
    value: Json = subject.experience.document.value
    for step in node.path:
        value = value[step]  # type: ignore[index]
    keys = ("args", "command") if node.kind == "tool" else ("args",)
    left: list[tuple[Json, Path]] = [
        (value[key], (*node.path, key)) for key in keys if isinstance(value, dict) and key in value]
    while left:
        part, path = left.pop()
        if isinstance(part, str):
            yield part, path
        elif isinstance(part, dict):
            left += [(each, (*path, name)) for name, each in part.items()]
        elif isinstance(part, list):
            left += [(each, (*path, index)) for index, each in enumerate(part)]


def _named(subject: Subject, text: str) -> Reference | None:
    """The first reference of the text that names something of the run: templates of other programs name others."""
    try:
        references = compile_text(text).references()
    except LangError:
        return None
    known = {*ROOTS, *(subject.experience.arguments or ()), *subject.experience.fields}
    return next((each for each in references if each.root != "bare" or str(each.segments[0]) in known), None)


def _as_reference(subject: Subject, reference: Reference) -> str:
    if reference.root != "bare":
        return reference.text
    name = str(reference.segments[0])
    if name in ROOTS:
        return f"${reference.text}"
    return f"$args.{reference.text}" if name in (subject.experience.arguments or ()) else f"$.{reference.text}"
