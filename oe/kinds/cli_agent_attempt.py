"""Attempts of a `cli-agent` node: the prompt is put together, a session carried out and paid for, its answer read."""

from __future__ import annotations

from oe.errors import NodeError
from oe.kinds.answer_form import AnswerForm
from oe.kinds.cli_agent_session import DEFAULT_TIMEOUT_SECONDS, Call, Session
from oe.kinds.cli_providers import PROVIDERS
from oe.kinds.cli_providers.provider import Transcript
from oe.kinds.tool_command import argv_of, folder_of
from oe.lang.answer import read_value
from oe.lang.scope import Missing
from oe.lang.template import TextTemplate, as_text, compile_value
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.ports.spending import Charge, Cost, Spent
from oe.spec.model import Node
from oe.values import Json, compact

_FORM_REQUEST = ("Answer with one JSON object and nothing else: no introduction, no explanation, no Markdown. It must "
                 "be valid against this JSON Schema:")


class CliAgent:
    """Asks the agent of one node. Every attempt is a session of its own."""

    def __init__(self, node: Node, prompt: TextTemplate, form: AnswerForm) -> None:
        options = node.options
        self._prompt = prompt
        self._form = form
        self._provider = PROVIDERS.get(str(options.get("provider")))
        self._model = None if options.get("model") is None else str(options["model"])
        self._command = compile_value(options.get("command"))
        self._program = compile_value(options.get("program"))
        extra = options.get("extra_args")
        self._extra = [str(word) for word in extra] if isinstance(extra, list) else []
        self._workdir = None if options.get("workdir") is None else compile_value(options["workdir"])
        written = options.get("output") or options.get("output_format")
        self._has_events = written == "events"
        self._is_json = written == "json" and form.schema is None
        self._limit_seconds = DEFAULT_TIMEOUT_SECONDS if node.timeout_seconds is None else None
        self._worst = reserved_cost(options.get("reserve"))

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt."""
        call = Call(self._argv(request), folder_of(self._workdir, request, context), self._text(request),
                    self._limit_seconds, self._provider, self._has_events)
        session = Session(call, context, request.node.env)
        async with context.charge(self._worst) as charge:
            try:
                transcript = await session.carry_out()
            except NodeError as error:
                if error.code == "program-not-started":
                    charge.forget()
                raise
            finally:
                self._settle(charge, session.transcript)
        return self._read(transcript, call.program)

    def _argv(self, request: Request) -> list[str]:
        if self._provider is not None:
            program = argv_of([self._program.resolve(request.scope) or self._provider.program])
            return [*program, *self._provider.arguments(self._model, self._extra)]
        return [*argv_of(self._command.resolve(request.scope)), *self._extra]

    def _text(self, request: Request) -> str:
        """What goes to standard input."""
        prompt = self._prompt.render(request.scope)
        if self._form.schema is None:
            return prompt.rstrip("\n") + "\n"
        return f"{prompt.rstrip()}\n\n{_FORM_REQUEST}\n{compact(self._form.sent)}\n"

    def _settle(self, charge: Charge, transcript: Transcript) -> None:
        """Counts what the program tells. Of what it does not tell the reserve stands, also where it broke off."""
        usage, usd = transcript.usage, transcript.cost_usd
        if usage is None and usd is None:
            return
        tokens = (self._worst.tokens, 0) if usage is None else (usage.all_input_tokens, usage.output_tokens)
        charge.settle(Spent(*tokens, self._worst.usd or None if usd is None else usd, transcript.model))

    def _read(self, transcript: Transcript, program: str) -> NodeOutput:
        """The answer as the node's output: an object of the schema's form, a JSON value, or a text."""
        given = transcript.value
        text = (transcript.answer or "") if isinstance(given, Missing) else as_text(given)
        if self._is_json:
            value, problems = read_value(text)
            if isinstance(value, Missing):
                raise _unusable(program, problems)
            return NodeOutput({self._form.writes[0]: value} if self._form.writes else {}, value)
        taken = self._form.take(text)
        if taken.output is None:
            raise _unusable(program, taken.problems)
        return taken.output


def reserved_cost(reserve: Json) -> Cost:
    """What one session may cost, as the node says: nothing known is one call."""
    limits = reserve if isinstance(reserve, dict) else {}
    usd, tokens = limits.get("usd"), limits.get("tokens")
    return Cost(float(usd) if isinstance(usd, int | float) else 0.0, tokens if isinstance(tokens, int) else 0, 1)


def _unusable(program: str, problems: tuple[str, ...]) -> NodeError:
    return NodeError(f"the answer of {program} cannot be used: {'; '.join(problems)}", name="InvalidAnswer",
                     code="invalid-answer")
