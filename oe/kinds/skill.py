"""The kind `skill`: a folder with a SKILL.md, whose text is the model's standing instructions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import OeError
from oe.kinds.structured_output import CALL_KEYS, OutputRules
from oe.kinds.text_files import TextFiles, as_node_error
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
    """Asks a model that has been given a package of instructions."""

    name = "skill"
    task_kind: TaskKind = "llm"
    keys: tuple[Key, ...] = (
        Key("impl", {"type": "string", "minLength": 1}, "The folder that holds SKILL.md.", required=True),
        Key("include", {"type": "array", "items": {"type": "string", "minLength": 1}},
            "Globs of text files in the folder that are added, within a bound."),
        Key("prompt", PROMPT,
            "What is asked; without it the arguments, the fields that it reads and the item, as JSON.", holds="prompt"),
        Key("inputs", {"title": "a list of globs", "anyOf": [{"type": "array", "items": {"type": "string"}},
                                                             {"type": "object"}]},
            "Globs of further files that its output depends on. A mapping, as in the original, adds to `args`."),
        *CALL_KEYS,
    )
    cached_by_default = True
    is_nested = False

    def __init__(self) -> None:
        self._texts = TextFiles()

    def check(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """Its folder, and the form of its answer against what it may write."""
        document = experience.document
        impl = str(node.options["impl"])
        flaw = find_folder_flaw(files, impl)
        if flaw is None:
            flaw = find_file_flaw(files, f"{impl.rstrip('/')}/SKILL.md")
        if flaw is not None:
            yield Problem(flaw.code, flaw.message, document.span((*node.path, "impl")), flaw.hint)
        else:
            yield from self._include_problems(node, experience, files)
        if isinstance(node.options.get("inputs"), dict):
            yield Problem("accepted-key", "'inputs' of a skill adds to its 'args' here; a list would name files",
                          document.span((*node.path, "inputs"), key=True), "write args instead", "warning")
        yield from OutputRules(node, experience, files).problems()

    def _include_problems(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """Globs that find nothing."""
        from oe.kinds.skill_folder import used_files

        for index, pattern in enumerate(_globs(node)):
            try:
                used_files(str(node.options["impl"]), (pattern,), files)
            except OeError as error:
                yield Problem(error.code, error.message,
                              experience.document.span((*node.path, "include", index)), error.hint)

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
        """Every file of the folder, and those of its prompt and schema."""
        from oe.kinds.answer_form import answer_form
        from oe.kinds.skill_folder import skill_files, used_files

        impl = str(node.options["impl"])

        def parts() -> Mapping[str, Part]:
            used = used_files(impl, _globs(node), files)
            return {**{path: files.digest(path) for path in skill_files(impl, files) if path not in used},
                    **{path: self._texts.part(path, files) for path in used},
                    **self._texts.prompt_parts(node.options, ("prompt",), files),
                    **answer_form(node, files, self._texts).files}

        return self._texts.materials(node.id, files, parts)

    def prepare(self, node: Node, files: Files) -> Executor:
        """The node's executor. Raises NodeError where a file is missing or faulty."""
        from oe.kinds.answer_form import answer_form
        from oe.kinds.model_node import ModelNode
        from oe.kinds.skill_folder import inputs_as_prompt, instructions

        prompt = node.options.get("prompt")
        try:
            system = instructions(str(node.options["impl"]), _globs(node), self._texts, files)
            template = self._texts.prompt(prompt, files) if isinstance(prompt, str) else None
        except OeError as error:
            raise as_node_error(error) from error
        render = inputs_as_prompt if template is None else lambda request: template.render(request.scope)
        return ModelNode(node, render, lambda _: system, answer_form(node, files, self._texts),
                         int(str(node.options["repair"])))


def _globs(node: Node) -> list[str]:
    include = node.options.get("include")
    return [str(pattern) for pattern in include] if isinstance(include, list) else []
