"""The kind `skill`: a folder with a SKILL.md, whose text is the model's standing instructions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import NodeError
from oe.kinds.structured_output import CALL_KEYS, OutputRules
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.ports.files import Files
from oe.ports.kind import Executor
from oe.spec.file_rules import find_file_flaw, find_folder_flaw
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.spec.prompts import PROMPT, prompt_references


class SkillKind:
    """A packaged instruction for a language model. Declared and checked; this version does not run it."""

    name = "skill"
    task_kind: TaskKind = "llm"
    keys: tuple[Key, ...] = (
        Key("impl", {"type": "string", "minLength": 1}, "The folder that holds SKILL.md.", required=True),
        Key("include", {"type": "array", "items": {"type": "string", "minLength": 1}},
            "Globs of text files in the folder that are added, within a bound."),
        Key("prompt", PROMPT,
            "What is asked; without it the arguments and fields that it reads, as JSON.", holds="prompt"),
        Key("inputs", {"title": "a list of globs", "anyOf": [{"type": "array", "items": {"type": "string"}},
                                                             {"type": "object"}]},
            "Globs of further files that its output depends on. A mapping, as in the original, adds to `args`."),
        *CALL_KEYS,
    )
    cached_by_default = True

    def check(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """Its folder, and the form of its answer against what it may write."""
        document = experience.document
        impl = str(node.options["impl"])
        flaw = find_folder_flaw(files, impl)
        if flaw is None:
            flaw = find_file_flaw(files, f"{impl.rstrip('/')}/SKILL.md")
        if flaw is not None:
            yield Problem(flaw.code, flaw.message, document.span((*node.path, "impl")), flaw.hint)
        if isinstance(node.options.get("inputs"), dict):
            yield Problem("accepted-key", "'inputs' of a skill adds to its 'args' here; a list would name files",
                          document.span((*node.path, "inputs"), key=True), "write args instead", "warning")
        yield from OutputRules(node, experience, files).problems()

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in a prompt that stands in the experience itself."""
        return prompt_references(node.options, "prompt")

    def is_cached_by_default(self, node: Node) -> bool:
        """See NodeKind."""
        return self.cached_by_default

    def uses_index(self, node: Node, files: Files) -> bool:
        """See NodeKind: only by reference."""
        return False

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """None, as long as it cannot be run."""
        return {}

    def prepare(self, node: Node, files: Files) -> Executor:
        """Raises NodeError."""
        raise NodeError(f"kind '{self.name}' cannot be run by this version", retryable=False, code="kind-not-runnable")
