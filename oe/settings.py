"""Settings and where each came from: flag, environment, file, default — in that order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from oe.errors import UsageError

Origin: TypeAlias = Literal["flag", "environment", "file", "default"]


class Setting(NamedTuple):
    """One value with its origin, for `oe doctor`."""

    name: str
    value: str
    origin: Origin


ENVIRONMENT: dict[str, str] = {
    "OE_DATA_DIR": "folder for runs, state and cache instead of .openexpertise beside the experience",
    "OE_CACHE": "'off' turns the result cache off",
    "OE_LLM": "LLM provider for nodes that name none",
    "OE_PRICES": "file with prices of models, over those that `oe` knows",
    "ANTHROPIC_API_KEY": "key for Anthropic's models; ANTHROPIC_AUTH_TOKEN is sent as a bearer instead",
    "ANTHROPIC_BASE_URL": "address of a server that speaks the Messages API, without /v1",
    "ANTHROPIC_MODEL": "model of provider `anthropic` where none is named",
    "OPENAI_API_KEY": "key for OpenAI's models, or for a compatible server",
    "OPENAI_BASE_URL": "address of a server that speaks chat completions, with /v1",
    "OPENAI_MODEL": "model of provider `openai` where none is named",
    "NO_COLOR": "any value: no colours",
}
"""The variables that `oe` reads, with what each does."""


def expect_utf8() -> None:
    """Starts the process over in UTF-8 mode if the interpreter took the locale to know ASCII alone."""
    from oe.net.utf8_mode import start_over_in_utf8_mode  # hardly ever needed

    start_over_in_utf8_mode()


def expect_filled(environment: Mapping[str, str]) -> None:
    """Raises UsageError for a variable of ours that is set and empty: a script meant to say something."""
    for name in ENVIRONMENT:
        if name.startswith("OE_") and environment.get(name) == "":
            raise UsageError(f"environment variable {name} is empty", hint="unset it, or give it a value")


def choose(name: str, flag: str | None, environment: Mapping[str, str], variable: str, default: str) -> Setting:
    """The setting that counts: the flag, else a variable that is set and not empty, else the default."""
    if flag is not None:
        return Setting(name, flag, "flag")
    if environment.get(variable):
        return Setting(name, environment[variable], "environment")
    return Setting(name, default, "default")
