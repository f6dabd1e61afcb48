"""What calls cost, from a table of list prices that is a dated data file. Nothing here asks the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

from oe.errors import UsageError
from oe.llm.shapes import Garbled, object_in, parse_object, text_in
from oe.ports.model import Usage
from oe.text import clip
from oe.values import Json, JsonObject, compact

_PER = 1_000_000
_SNAPSHOT = re.compile(r"[-@](\d{4}-\d\d-\d\d|\d{8}|latest)$")
_RATES = ("input", "output", "cache_read", "cache_write")
_WRITE_FACTOR = 1.25
"""What a cache write costs where the table does not say, times an input token: as every provider in it has it."""


class Rates(NamedTuple):
    """US dollars for a million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float


class Price(NamedTuple):
    """The rates of a model, and those of a call whose prompt is longer than `above_tokens`."""

    rates: Rates
    above: Rates | None = None
    above_tokens: int = 0


class PriceTable:
    """Implements Prices. A dated snapshot of a model has the model's price, and so has one behind a gateway's prefix
    (`vendor/model`)."""

    def __init__(self, prices: Mapping[str, Price], date: str) -> None:
        self.date = date
        self.prices = prices

    def cost_usd(self, model: str, usage: Usage) -> float | None:
        """See Prices."""
        price = self._find(model)
        if price is None:
            return None
        is_long = price.above is not None and usage.all_input_tokens > price.above_tokens
        rates = price.above if price.above is not None and is_long else price.rates
        return (usage.input_tokens * rates.input + usage.output_tokens * rates.output
                + usage.cache_read_tokens * rates.cache_read + usage.cache_write_tokens * rates.cache_write) / _PER

    def _find(self, model: str) -> Price | None:
        for name in (model, model.rpartition("/")[2]):
            found = self.prices.get(name) or self.prices.get(_SNAPSHOT.sub("", name))
            if found is not None:
                return found
        return None


def load_prices(path: str | None = None) -> PriceTable:
    """The table that comes with the program, with the models of a file of the same form over it. Raises UsageError."""
    table = _parse(files("oe.llm").joinpath("prices.json").read_text(encoding="utf-8"), "prices.json")
    if path is None:
        return table
    try:
        with open(path, encoding="utf-8") as file:
            own = _parse(file.read(), path)
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"cannot read the prices in '{path}': {reason}", code="bad-prices") from error
    return PriceTable({**table.prices, **own.prices}, own.date or table.date)


def _parse(text: str, name: str) -> PriceTable:
    try:
        holder = parse_object(text, "it")
        models = object_in(holder, "models")
        if not models:
            raise Garbled("it holds no 'models'")
        return PriceTable({model: _price(models, model) for model in models}, text_in(holder, "date"))
    except Garbled as error:
        hint = 'such as {"models": {"NAME": {"input": 3, "output": 15}}}, in US dollars for a million tokens'
        raise UsageError(f"the prices in '{name}' cannot be used: {error}", code="bad-prices", hint=hint) from error


def _price(models: JsonObject, model: str) -> Price:
    fields = dict(object_in(models, model))
    above = object_in(fields, "above")
    fields.pop("above", None)
    if not above:
        return Price(_rates(fields, model))
    tokens = _number(above.get("tokens"), "tokens", model)
    long = {name: value for name, value in above.items() if name != "tokens"}
    return Price(_rates(fields, model), _rates(long, model), int(tokens))


def _rates(fields: JsonObject, model: str) -> Rates:
    for name in fields:
        if name not in _RATES:
            raise Garbled(f"'{clip(name, 40)}' of model '{model}' is none of {', '.join(_RATES)}, above")
    full = _number(fields.get("input"), "input", model)
    return Rates(full, _number(fields.get("output"), "output", model),
                 _number(fields.get("cache_read", full), "cache_read", model),
                 _number(fields.get("cache_write", full * _WRITE_FACTOR), "cache_write", model))


def _number(value: Json, name: str, model: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        shown = "missing" if value is None else f"no price: {clip(compact(value), 40)}"
        raise Garbled(f"'{name}' of model '{clip(model, 60)}' is {shown}")
    return float(value)
