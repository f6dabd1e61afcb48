"""The kind `cli-agent`: an agent that is a program — Claude Code, Codex, Gemini, any command — is given a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import NodeError
from oe.kinds.structured_output import SCHEMA_KEY, OutputRules
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.lang.template import compile_value, value_problems
from oe.ports.files import Files
from oe.ports.kind import Executor
from oe.spec.file_rules import find_folder_flaw
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.spec.prompts import PROMPT, prompt_references

_FORMS: dict[str, list[str]] = {"enum": ["text", "json"]}


class CliAgentKind:
    """An agent with tools of its own, run as a program. Declared and checked; this version does not run it."""

    name = "cli-agent"
    task_kind: TaskKind = "llm"
    keys: tuple[Key, ...] = (
        Key("provider", {"enum": ["claude-code", "codex", "gemini"]}, "Which program; or `command`."),
        Key("command", {"type": "array", "minItems": 1, "items": {"type": "string"},
                        "title": "a list of a program and its arguments"},
            "Any program and its arguments; it gets the prompt on standard input."),
        Key("prompt", PROMPT,
            "What is asked: a text with `{{ }}`, or a file that holds one.", required=True, holds="prompt"),
        Key("model", {"type": "string", "minLength": 1}, "The model, in the program's own words."),
        Key("workdir", {"type": "string", "minLength": 1}, "The folder it works in (default: the experience's own)."),
        Key("output", _FORMS, "How its answer is read (default: `json` with a schema, else `text`)."),
        Key("output_format", _FORMS, "The original's name of `output`."),
        SCHEMA_KEY,
        Key("extra_args", {"type": "array", "items": {"type": "string"}}, "Further arguments for the program."),
        Key("reserve", {"$ref": "#/$defs/budget"}, "What one call may cost at most; required under a budget in usd."),
    )
    cached_by_default = False
    is_nested = False

    def check(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """Keys that exclude each other, its folder, its budget, the form of its answer."""
        yield from _key_problems(node, experience)
        document = experience.document
        for fault in value_problems(node.options.get("command")):
            yield Problem(fault.code, fault.message, document.span((*node.path, "command", *fault.path)), fault.hint)
        workdir = node.options.get("workdir")
        flaw = find_folder_flaw(files, workdir) if isinstance(workdir, str) and workdir[:1] != "$" else None
        if flaw is not None:
            yield Problem(flaw.code, flaw.message, document.span((*node.path, "workdir")), flaw.hint)
        yield from OutputRules(node, experience, files).problems()

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in `command`, `workdir` and a prompt that stands in the experience itself."""
        found = [((key, *path), reference) for key in ("command", "workdir") if key in node.options
                 for path, reference in compile_value(node.options[key]).references()]
        return [*found, *prompt_references(node.options, "prompt")]

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


def _key_problems(node: Node, experience: Experience) -> Iterator[Problem]:
    options, span = node.options, experience.document.span
    if ("provider" in options) == ("command" in options):
        word = "both" if "provider" in options else "neither"
        yield Problem("which-program", f"cli-agent '{node.id}' has {word} of 'provider' and 'command'", span(node.path),
                      "give one of them")
    if "output" in options and "output_format" in options:
        yield Problem("conflicting-keys", "'output' and 'output_format' say the same thing twice",
                      span((*node.path, "output_format"), key=True), "keep one of them")
    form = options.get("output", options.get("output_format"))
    if form == "text" and "schema" in options:
        yield Problem("conflicting-keys", "a schema needs an answer in JSON, but 'output' is 'text'",
                      span((*node.path, "schema"), key=True), "write output: json, or leave the schema out")
    budgets = (experience.runtime.budget, node.budget)
    if any(budget is not None and budget.usd is not None for budget in budgets) and "reserve" not in options:
        yield Problem("unpriced-agent", f"cli-agent '{node.id}' has no known price, but there is a budget in usd",
                      span(node.path), "say what one call may cost: reserve: {usd: 0.5}")
