"""Checks JSON objects against the types of the official clients, in an environment that has them.

Reads lines `{"kind": …, "body": …}` and writes for each `null`, or what is wrong. The clients declare nested lists as
Iterable, which pydantic looks at only when it is walked; they are made lists here, or nothing inside would be checked.
"""

import json
import sys

from pydantic import TypeAdapter, ValidationError
from pydantic._internal import _generate_schema

_generate_schema.GenerateSchema._iterable_schema = (
    lambda self, type_: self._list_schema(self._get_first_arg_or_any(type_)))


def adapter(kind):
    if kind == "openai-request":
        from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming as Type
    elif kind == "openai-chunk":
        from openai.types.chat import ChatCompletionChunk as Type
    elif kind == "anthropic-request":
        from anthropic.types.message_create_params import MessageCreateParamsStreaming as Type
    elif kind == "anthropic-event":
        from anthropic.types import RawMessageStreamEvent as Type
    return TypeAdapter(Type)


adapters = {}
for line in sys.stdin:
    given = json.loads(line)
    if given["kind"] not in adapters:
        adapters[given["kind"]] = adapter(given["kind"])
    try:
        adapters[given["kind"]].validate_python(given["body"], extra="forbid" if given["kind"].endswith("request") else None)
        print("null", flush=True)
    except ValidationError as error:
        first = error.errors()[0]
        print(json.dumps(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"), flush=True)
