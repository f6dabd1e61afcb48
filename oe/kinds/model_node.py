"""Nodes that ask a model: from prompt to answer, to what is sent back of it, to the node's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from oe.errors import NodeError
from oe.kinds.answer_form import AnswerForm
from oe.lang.answer import repair_request
from oe.lang.scope import Missing
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.ports.model import Answer, Message, Question
from oe.spec.model import Node
from oe.text import plural
from oe.values import Json, JsonObject

_OVER_LLM = ("model", "max_tokens", "temperature")
"""Keys of a node that say more than the same keys of its `llm`."""


class ModelNode(NamedTuple):
    """An executor that asks a model. `prompt` and `system` make the texts of one attempt; an answer that does not fit
    is sent back `repair` times."""

    node: Node
    prompt: Callable[[Request], str]
    system: Callable[[Request], str]
    form: AnswerForm
    repair: int

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt."""
        question = self.question(request)
        turns = self.repair if self.form.schema is not None else 0
        while True:
            answer = await context.ask(question)
            _refuse_unfinished(answer)
            if self.form.schema is not None:
                context.activity("validating structured output")
            taken = self.form.take(answer.text)
            if taken.output is not None:
                return taken.output
            if not turns:
                raise self.form.unusable(taken.problems)
            turns -= 1
            context.activity(f"asking again: {plural(len(taken.problems), 'problem')}")
            context.log("the answer cannot be used:\n" + "\n".join(f"- {problem}" for problem in taken.problems))
            again = (Message("assistant", answer.text or "(nothing)"), Message("user", repair_request(taken.problems)))
            question = question._replace(messages=(*question.messages, *again), shares_prefix=True)

    def question(self, request: Request) -> Question:
        """What is asked first. Raises NodeError for a reference without a value."""
        scope = request.scope
        is_one_of_many = not isinstance(scope.item, Missing) or not isinstance(scope.iteration, Missing)
        return Question(wanted_settings(self.node), (Message("user", self.prompt(request)),), self.system(request),
                        self.form.sent, is_one_of_many)


def wanted_settings(node: Node) -> JsonObject:
    """The keys of `llm` that a node asks for, its own over those of its `llm`."""
    llm = node.options.get("llm")
    wanted: dict[str, Json] = dict(llm) if isinstance(llm, dict) else {}
    wanted.update({name: node.options[name] for name in _OVER_LLM if name in node.options})
    return wanted


def _refuse_unfinished(answer: Answer) -> None:
    if answer.stop == "max_tokens":
        raise NodeError("the answer was cut off: it reached max_tokens, or filled the model's context",
                        name="AnswerCutOff", retryable=False, code="answer-cut-off",
                        hint="raise max_tokens, or ask for less")
    if answer.stop == "refusal":
        raise NodeError("the model, or its provider, declined to answer", name="Refused", retryable=False,
                        code="answer-refused")
