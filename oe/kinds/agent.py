"""The kind `agent`: a prompt to a language model, and its answer as a text or as an object of a declared form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import OeError
from oe.kinds.structured_output import CALL_KEYS, OutputRules
from oe.kinds.text_files import TextFiles, as_node_error
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.ports.files import Files
from oe.ports.kind import Executor, Request
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.spec.prompts import PROMPT, prompt_references


class AgentKind:
    """Asks a model once, and again where its answer does not fit."""

    name = "agent"
    task_kind: TaskKind = "llm"
    keys: tuple[Key, ...] = (
        Key("prompt", PROMPT,
            "What is asked: a text with `{{ }}`, or a file that holds one.", required=True, holds="prompt"),
        Key("system", PROMPT,
            "Standing instructions, as `prompt`.", holds="prompt"),
        *CALL_KEYS,
    )
    cached_by_default = True
    is_nested = False

    def __init__(self) -> None:
        self._texts = TextFiles()

    def check(self, node: Node, experience: Experience, files: Files) -> Iterable[Problem]:
        """The form of its answer against what it may write."""
        return OutputRules(node, experience, files).problems()

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in prompts that stand in the experience itself."""
        return prompt_references(node.options, "prompt", "system")

    def is_cached_by_default(self, node: Node) -> bool:
        """See NodeKind."""
        return self.cached_by_default

    def uses_index(self, node: Node, files: Files) -> bool:
        """See NodeKind: only by reference."""
        return False

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """The files of its prompts and of its schema."""
        from oe.kinds.answer_form import answer_form

        return self._texts.materials(node.id, files, lambda: {
            **self._texts.prompt_parts(node.options, ("prompt", "system"), files),
            **answer_form(node, files, self._texts).files})

    def prepare(self, node: Node, files: Files) -> Executor:
        """The node's executor. Raises NodeError where a file is missing or faulty."""
        from oe.kinds.answer_form import answer_form
        from oe.kinds.model_node import ModelNode

        try:
            prompt = self._rendering(str(node.options["prompt"]), files)
            system = self._rendering(str(node.options.get("system") or ""), files)
        except OeError as error:
            raise as_node_error(error) from error
        return ModelNode(node, prompt, system, answer_form(node, files, self._texts), int(str(node.options["repair"])))

    def _rendering(self, prompt: str, files: Files) -> Callable[[Request], str]:
        template = self._texts.prompt(prompt, files)
        return lambda request: template.render(request.scope)
