"""The kind `agent`: a prompt to a language model, and its answer as a text or as an object of a declared form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import NodeError
from oe.kinds.structured_output import CALL_KEYS, OutputRules
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.ports.files import Files
from oe.ports.kind import Executor
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.spec.prompts import PROMPT, prompt_references


class AgentKind:
    """One call of a language model. Declared and checked; this version does not run it."""

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
        """None, as long as it cannot be run."""
        return {}

    def prepare(self, node: Node, files: Files) -> Executor:
        """Raises NodeError."""
        raise NodeError(f"kind '{self.name}' cannot be run by this version", retryable=False, code="kind-not-runnable")
