"""Settings and where each came from: flag, environment, file, default — in that order (architecture.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

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
    "NO_COLOR": "any value: no colours",
}
"""The variables that `oe` reads, with what each does."""


def choose(name: str, flag: str | None, environment: Mapping[str, str], variable: str, default: str) -> Setting:
    """The setting that counts: the flag, else a variable that is set and not empty, else the default."""
    if flag is not None:
        return Setting(name, flag, "flag")
    if environment.get(variable):
        return Setting(name, environment[variable], "environment")
    return Setting(name, default, "default")
