"""Prompts: a text template in the experience itself, or a file that holds one."""

from __future__ import annotations

from collections.abc import Iterable

from oe.errors import OeError
from oe.lang.document import Path
from oe.lang.errors import LangError
from oe.lang.reference import Reference
from oe.lang.template import compile_text
from oe.spec.keys import Key
from oe.spec.model import Node
from oe.spec.sources import SpecFiles
from oe.values import JsonObject

PROMPT: JsonObject = {"type": "string", "minLength": 1,
                      "title": "a text, or the path of a file such as ./prompts/x.md"}
"""The schema of a key that holds a prompt."""

_ENDINGS = (".md", ".txt")


def is_prompt_file(prompt: str) -> bool:
    """Whether a prompt names a file: one line that starts with `./`, or one word that ends in `.md` or `.txt`."""
    if "\n" in prompt:
        return False
    return prompt.startswith(("./", "../")) or (prompt.endswith(_ENDINGS) and len(prompt.split()) == 1)


def prompt_references(options: JsonObject, *names: str) -> list[tuple[Path, Reference]]:
    """The references in those of a node's prompts that are no files. Raises LangError."""
    found: list[tuple[Path, Reference]] = []
    for name in names:
        prompt = options.get(name)
        if isinstance(prompt, str) and not is_prompt_file(prompt):
            found.extend(((name,), reference) for reference in compile_text(prompt).references())
    return found


def file_references(node: Node, keys: Iterable[Key], files: SpecFiles) -> list[tuple[Path, Reference]]:
    """The references in those of a node's prompts that are files, each with the path of its key. One that cannot be
    read has none: whoever needs its text says why."""
    found: list[tuple[Path, Reference]] = []
    for key in keys:
        prompt = node.options.get(key.name) if key.holds == "prompt" else None
        if isinstance(prompt, str) and is_prompt_file(prompt):
            try:
                text = compile_text(files.read_bytes(prompt).decode())
                found.extend(((key.name,), reference) for reference in text.references())
            except (OeError, LangError, UnicodeDecodeError):
                continue
    return found
