"""Prompts: a text template in the experience itself, or a file that holds one."""

from __future__ import annotations

_ENDINGS = (".md", ".txt")


def is_prompt_file(prompt: str) -> bool:
    """Whether a prompt names a file: one line that starts with `./`, or one word that ends in `.md` or `.txt`."""
    if "\n" in prompt:
        return False
    return prompt.startswith(("./", "../")) or (prompt.endswith(_ENDINGS) and len(prompt.split()) == 1)
