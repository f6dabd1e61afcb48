"""The composition root, part five: the models that a run asks, its budget, and what is recorded of both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from oe.app.experiences import kinds_by_name
from oe.errors import NodeError, UsageError
from oe.run.model_use import ModelUse
from oe.spec.model import Budget, Experience, Node
from oe.text import did_you_mean
from oe.values import Json, JsonObject

if TYPE_CHECKING:
    from oe.llm.limiter import Limiters
    from oe.llm.models import Defaults, Means, RunModels
    from oe.llm.prices import PriceTable
    from oe.llm.recording import Recording
    from oe.net.http_client import ThreadedHttp
    from oe.ports.model import ModelProvider, ModelSettings, Usage
    from oe.redact import Redactor

RECORDING = "recording.jsonl"
"""The recording beside an experience that says `llm: {provider: replay}` and no more."""

_REPLAY = "replay"
_limiters: list[Limiters] = []
"""At most one: limits are those of the process, whatever runs in it."""


class ModelOptions(NamedTuple):
    """What is said about models where a run is begun or continued. `llm` is a provider, a model, or both
    (`openai:gpt-x`); `record` and `replay` are files; `budget` goes over that of the experience, limit by limit;
    `appends`: what is recorded goes on behind what the file holds."""

    llm: str | None = None
    record: str | None = None
    replay: str | None = None
    budget: Budget | None = None
    logs_prompts: bool = False
    appends: bool = False


class ModelAccess:
    """The models of one run. Made at its start, without touching a provider; close it at the end. `nested` are the
    experiences in that of the run whose models have been looked at, by the absolute path of their file."""

    def __init__(self, experience: Experience, options: ModelOptions, redactor: Redactor,
                 warn: Callable[[str], None]) -> None:
        if options.record is not None and options.replay is not None:
            raise UsageError("--record and --replay exclude each other",
                             hint="what is replayed has been recorded already")
        if options.llm is not None:
            _expect_choice(options.llm)
        self.experience = experience
        self._options = options
        self.redactor = redactor
        self._warn = warn
        self._models: RunModels | None = None
        self._prices: PriceTable | None = None
        self._recording: Recording | None = None
        self._http: ThreadedHttp | None = None
        self._told: set[str] = set()
        self._kinds = kinds_by_name()
        self._key_names: dict[str, frozenset[str]] = {}
        self.root = Asking(self, experience)
        self.nested: dict[str, Experience] = {}
        self.budget = merged_budget(experience.runtime.budget, options.budget)

    @property
    def asked_budget(self) -> Budget | None:
        """The budget that was asked for where the run was begun or continued."""
        return self._options.budget

    def use(self) -> ModelUse:
        """What the run is given."""
        use = ModelUse(lambda: self.root, lambda: self.price, self.root.identity, self.budget,
                       self._options.logs_prompts, lambda: [] if self._http is None else self._http.abandoned())
        return _with_nested(use, self.root)

    def price(self, settings: ModelSettings, usage: Usage) -> float | None:
        """What a call costs. What is replayed costs nothing, whatever it has cost once."""
        if settings.provider == _REPLAY:
            return 0.0
        return self._price_table().cost_usd(settings.model, usage)

    def expect_files(self) -> None:
        """Opens the recording that is to be written and reads the one that is to answer, whether or not a node will
        ask: what was named on the command line is there, or nothing is run. Raises UsageError, NotFoundError."""
        if self._options.record is not None:
            self.run_models()
        if self._options.replay is not None:
            models = self.run_models()
            models.provider(models.settings({}))

    def begin(self) -> None:
        """The run is on record: what is recorded from now on is its own. Raises OeError."""
        if self._recording is not None:
            self._recording.begin()

    def checked_settings(self, node: Node, asking: Asking) -> ModelSettings | None:
        """The settings of a node's calls, None for one that makes none. A recording and the prices are read: what
        cannot answer is found before anything runs."""
        wanted = self.wanted(node)
        if wanted is None:
            return None
        settings = asking.settings(wanted)
        if settings.provider == _REPLAY:
            asking.models().provider(settings)
        elif os.environ.get("OE_PRICES"):
            self._price_table()
        return settings

    def is_priced(self, settings: ModelSettings) -> bool:
        """Whether it is known what calls with these settings cost."""
        from oe.ports.model import NO_USAGE

        return self.price(settings, NO_USAGE) is not None

    def has_key(self, node: Node, name: str) -> bool:
        """Whether nodes of its kind have that key."""
        names = self._key_names.get(node.kind)
        if names is None:
            names = self._key_names[node.kind] = frozenset(key.name for key in self._kinds[node.kind].keys)
        return name in names

    def wanted(self, node: Node) -> JsonObject | None:
        """The keys of `llm` that a node asks for; None for a node of a kind that asks no model."""
        if not self.has_key(node, "llm"):
            return None
        from oe.kinds.model_node import wanted_settings

        return wanted_settings(node)

    def is_agent_program(self, node: Node) -> bool:
        """Whether it runs a program that asks a model of its own."""
        return self.has_key(node, "reserve")

    def close(self) -> None:
        """Closes the recording."""
        if self._recording is not None:
            self._recording.close()

    def run_models(self) -> RunModels:
        """The models as nobody's defaults go over them, made for the first node that asks."""
        if self._models is None:
            from oe.llm.models import RunModels

            self._models = RunModels(self._means(), self._options.llm)
        return self._models

    def _means(self) -> Means:
        from oe.clock import SystemClock
        from oe.llm.limiter import Limiters
        from oe.llm.models import Means
        from oe.llm.recording import Recording
        from oe.net.http_client import ThreadedHttp

        if not _limiters:
            _limiters.append(Limiters(evenly))
        if self._options.record is not None:
            self._recording = Recording(self._options.record, self.redactor, appends=self._options.appends)
        environment = dict(os.environ)
        self._http = ThreadedHttp(environment)
        return Means(self._http, environment, _limiters[0], self.redactor, SystemClock().now, evenly,
                     self._recording, self._options.replay)

    def _price_table(self) -> PriceTable:
        if self._prices is None:
            from oe.llm.prices import load_prices

            self._prices = load_prices(os.environ.get("OE_PRICES") or None)
        return self._prices

    def announce(self, settings: ModelSettings) -> None:
        """Says, once each, that answers are replayed, and that a model has no known price."""
        if settings.provider == _REPLAY and _REPLAY not in self._told:
            self._told.add(_REPLAY)
            path = os.path.relpath(settings.base_url or "")
            ending = "" if self._options.replay is not None else "; --llm NAME asks one"
            self._warn(f"oe: no model is asked: answers are replayed from {path}{ending}")
        elif settings.model not in self._told and not self.is_priced(settings):
            self._told.add(settings.model)
            self._warn(f"oe: no price is known for model '{settings.model}': its tokens are counted, its cost is not; "
                       "OE_PRICES names a file of prices")


class Asking:
    """Implements Models for the nodes of one experience: its `runtime.llm` goes over those of the experiences that it
    is nested in, and paths of recordings are its own. Says when a replay begins."""

    def __init__(self, access: ModelAccess, experience: Experience, outer: Asking | None = None) -> None:
        self._access = access
        self._experience = experience
        self._outer = outer
        self._models: RunModels | None = None

    def below(self, experience: Experience) -> Asking:
        """For the nodes of an experience that is nested in this one."""
        return Asking(self._access, experience, self)

    def speakers(self) -> tuple[str, ...]:
        """The files of the experiences whose `runtime.llm` holds here, the nearest first, each once."""
        return tuple(dict.fromkeys(each._experience.file for each in self._outward() if each._experience.runtime.llm))

    def models(self) -> RunModels:
        """The run's models with the defaults that hold here."""
        if self._models is None:
            self._models = self._access.run_models().within(list(self._defaults()))
        return self._models

    def settings(self, wanted: JsonObject) -> ModelSettings:
        """See Models."""
        return self.models().settings(self._placed(wanted))

    def provider(self, settings: ModelSettings) -> ModelProvider:
        """See Models."""
        self._access.announce(settings)
        return self.models().provider(settings)

    def identity(self, node: Node) -> JsonObject | None:
        """What of the model that a node would ask can change its answer; None for a node that asks none. Without a
        provider there is nothing to tell: the node fails where its result is not known."""
        wanted = self._access.wanted(node)
        if wanted is None:
            return None
        try:
            settings = self.settings(wanted)
        except NodeError:
            return {"provider": None}
        return self.models().provider(settings).identity(settings)

    def _defaults(self) -> Iterator[Defaults]:
        from oe.llm.models import Defaults

        for asking in self._outward():
            llm = asking._experience.runtime.llm
            if llm:
                yield Defaults(asking._experience.file, asking._placed(llm))

    def _outward(self) -> Iterator[Asking]:
        asking: Asking | None = self
        while asking is not None:
            yield asking
            asking = asking._outer

    def _placed(self, llm: JsonObject) -> JsonObject:
        """Keys of an `llm` of the experience, the path of a recording made whole: the one that is named in its folder,
        else the one beside its file, or beside that of the nearest experience around it that has one."""
        if llm.get("provider") != _REPLAY:
            return llm
        from oe.store.local_files import LocalFiles

        if llm.get("base_url"):
            return {**llm, "base_url": LocalFiles(self._experience.folder).absolute(str(llm["base_url"]))}
        beside = [LocalFiles(each._experience.folder).absolute(RECORDING) for each in self._outward()]
        return {**llm, "base_url": next(filter(os.path.isfile, beside), beside[0])}


def _with_nested(use: ModelUse, asking: Asking) -> ModelUse:
    def below(experience: Experience) -> ModelUse:
        inner = asking.below(experience)
        return _with_nested(use._replace(models=lambda: inner, identity=inner.identity), inner)

    return use._replace(below=below)


def _expect_choice(text: str) -> None:
    """Raises UsageError where `--llm` names neither a provider nor a model."""
    from oe.llm import PROVIDERS
    from oe.llm.choice import parse_choice

    parse_choice(text, {offer.name: offer for offer in PROVIDERS})


def budget_of(values: Mapping[str, Json]) -> Budget:
    """The budget of limits by name. Raises UsageError."""
    for name, value in values.items():
        if name not in Budget._fields:
            raise UsageError(f"a budget has no limit '{name}'", hint=did_you_mean(name, Budget._fields)
                             or f"there are {', '.join(Budget._fields)}")
        whole = name != "usd"
        is_fit = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not is_fit or not 0 < float(str(value)) < 1e15:
            noun = "whole number" if whole else "number"
            raise UsageError(f"{name} of a budget must be a positive {noun}, found {value!r}")
    usd = values.get("usd")
    return Budget(None if usd is None else float(str(usd)), _integer(values, "tokens"), _integer(values, "calls"))


def merged_budget(under: Budget | None, over: Budget | None) -> Budget | None:
    """One budget over another, limit by limit."""
    if under is None or over is None:
        return over or under
    return Budget(under.usd if over.usd is None else over.usd, under.tokens if over.tokens is None else over.tokens,
                  under.calls if over.calls is None else over.calls)


def as_recorded(options: ModelOptions) -> dict[str, Json]:
    """What a resumed run goes on with unless it is told otherwise."""
    record: dict[str, Json] = {}
    if options.llm is not None:
        record["llm"] = options.llm
    if options.replay is not None:
        record["replay"] = os.path.abspath(options.replay)
    if options.budget is not None:
        record["budget"] = {name: value for name, value in options.budget._asdict().items() if value is not None}
    return record


def continued(options: ModelOptions, recorded: JsonObject) -> ModelOptions:
    """The options of a resumed run over those that it was begun or last resumed with."""
    budget = recorded.get("budget")
    before = budget_of(budget) if isinstance(budget, Mapping) else None
    chosen = options.llm is not None or options.replay is not None or options.record is not None
    llm, replay = (options.llm, options.replay) if chosen else (_text(recorded, "llm"), _text(recorded, "replay"))
    return options._replace(appends=True, llm=llm, replay=replay, budget=merged_budget(before, options.budget))


def _text(record: JsonObject, name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) else None


def _integer(values: Mapping[str, Json], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) else None


def evenly() -> float:
    """Evenly from 0 up to 1. The module `random` would cost 3 ms at every start, for the rare retry with jitter."""
    return int.from_bytes(os.urandom(6), "big") / 2**48
