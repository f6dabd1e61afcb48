"""docs/reference/models.md says what the providers, the price table and the recordings are."""

from __future__ import annotations

import json
import re

from oe.llm import PROVIDERS
from oe.llm.limiter import LONGEST_PAUSE_SECONDS
from oe.llm.prices import load_prices
from oe.ports.model import DEFAULT_MAX_TOKENS, ModelSettings
from tests.support.pages import Page

PAGE = Page("models.md")


def test_every_provider_has_its_row_with_its_variables() -> None:
    rows = {row[0]: " ".join(row[1:]) for row in PAGE.rows("provider", "speaks", "key", "address", "model")}
    assert list(rows) == [offer.name for offer in PROVIDERS], "in the order in which they are looked for"
    for offer in PROVIDERS:
        variables = {*offer.key_variables, *offer.token_variables, offer.base_url_variable, offer.model_variable} - {""}
        assert set(re.findall(r"[A-Z]+_[A-Z_]+", rows[offer.name])) == variables


def test_numbers_are_those_of_the_program() -> None:
    assert f"`max_tokens` is {DEFAULT_MAX_TOKENS}" in PAGE.text
    assert f"up to `tries` times ({ModelSettings._field_defaults['tries']})" in PAGE.text
    assert LONGEST_PAUSE_SECONDS == 120 and "more than two minutes" in PAGE.text


def test_the_price_example_is_one(tmp_path) -> None:  # type: ignore[no-untyped-def]
    example = next(block for block in re.findall(r"```json\n(.*?)```", PAGE.text, re.DOTALL) if '"models"' in block)
    path = tmp_path / "prices.json"
    path.write_text(example)
    assert json.loads(example)["models"].keys() <= load_prices(str(path)).prices.keys()
