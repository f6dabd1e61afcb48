"""The key tables of the graph: nodes with what all kinds share, edges, pipelines, loops."""

from __future__ import annotations

from oe.spec.keys import Key
from oe.spec.level import (
    ANY_STRING,
    BOOLEAN,
    CACHE,
    COUNT,
    DURATION,
    EXPRESSION,
    JOIN,
    LIST_SOURCE,
    MAPPING,
    MILLISECONDS,
    NAME,
    NAMES,
    NEEDS,
    ON_ITEM_ERROR,
    POSITIVE,
    STRING,
    STRINGS,
    Level,
    level_ref,
)

GRAPH = Level("graph", "'graph'", "Units and the edges between them.", (
    Key("nodes", {"type": "array", "minItems": 1, "items": level_ref("node"), "title": "a list of at least one node"},
        "The nodes.", required=True),
    Key("edges", {"type": "array", "items": level_ref("edge")}, "Who waits for whom, beside `needs`."),
    Key("pipelines", {"type": "array", "items": level_ref("pipeline")}, "Items that stream through stages."),
    Key("loops", {"type": "array", "items": level_ref("loop")}, "Bodies that repeat."),
))

_UNIT_KEYS = (
    Key("phase", STRING, "The phase it is shown in."),
    Key("needs", NEEDS, "Units that come first; short for edges."),
    Key("when", EXPRESSION, "Skipped unless this is true; it sees the state after the join."),
    Key("join", JOIN, "`all`: every edge must be live. `any`: at least one live and none failed. `always`: runs "
                      "whatever became of the edges.", default="all"),
    Key("description", ANY_STRING, "A note for readers."),
)

NODE = Level("node", "a node", "One step. Further keys depend on its kind.", (
    Key("id", NAME, "Its name, unique among nodes, pipelines and loops.", required=True),
    Key("kind", STRING, "What it does.", required=True),
    *_UNIT_KEYS,
    Key("reads", NAMES, "State fields that it sees.", default=[]),
    Key("writes", NAMES, "State fields that it may write.", default=[]),
    Key("args", MAPPING, "Values handed to it; a text that is wholly a reference becomes that value.", default={}),
    Key("for_each", level_ref("for_each"), "Runs once for each item of a list."),
    Key("on_error", level_ref("on_error"), "What a failure leads to."),
    Key("timeout", DURATION, "The longest time of one attempt."),
    Key("timeout_ms", MILLISECONDS, "The same in milliseconds, as the original writes it."),
    Key("cache", CACHE, "Whether its output is cached (default: by kind)."),
    Key("inputs", STRINGS, "Globs of further files that its output depends on.", default=[]),
    Key("env", STRINGS, "Names of environment variables that its output depends on.", default=[]),
    Key("produces", STRINGS, "Files that it makes.", default=[]),
    Key("effects", BOOLEAN, "True: it changes the world and is never cached.", default=False),
    Key("budget", level_ref("budget"), "What it may spend."),
))

EDGE = Level("edge", "an edge", "`to` waits for `from`.", (
    Key("from", STRING, "The unit that comes first.", required=True),
    Key("to", STRING, "The unit that waits.", required=True),
    Key("when", EXPRESSION, "The edge is dead unless this is true; it sees what `from` wrote."),
))

FOR_EACH = Level("for_each", "'for_each'", "A fan-out: one attempt for each item.", (
    Key("source", LIST_SOURCE, "The list, resolved when the node starts.", required=True),
    Key("concurrency", POSITIVE, "How many items run at once (default: `runtime.concurrency`)."),
    Key("on_item_error", ON_ITEM_ERROR, "Whether a failed item fails the node, after the others have run.",
        default="fail"),
    Key("min_success", COUNT, "How many items must succeed for the node to finish."),
), short="source")

ON_ERROR = Level("on_error", "'on_error'", "What a failed attempt leads to.", (
    Key("policy", {"enum": ["skip", "fail_run", "retry", "continue"]},
        "`skip`: what depends on it is skipped. `fail_run`: the run ends. `retry`: it is tried again. `continue`: "
        "`output` counts as its output.", default="skip"),
    Key("attempts", {"type": "integer", "minimum": 1, "maximum": 100, "title": "a whole number from 1 to 100"},
        "All tries, the first included; required for `retry`."),
    Key("backoff", {"enum": ["exponential", "linear", "fixed"]}, "How the pause grows.", default="exponential"),
    Key("base_ms", MILLISECONDS, "The first pause.", default=1000),
    Key("max_ms", MILLISECONDS, "The longest pause.", default=60000),
    Key("jitter", BOOLEAN, "Whether pauses vary at random.", default=True),
    Key("retry_on", STRINGS, "Names of the errors that are tried again (default: all but deterministic faults).",
        default=[]),
    Key("then", {"enum": ["skip", "fail_run", "continue"]}, "What follows the last try.", default="skip"),
    Key("output", level_ref("output"), "What counts as the node's output; required for `continue`."),
), short="policy")

OUTPUT = Level("output", "'output'", "The output that stands in for a failed node's.", (
    Key("state_delta", MAPPING, "Writes by field.", default={}),
    Key("edge_output", {}, "What successors see as `$inputs.<node>`."),
))

PIPELINE = Level("pipeline", "a pipeline", "Items stream through stages without a barrier.", (
    Key("id", NAME, "Its name, unique among nodes, pipelines and loops.", required=True),
    Key("items", LIST_SOURCE, "The list, resolved when the pipeline starts.", required=True),
    Key("stages", {"type": "array", "minItems": 1, "items": STRING, "title": "a list of at least one node id"},
        "The nodes that each item passes, in order.", required=True),
    Key("concurrency", POSITIVE, "How many items are under way at once (default: `runtime.concurrency`)."),
    Key("on_item_error", ON_ITEM_ERROR, "Whether a dropped item fails the pipeline in the end.", default="fail"),
    *_UNIT_KEYS,
))

LOOP = Level("loop", "a loop", "A body that repeats; `until`, `max_iters` or `budget` bounds it.", (
    Key("id", NAME, "Its name, unique among nodes, pipelines and loops.", required=True),
    Key("body", {"title": "a node id, or a list of at least one",
                 "anyOf": [STRING, {"type": "array", "minItems": 1, "items": STRING}]},
        "The nodes that repeat, in order.", required=True),
    Key("until", EXPRESSION, "Ends the loop when it is true after an iteration."),
    Key("max_iters", POSITIVE, "The most iterations."),
    Key("budget", {"title": "a budget such as {tokens: 50000}", "anyOf": [level_ref("budget"), POSITIVE]},
        "What it may spend; a bare number means tokens."),
    Key("on_exhausted", {"enum": ["continue", "fail"]}, "What reaching a bound without `until` means.",
        default="continue"),
    *_UNIT_KEYS,
))

GRAPH_LEVELS = (GRAPH, NODE, EDGE, FOR_EACH, ON_ERROR, OUTPUT, PIPELINE, LOOP)
