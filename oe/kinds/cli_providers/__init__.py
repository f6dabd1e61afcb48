"""The coding agents that `cli-agent` knows by name: one file each, and one line in `PROVIDERS`."""

from __future__ import annotations

from oe.kinds.cli_providers import claude_code, codex, gemini
from oe.kinds.cli_providers.provider import Provider

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (
    claude_code.PROVIDER,
    codex.PROVIDER,
    gemini.PROVIDER,
)}
"""By the name that a node's `provider` gives, in the order of the reference."""
