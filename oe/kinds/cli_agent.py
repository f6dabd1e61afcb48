"""The kind `cli-agent`: an agent that is a program — Claude Code, Codex, Gemini, any command — is given a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from oe.diagnostics import Problem
from oe.digests import Part
from oe.errors import OeError
from oe.kinds.cli_providers import PROVIDERS
from oe.kinds.structured_output import SCHEMA_KEY, OutputRules
from oe.kinds.text_files import TextFiles, as_node_error
from oe.kinds.tool import is_file_word
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
from oe.text import clip

_FORMS: dict[str, list[str]] = {"enum": ["text", "json", "events"]}

class CliAgentKind:
    """An agent with tools of its own, run as a program that is given a prompt."""

    name = "cli-agent"
    task_kind: TaskKind = "llm"
    keys: tuple[Key, ...] = (
        Key("provider", {"enum": list(PROVIDERS)}, "Which program; any other is named by `command` alone.",
            otherwise="any other program is named by 'command' alone, such as command: [my-agent, --fast]"),
        Key("command", {"type": "array", "minItems": 1, "items": {"type": "string"},
                        "title": "a list of a program and its arguments"},
            "Any program and its arguments; it gets the prompt on standard input."),
        Key("program", {"type": "string", "minLength": 1},
            "Where the provider's program is (default: its usual name, found on the PATH)."),
        Key("prompt", PROMPT,
            "What is asked: a text with `{{ }}`, or a file that holds one.", required=True, holds="prompt"),
        Key("model", {"type": "string", "minLength": 1}, "The model, in the program's own words."),
        Key("workdir", {"type": "string", "minLength": 1}, "The folder it works in (default: the experience's own)."),
        Key("output", _FORMS,
            "How its answer is read (default: `json` with a schema, else `text`). `events`: a command prints the "
            "events of Claude Code, Codex or Gemini, or their one object, and the answer is in them."),
        Key("output_format", _FORMS, "The original's name of `output`."),
        SCHEMA_KEY,
        Key("extra_args", {"type": "array", "items": {"type": "string"}},
            "Further arguments for the program, as they are."),
        Key("reserve", {"$ref": "#/$defs/budget"}, "What one call may cost at most; required under a budget in usd.",
            affects_output=False),
    )
    cached_by_default = False
    is_nested = False

    def __init__(self) -> None:
        self._texts = TextFiles()

    def check(self, node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
        """Keys that exclude each other, its folder, its budget, the form of its answer."""
        yield from _key_problems(node, experience)
        document = experience.document
        for key in ("command", "program"):
            for fault in value_problems(node.options.get(key)):
                yield Problem(fault.code, fault.message, document.span((*node.path, key, *fault.path)), fault.hint)
        yield from _program_problems(node, experience, files)
        workdir = node.options.get("workdir")
        flaw = find_folder_flaw(files, workdir) if isinstance(workdir, str) and workdir[:1] != "$" else None
        if flaw is not None:
            yield Problem(flaw.code, flaw.message, document.span((*node.path, "workdir")), flaw.hint)
        is_json = node.options.get("output", node.options.get("output_format")) == "json"
        yield from OutputRules(node, experience, files, any_value=is_json).problems()

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in `command`, `program`, `workdir` and a prompt that stands in the experience itself."""
        found = [((key, *path), reference) for key in ("command", "program", "workdir") if key in node.options
                 for path, reference in compile_value(node.options[key]).references()]
        return [*found, *prompt_references(node.options, "prompt")]

    def is_cached_by_default(self, node: Node) -> bool:
        """See NodeKind."""
        return self.cached_by_default

    def uses_index(self, node: Node, files: Files) -> bool:
        """See NodeKind: only by reference."""
        return False

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """The files of its prompt and schema, and the words of its command that name files."""
        from oe.kinds.answer_form import answer_form

        argv = compile_value(node.options.get("command") or [node.options.get("program")]).resolve(scope)
        words = [word for word in argv if isinstance(word, str)] if isinstance(argv, list) else []
        named = {word: files.digest(word) for word in dict.fromkeys(words) if is_file_word(word, files)}
        own = self._texts.materials(node.id, files, lambda: {
            **self._texts.prompt_parts(node.options, ("prompt",), files),
            **answer_form(node, files, self._texts).files})
        return {**own, **named}

    def prepare(self, node: Node, files: Files) -> Executor:
        """The node's executor. Raises NodeError where a file is missing or faulty."""
        from oe.kinds.answer_form import answer_form
        from oe.kinds.cli_agent_attempt import CliAgent

        try:
            prompt = self._texts.prompt(str(node.options["prompt"]), files)
        except OeError as error:
            raise as_node_error(error) from error
        return CliAgent(node, prompt, answer_form(node, files, self._texts))


def _program_problems(node: Node, experience: Experience, files: Files) -> Iterator[Problem]:
    """Which program it is, and what is handed to it."""
    from oe.kinds.command_line import CommandChecks, folder_in_spec

    options = node.options
    checks = CommandChecks(node, experience, files, folder_in_spec(options.get("workdir")))
    command = options.get("command")
    words = command if isinstance(command, list) else []
    key, where = ("command", ("command", 0)) if words else ("program", ("program",))
    program = words[0] if words else options.get("program")
    if isinstance(program, str):
        yield from checks.program_problems(program, *where)
        yield from checks.chosen_problems(program, *where)
    yield from checks.problems(words or [program], key)


def _key_problems(node: Node, experience: Experience) -> Iterator[Problem]:
    options, span = node.options, experience.document.span
    if ("provider" in options) == ("command" in options):
        word = "both" if "provider" in options else "neither"
        yield Problem("which-program", f"cli-agent '{node.id}' has {word} of 'provider' and 'command'", span(node.path),
                      f"provider: {', '.join(PROVIDERS)}, or any other program: command: [my-agent, --fast]"
                      if word == "neither" else "keep one of them")
    if "output" in options and "output_format" in options:
        yield Problem("conflicting-keys", "'output' and 'output_format' say the same thing twice",
                      span((*node.path, "output_format"), key=True), "keep one of them")
    yield from _output_problems(node, experience)
    provider = PROVIDERS.get(str(options.get("provider")))
    known = PROVIDERS.values() if provider is None else [provider]
    permissive = frozenset[str]().union(*(provider.permissive for provider in known))
    for name in ("extra_args", "command"):
        words = options.get(name)
        for index, word in enumerate(words if isinstance(words, list) else ()):
            if isinstance(word, str) and not permissive.isdisjoint((word, *_values(word))):
                yield Problem("permissive-agent", f"'{clip(word, 60)}' lets the agent of '{node.id}' do anything with "
                              "your rights, unasked", span((*node.path, name, index)), None, "warning")


def _values(word: str) -> list[str]:
    """The parts of an argument `--name=value`, or `name="value"` as a setting has it."""
    return [part.strip("\"' ") for part in word.split("=", 1)]


def _output_problems(node: Node, experience: Experience) -> Iterator[Problem]:
    options, span = node.options, experience.document.span
    name = "output" if "output" in options else "output_format"
    form = options.get(name)
    if form == "events" and "provider" in options:
        yield Problem("conflicting-keys", f"the events of '{options['provider']}' are read in any case",
                      span((*node.path, name)), "write output: text or output: json, or leave it out")
    for key in ("model", "program"):
        if key in options and "command" in options:
            yield Problem("conflicting-keys", f"'{key}' does nothing beside 'command'",
                          span((*node.path, key), key=True), "say it in the command")
    if form == "text" and "schema" in options:
        yield Problem("conflicting-keys", "a schema needs an answer in JSON, but 'output' is 'text'",
                      span((*node.path, "schema"), key=True), "write output: json, or leave the schema out")
    loops = [loop.budget for loop in experience.loops.values() if node.id in loop.body]
    budgets = (experience.runtime.budget, node.budget, *loops)
    reserve = options.get("reserve")
    is_priced = isinstance(reserve, Mapping) and "usd" in reserve
    if any(budget is not None and budget.usd is not None for budget in budgets) and not is_priced:
        yield Problem("unpriced-agent", f"cli-agent '{node.id}' has no known price, but there is a budget in usd",
                      span((*node.path, "reserve") if reserve else node.path),
                      "say what one call may cost: reserve: {usd: 0.5}")
