"""What can be seen of the command lines of nodes: programs outside the experience, programs and scripts that data
would choose, secrets that the list of processes would show. Never executes anything."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from oe.diagnostics import Problem
from oe.lang.errors import LangError
from oe.lang.reference import Reference, parse_reference
from oe.ports.files import Files
from oe.spec.file_rules import find_file_flaw
from oe.spec.model import Experience, Node
from oe.text import clip
from oe.values import Json

_INTERPRETERS = re.compile(r"(ba|da|z|k|fi|a)?sh|python[\d.]*|perl|ruby|node|osascript|pwsh|php")
_SCRIPT_OPTIONS = re.compile(r"-[a-z]*[ceprE]|--(eval|print|command)", re.IGNORECASE)


class CommandChecks:
    """The checks of one node's command lines. `base` is the folder that its programs run in, where that is known."""

    def __init__(self, node: Node, experience: Experience, files: Files, base: str | None) -> None:
        self._node = node
        self._experience = experience
        self._files = files
        self._base = base

    def problems(self, words: list[Json], *key: str) -> Iterator[Problem]:
        """Every problem of the words of the command at `key`, whose first is the program."""
        for index, word in enumerate(words):
            reference = _reference(word)
            if reference is None:
                continue
            if self._is_secret(reference):
                yield self._problem("secret-in-command", f"'{clip(str(word), 80)}' is a secret, and every user of the "
                                    "host can read command lines", (*key, index), "pass it in 'args', which a program "
                                    "reads from its standard input")
            if index and _is_script(words, index):
                yield self._problem("script-reference", f"'{clip(str(word), 80)}' would be run as a program text by "
                                    f"'{words[0]}'", (*key, index), "write the text here, and the reference as a "
                                    "further word that it reads as an argument")

    def program_problems(self, program: str, *where: str | int) -> Iterator[Problem]:
        """A relative program is inside the experience; it may be a link that leads out, as in a virtual environment."""
        if "/" not in program or program.startswith(("/", "$")) or self._base is None:
            return
        path = posixpath.normpath(posixpath.join(self._base, program))
        if path.startswith("../"):
            yield self._problem("path-outside", f"program '{clip(program, 200)}' is outside the experience", where)
            return
        flaw = find_file_flaw(self._files, path)
        if flaw is not None and flaw.code != "path-outside":
            yield self._problem("missing-file", f"there is no program '{clip(program, 200)}'", where, flaw.hint)

    def chosen_problems(self, program: Json, *where: str | int) -> Iterator[Problem]:
        """A program may be named by an argument, which is the word of the person who starts the run, but not by what
        other nodes have found."""
        reference = _reference(program)
        if reference is not None and reference.root != "args":
            yield self._problem("program-reference", f"'{clip(str(program), 80)}' would let data choose the program",
                                where, "write the program, or an argument: $args.name")

    def _is_secret(self, reference: Reference) -> bool:
        argument = (self._experience.arguments or {}).get(str(reference.segments[0]) if reference.segments else "")
        return reference.root == "args" and argument is not None and argument.secret

    def _problem(self, code: str, message: str, where: tuple[str | int, ...], hint: str | None = None) -> Problem:
        return Problem(code, message, self._experience.document.span((*self._node.path, *where)), hint)


def folder_in_spec(workdir: Json) -> str | None:
    """The folder that a node's `workdir` means, None where only a run can tell."""
    if workdir is None:
        return "."
    return None if _reference(workdir) is not None else str(workdir)


def _reference(word: Json) -> Reference | None:
    if not isinstance(word, str) or not word.startswith("$") or word.startswith("$$"):
        return None
    try:
        return parse_reference(word)
    except LangError:
        return None  # told by the check of templates


def _is_script(words: list[Json], index: int) -> bool:
    """Whether the word is the text that a shell or an interpreter runs: `sh -c TEXT`, also behind `env` or `nice`."""
    before = words[index - 1]
    names = [word.rpartition("/")[2] for word in words[: index - 1] if isinstance(word, str)]
    return (isinstance(before, str) and _SCRIPT_OPTIONS.fullmatch(before) is not None
            and any(_INTERPRETERS.fullmatch(name) for name in names))
