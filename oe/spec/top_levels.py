"""The key tables of everything around the graph: top level, arguments, state, phases, run settings."""

from __future__ import annotations

from oe.spec.keys import Key
from oe.spec.level import (
    ANY_STRING,
    BOOLEAN,
    CACHE,
    DURATION,
    LARGEST,
    POSITIVE,
    STRING,
    Level,
    level_ref,
)

EXPERIENCE = Level("experience", "the top level", "The file itself.", (
    Key("name", {"type": "string", "pattern": "^[^\\x00-\\x1f\\x7f]{1,200}$",
                 "title": "a text of 1 to 200 printable characters"}, "What the experience is called.", required=True),
    Key("version", {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$",
                    "title": "three numbers, such as 1.2.3"}, "Its version.", required=True),
    Key("description", ANY_STRING, "What it is for.", default=""),
    Key("args", {"type": "object", "additionalProperties": level_ref("argument")},
        "Arguments by name. Without this section any arguments are accepted; with it, unknown, missing and ill-typed "
        "ones are refused before anything is created."),
    Key("state", level_ref("state"), "The fields that nodes read and write."),
    Key("formats", {"enum": ["annotation", "strict"]},
        "Whether `format` in the schemas of this file only says what is meant, or is asserted.", default="annotation"),
    Key("phases", {"type": "array", "items": level_ref("phase")}, "Names for groups of nodes, in order."),
    Key("graph", level_ref("graph"), "What runs, and in which order.", required=True),
    Key("runtime", level_ref("runtime"), "How a run is carried out."),
))

ARGUMENT = Level("argument", "an argument", "One argument: a JSON Schema of its value, and these keys.", (
    Key("required", {"title": "true or false (or, for an object, the list of its required properties)",
                     "anyOf": [BOOLEAN, {"type": "array", "items": ANY_STRING}]},
        "Whether a run needs it. A list is the JSON Schema keyword.", default=False),
    Key("default", {}, "Its value where a run does not give one."),
    Key("secret", BOOLEAN, "Never stored or shown; given again on resume.", default=False),
))

STATE = Level("state", "'state'", "The state of a run.", (
    Key("schema", {"type": "object", "additionalProperties": level_ref("field")}, "Fields by name.", required=True),
    Key("persist", BOOLEAN, "Whether fields outlive a run unless they say otherwise.", default=False),
    Key("store", ANY_STRING, "The original's path of the database.",
        accepted="'store' does not move the database here; use --data-dir or OE_DATA_DIR"),
))

FIELD = Level("field", "a state field", "One field: a JSON Schema of its value, and these keys.", (
    Key("merge", {"enum": ["last_wins", "array_append", "set_once"]},
        "What several writes come to: the last one, all items in order, or the first one for good.",
        default="last_wins"),
    Key("persist", BOOLEAN, "Whether the field outlives a successful run (default: `state.persist`).", default=False),
    Key("default", {}, "Its value before the first write."),
))

PHASE = Level("phase", "a phase", "A group of nodes, for display.", (
    Key("id", STRING, "What `phase` of a node names.", required=True),
    Key("title", ANY_STRING, "How it is shown (default: its id)."),
), short="id")

RUNTIME = Level("runtime", "'runtime'", "How a run is carried out.", (
    Key("concurrency", POSITIVE, "How many units run at once.", default=1),
    Key("max_in_flight", POSITIVE, "How many attempts run at once, items of fan-outs included.", default=256),
    Key("timeout", DURATION, "A deadline for the run, which fails when it passes."),
    Key("cleanup_timeout", DURATION, "How long `join: always` units may take after a run was stopped.", default="30s"),
    Key("llm", level_ref("llm"), "The model for nodes that name none."),
    Key("budget", level_ref("budget"), "What a run may spend."),
    Key("cache", CACHE, "Whether outputs are cached, for nodes that do not say."),
    Key("durability", {"enum": ["process", "power"]},
        "What a commit survives: a crash of the process, or a power cut.", default="process"),
))

LLM = Level("llm", "'llm'", "Which model answers, and how it is called.", (
    Key("provider", STRING, "`anthropic`, `openai` (any compatible server) or `replay`."),
    Key("model", STRING, "The model's name at the provider."),
    Key("base_url", STRING, "The server's address; with `/v1` for `openai`, without for `anthropic`."),
    Key("api_version", STRING, "The value of the provider's API version header."),
    Key("max_tokens", POSITIVE, "The longest answer in tokens."),
    Key("temperature", {"type": "number", "minimum": 0, "maximum": 2, "title": "a number from 0 to 2"},
        "How freely it answers."),
    Key("idle_timeout", DURATION, "How long a stream may be silent.", default="60s"),
    Key("tries", POSITIVE, "How often a call is tried when the provider fails.", default=5),
    Key("concurrency", POSITIVE, "How many calls run at once."),
), short="provider")

BUDGET = Level("budget", "a budget", "Hard limits, reserved before each call.", (
    Key("usd", {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST,
                "title": "a positive number of US dollars"}, "Cost."),
    Key("tokens", POSITIVE, "Tokens in and out together."),
    Key("calls", POSITIVE, "Calls of models and agents."),
))

CACHE_LEVEL = Level("cache", "'cache'", "For how long a cached output counts.", (
    Key("ttl", DURATION, "How old a cached output may be.", required=True),
))

TOP_LEVELS = (EXPERIENCE, ARGUMENT, STATE, FIELD, PHASE, RUNTIME, LLM, BUDGET, CACHE_LEVEL)
