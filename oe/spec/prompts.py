"""Prompts: a text template in the experience itself, or a file that holds one."""

from __future__ import annotations

from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.template import compile_text
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
