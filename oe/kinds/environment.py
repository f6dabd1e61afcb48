"""The environment of programs that nodes start: what they need to work, what the node declares, what names the attempt.

Keys of LLM providers, and whatever else `oe` was started with, reach a program only where the node's `env` names them.
"""

from __future__ import annotations

from os.path import dirname

from oe.ports.kind import NodeContext

PASSED_ON = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"})
"""Variables that every program gets, and with them all that begin with LC_."""


def declared_environment(context: NodeContext, declared: tuple[str, ...]) -> dict[str, str]:
    """The variables that a node's `env` names, as far as they are set."""
    return {name: context.environment[name] for name in declared if name in context.environment}


def program_environment(context: NodeContext, declared: tuple[str, ...]) -> dict[str, str]:
    """The complete environment of a program that a node starts."""
    environment = context.environment
    return {
        **{name: environment[name] for name in environment if name in PASSED_ON or name.startswith("LC_")},
        **declared_environment(context, declared),
        "OE_RUN_ID": context.run_id,
        "OE_SLOT": context.slot,
        "OE_ATTEMPT": str(context.attempt),
        "OE_ARTIFACT_DIR": dirname(context.artifact("_")),
        "OE_EXPERIENCE_DIR": context.folder,
    }
