"""Language models: how providers are asked, retried, recorded and priced. A provider is one file and one line here."""

from __future__ import annotations

from oe.llm import anthropic, openai, replay
from oe.llm.wire import Offer

PROVIDERS: tuple[Offer, ...] = (
    anthropic.OFFER,
    openai.OFFER,
    replay.OFFER,
)
"""Every provider, in the order in which their keys are looked for."""
