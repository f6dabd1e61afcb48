"""A skill's folder as instructions: the text of SKILL.md, and the files that are added to it. Packages made for other
programs work as they are: whatever their front matter says is for those, and no part of the instructions."""

from __future__ import annotations

from collections.abc import Iterable

from oe.errors import NodeError
from oe.kinds.text_files import TextFiles
from oe.lang.scope import Missing
from oe.ports.files import Files
from oe.ports.kind import Request
from oe.text import clip
from oe.values import Json, compact

MOST_CHARACTERS = 400_000
"""Of a skill's text and its included files together: more is no instruction any more, and paid for with every call."""


def skill_files(impl: str, files: Files) -> list[str]:
    """The paths of all files of the folder, those of hidden folders apart."""
    folder = _plain(impl)
    return [f"./{path}" for path in files.glob(f"{folder}/**" if folder else "**")]


def used_files(impl: str, include: Iterable[str], files: Files) -> list[str]:
    """The paths of SKILL.md and of the files that are added to it. Raises OeError where a glob finds nothing."""
    folder = _plain(impl)
    used = {f"./{folder}/SKILL.md" if folder else "./SKILL.md": None}
    for pattern in include:
        found = [f"./{path}" for path in files.glob(f"{folder}/{pattern}" if folder else pattern)]
        if not found:
            raise NodeError(f"'include' finds nothing: no file of '{clip(impl, 80)}' matches '{clip(pattern, 80)}'",
                            name="MissingFile", retryable=False, code="missing-file")
        used.update(dict.fromkeys(found))
    return list(used)


def instructions(impl: str, include: Iterable[str], texts: TextFiles, files: Files) -> str:
    """The system text. Raises OeError where a file is missing or no text, or all is too long."""
    main, *added = used_files(impl, include, files)
    before = len(main) - len("SKILL.md")
    parts = [without_front_matter(texts.text(main, files)).strip(),
             *(f'<file path="{path[before:]}">\n{texts.text(path, files).strip()}\n</file>' for path in added)]
    text = "\n\n".join(parts)
    if len(text) > MOST_CHARACTERS:
        raise NodeError(f"skill '{clip(impl, 80)}' with its included files has {len(text)} characters, at most "
                        f"{MOST_CHARACTERS} are sent", name="SkillTooLong", retryable=False, code="skill-too-long",
                        hint="include fewer files")
    return text


def without_front_matter(text: str) -> str:
    """The text behind a front matter between two lines `---`; without a second one it has none."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        return text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    return text if end is None else "".join(lines[end + 1:])


def inputs_as_prompt(request: Request) -> str:
    """What a skill without a prompt is asked: its arguments over the fields that it reads, and the item, as JSON."""
    inputs: dict[str, Json] = {**request.view, **request.args}
    if not isinstance(request.scope.item, Missing):
        inputs.setdefault("item", request.scope.item)
    return compact(inputs)


def _plain(impl: str) -> str:
    return "/".join(part for part in impl.split("/") if part not in ("", "."))
