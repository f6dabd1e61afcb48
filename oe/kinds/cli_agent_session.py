"""One session of a coding agent: its program is started with the prompt on standard input, followed, and judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from oe.errors import NodeError
from oe.kinds.cli_agent_events import EventLines, Told, read_session
from oe.kinds.cli_providers.provider import Provider, Transcript, Verdict
from oe.kinds.cli_providers.verdicts import judge
from oe.kinds.environment import program_environment
from oe.kinds.program_output import Kept, LogLines, Tail, ending
from oe.ports.kind import NodeContext
from oe.ports.process import Command, Exit
from oe.text import clip, format_duration, neutralise

DEFAULT_TIMEOUT_SECONDS = 600.0
"""Coding agents that cannot reach their service often wait for ever."""

MOST_OUTPUT_BYTES = 64 * 1024 * 1024
_LONGEST_WORDS = 600

NETWORK_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy",
                     "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS")
"""The way to the network, which every agent needs; beside what every program gets (kinds/environment)."""


class Call(NamedTuple):
    """What is run: the whole command line, the folder, what goes to standard input, how long it may take where the
    engine sets no limit (None: it does), whose program it is (None: any), and whether its output is a session's events
    rather than the answer itself."""

    argv: list[str]
    folder: str
    stdin: str
    limit_seconds: float | None
    provider: Provider | None
    has_events: bool

    @property
    def program(self) -> str:
        """As messages name it."""
        return f"'{clip(self.argv[0], 100)}'"


class Session:
    """Carries out one call. `transcript` is what is known of it so far, also when it fails or is cancelled."""

    def __init__(self, call: Call, context: NodeContext, declared: tuple[str, ...]) -> None:
        self._call = call
        self._context = context
        self._environment = _environment(context, declared, call.provider)
        self._log = LogLines(context.log)
        self._tail = Tail(self._log)
        self.transcript = call.provider.transcript() if call.provider else Transcript()

    async def carry_out(self) -> Transcript:
        """The session, ended well and with an answer. Raises NodeError with what the program said otherwise."""
        provider = self._call.provider
        if provider is not None:
            lines = EventLines(self._call.program, MOST_OUTPUT_BYTES, self.transcript.take, Told(self._context),
                               self._context.log)
            exit_ = await self._run(lines)
            lines.finish()
        else:
            kept = Kept(f"the standard output of {self._call.program}", MOST_OUTPUT_BYTES)
            exit_ = await self._run(kept)
            self.transcript = self._read(kept.data(), exit_)
        self._judge(exit_)
        return self.transcript

    async def _run(self, on_stdout: Callable[[bytes], None]) -> Exit:
        call = self._call
        command = Command(call.argv, call.folder, self._environment, call.stdin.encode("utf-8", "replace"))
        try:
            async with asyncio.timeout(call.limit_seconds) as deadline:
                return await self._context.processes.run(command, on_stdout, self._tail)
        except TimeoutError as error:
            if not deadline.expired() or call.limit_seconds is None:
                raise
            limit = format_duration(call.limit_seconds)
            raise self._failure(f"timeout: {call.program} took longer than {limit}", self._last_words(),
                                Verdict("timeout", retryable=True), "TimeoutError") from error
        except NodeError as error:
            provider = call.provider
            if provider is not None and error.message.endswith("is not on the PATH"):
                raise NodeError(error.message, name=error.name, retryable=False, code=error.code,
                                hint=f"install it: {provider.install}") from error
            raise
        finally:
            self._log.finish()

    def _read(self, data: bytes, exit_: Exit) -> Transcript:
        """What a program printed that is nobody's in particular."""
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if exit_.code:
                return Transcript()
            raise self._failure(f"{self._call.program} printed no UTF-8: byte 0x{data[error.start]:02x} at offset "
                                f"{error.start}", "", Verdict("agent-garbled", retryable=True)) from error
        if not self._call.has_events:
            plain = Transcript()
            plain.answer, plain.ended = text, True
            return plain
        session = read_session(text)
        if session is None and not exit_.code:
            raise self._failure(f"{self._call.program} printed no events of an agent that is known", self._tail.text(),
                                Verdict("agent-garbled", retryable=True, hint="say output: text or output: json"))
        return session or Transcript()

    def _judge(self, exit_: Exit) -> None:
        """Raises NodeError where the session went wrong. The program's own word counts more than its exit code."""
        transcript, program = self.transcript, self._call.program
        if transcript.failure is not None and (transcript.ended or exit_.code):
            words = transcript.failure
            raise self._failure(f"{program} failed", words, self._verdict(words, exit_))
        if exit_.code:
            words = self._last_words()
            failure = ending(program, exit_.code, "")
            sentence = failure.message if failure else program
            raise self._failure(sentence, words, self._verdict(words, exit_))
        if not transcript.ended:
            raise self._failure(f"the events of {program} break off before its answer", self._last_words(),
                                Verdict("agent-cut", retryable=True))
        if not transcript.value and not (transcript.answer or "").strip():
            raise self._failure(f"{program} ended without an answer", self._last_words(),
                                Verdict("agent-failed", retryable=True))

    def _verdict(self, words: str, exit_: Exit) -> Verdict:
        provider = self._call.provider
        known = provider.exits.get(exit_.code) if provider else None
        if known is not None:
            return known
        verdict = judge(words, provider)
        return verdict._replace(retryable=False) if self.transcript.failure_lasts else verdict

    def _last_words(self) -> str:
        """What the program said last: on its standard error, or of a trouble that it has not overcome."""
        return self._tail.text() or self.transcript.failure or ""

    def _failure(self, sentence: str, words: str, verdict: Verdict, name: str = "AgentError") -> NodeError:
        told = neutralise(clip(words.strip(), _LONGEST_WORDS))
        return NodeError(f"{sentence}: {told}" if told else sentence, name=name, retryable=verdict.retryable,
                         hint=verdict.hint, code=verdict.code)


def _environment(context: NodeContext, declared: tuple[str, ...], provider: Provider | None) -> dict[str, str]:
    """As for every program, with the way to the network and the provider's own variables: no key of another."""
    names = (*NETWORK_VARIABLES, *(provider.variables if provider else ()))
    own = {name: context.environment[name] for name in names if name in context.environment}
    return own | program_environment(context, declared)
