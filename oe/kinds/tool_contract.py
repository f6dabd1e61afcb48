"""What a Python tool may take and give, in one place for tools inside `oe` and for those in a process of their own.

Runs on Python 3.8 and newer with the standard library alone, as it is handed to other interpreters (tool_process).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from types import FunctionType, TracebackType
from typing import Any

DEEPEST = 200
"""Levels of nesting in a result; deeper ones would end in another layer's recursion."""
_LONGEST_INTEGER_BITS = 14_000
_LONG_FORM = ("state_delta", "edge_output", "metrics")
_IMPERATIVE = {"returned": "return", "printed": "print"}
_WHAT_TO_GIVE = "an object of fields to write, {'state_delta': …, 'edge_output': …}, or nothing"
_PRIVATE_NAME = re.compile(r"\boe_tool_\d+\.")
_VARIABLE_POSITIONAL = 0x04

_MENDED_BY = {
    "datetime": "write .isoformat()", "date": "write .isoformat()", "time": "write .isoformat()",
    "timedelta": "write .total_seconds()", "set": "write sorted(…)", "frozenset": "write sorted(…)",
    "bytes": "write .decode()", "bytearray": "write .decode()", "Decimal": "write float(…) or str(…)",
    "UUID": "write str(…)", "PosixPath": "write str(…)", "PurePosixPath": "write str(…)",
    "generator": "write list(…)", "map": "write list(…)", "filter": "write list(…)", "range": "write list(…)",
    "zip": "write list(…)", "dict_keys": "write list(…)", "dict_values": "write list(…)", "dict_items": "write dict(…)",
    "mappingproxy": "write dict(…)", "coroutine": "await it", "ndarray": "write .tolist()", "DataFrame":
    "write .to_dict('records')", "Series": "write .tolist()",
}


_LONGEST_PATH = 120
"""Characters of the way to a part that is no JSON."""


class ToolFault(Exception):
    """The tool does not keep its contract; another attempt would end the same way."""

    def __init__(self, message: str, name: str = "ToolError", hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.hint = hint


class _UnfitError(Exception):
    """A part of a value that is no JSON; `steps` lead to it, the last one first."""

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.steps: list[object] = []


def plain(value: object, where: str = "the result") -> Any:
    """The value as JSON of its own: tuples become lists, subclasses their plain types. Raises ToolFault that names the
    part which is no JSON."""
    try:
        return _plain(value, 0)
    except _UnfitError as unfit:
        path = "".join(_step(step) for step in reversed(unfit.steps)).lstrip(".")
        if len(path) > _LONGEST_PATH:  # a message that is cut where it is shown would lose what is wrong
            path = f"{path[:_LONGEST_PATH]}…"
        raise ToolFault(f"{where}{' at ' + repr(path) if path else ''} {unfit.what}", "TypeError", unfit.hint) from None


def _plain(value: Any, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind is int:
        return value if -(2**63) < value < 2**63 else _integer(value)
    if kind is float:
        return _number(value)
    if depth > DEEPEST:
        raise _UnfitError(f"is nested deeper than {DEEPEST} levels, or holds itself")
    if isinstance(value, dict):
        return _mapping(value, depth)
    if isinstance(value, (list, tuple)):
        return _sequence(value, depth)
    return _subclass(value)


def _mapping(value: dict[object, object], depth: int) -> dict[str, Any]:
    result = {}
    for key, part in value.items():
        if not isinstance(key, str):
            raise _UnfitError(f"has the key {str(key)[:40]!r} of type {type(key).__name__}; JSON keys are strings",
                              "write str(key)")
        try:
            result[_text(str.__str__(key))] = _plain(part, depth + 1)
        except _UnfitError as unfit:
            unfit.steps.append(key)
            raise
    return result


def _sequence(value: Any, depth: int) -> list[Any]:
    result: list[Any] = []
    for part in value:
        try:
            result.append(_plain(part, depth + 1))
        except _UnfitError as unfit:
            unfit.steps.append(len(result))
            raise
    return result


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _UnfitError(f"holds a lone surrogate at character {error.start}, which no file can hold",
                          "decode bytes with errors='replace'") from None
    return value


def _integer(value: int) -> int:
    if value.bit_length() > _LONGEST_INTEGER_BITS:
        raise _UnfitError(f"is an integer of {value.bit_length()} bits", "write it as text")
    return value


def _number(value: float) -> float:
    if not isfinite(value):
        raise _UnfitError(f"is {value}, which JSON does not know", "write None")
    return value


def _subclass(value: Any) -> Any:
    if isinstance(value, str):
        return _text(str.__str__(value))
    if isinstance(value, int):
        return _integer(int.__int__(value))
    if isinstance(value, float):
        return _number(float.__float__(value))
    name = type(value).__name__
    hint = _MENDED_BY.get(name)
    if hint is None and hasattr(type(value), "__dataclass_fields__"):
        hint = "write dataclasses.asdict(…)"
    elif hint is None and hasattr(type(value), "item"):
        hint = "write .item()"
    raise _UnfitError(f"is a {name}, which is no JSON", hint)


def _step(step: object) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    name = str(step)
    return f".{name}" if name.isidentifier() else f"[{name[:60]!r}]"


def read_result(value: object, verb: str = "returned") -> dict[str, Any]:
    """What a tool gave, as its long form: `state_delta` always, `edge_output` and `metrics` where they are given."""
    if value is None:
        return {"state_delta": {}}
    if not isinstance(value, dict):
        kind = type(value).__name__
        hint = _MENDED_BY[kind] if kind == "coroutine" else f"{_IMPERATIVE[verb]} {_WHAT_TO_GIVE}"
        raise ToolFault(f"the tool {verb} {'an' if kind[0] in 'aeiou' else 'a'} {kind}", "TypeError", hint)
    if "state_delta" not in value and "edge_output" not in value:
        return {"state_delta": plain(value)}
    unknown = [str(key) for key in value if key not in _LONG_FORM]
    if unknown:
        raise ToolFault(f"the tool {verb} '{unknown[0][:60]}' beside 'state_delta' or 'edge_output'", "TypeError",
                        "the long form has state_delta, edge_output and metrics only")
    result: dict[str, Any] = plain(value)
    for key in ("state_delta", "metrics"):
        if result.get(key, {}) is None:
            del result[key]
        if not isinstance(result.setdefault(key, {}), dict):
            raise ToolFault(f"'{key}' is a {type(result[key]).__name__}, not a dict", "TypeError")
    for name, metric in result["metrics"].items():
        if isinstance(metric, (dict, list)):
            raise ToolFault(f"the metric '{name[:60]}' is a {type(metric).__name__}", "TypeError",
                            "metrics are numbers and short texts")
    return result


def count_arguments(function: Callable[..., Any], shown: str) -> int:
    """How many of (inputs, ctx) the function takes: 0, 1 or 2."""
    required, most = _positional(function, shown)
    if required > 2:
        raise ToolFault(f"'{shown}' wants {required} arguments; a tool gets inputs and ctx", "TypeError",
                        "write def run(inputs, ctx)")
    return min(most, 2)


def _positional(function: Callable[..., Any], shown: str) -> tuple[int, int]:
    """The least and the most positional arguments."""
    if type(function) is FunctionType and not hasattr(function, "__wrapped__"):
        code = function.__code__
        if code.co_kwonlyargcount == 0:
            most = code.co_argcount
            required = most - len(function.__defaults__ or ())
            return required, 2 if code.co_flags & _VARIABLE_POSITIONAL else most
    import inspect

    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return 0, 2
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise ToolFault(f"'{shown}' wants the keyword '{parameter.name}'; a tool gets inputs and ctx by position",
                            "TypeError", "write def run(inputs, ctx)")
    by_position = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    required = sum(each.default is each.empty for each in by_position)
    return required, 2 if any(each.kind is each.VAR_POSITIONAL for each in parameters) else len(by_position)


def find_function(module: Any, name: str, shown: str) -> Callable[..., Any]:
    """The function of a loaded module."""
    found = getattr(module, name, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    if found is not None:
        raise ToolFault(f"'{name}' in {shown} is a {type(found).__name__}, not a function", "TypeError")
    names = [each for each, value in vars(module).items() if isinstance(value, FunctionType) and each[0] != "_"]
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1)
    listed = ", ".join(f"'{each}'" for each in names[:8])
    hint = f"did you mean '{near[0]}'?" if near else f"it has {listed}" if names else f"write def {name}(inputs, ctx)"
    raise ToolFault(f"{shown} has no function '{name}'", "AttributeError", hint)


def describe(error: BaseException, folder: str) -> tuple[str, str, str]:
    """The error's class name, its sentence with the place inside `folder`, and its traceback from there on."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as worse:
        text = f"(its text cannot be had: {type(worse).__name__})"
    if isinstance(error, SyntaxError) and error.filename:
        text = error.msg
        place: str | None = f"{_relative(error.filename, folder)}:{error.lineno}:{error.offset or 1}"
    else:
        place = _place(error.__traceback__, folder)
    sentence = (f"{name}: {text}" if text else name) + (f" ({place})" if place else "")
    return name, _PRIVATE_NAME.sub("", sentence), _PRIVATE_NAME.sub("", _traceback(error, folder))


def _place(trace: TracebackType | None, folder: str) -> str | None:
    """The innermost line that belongs to the experience."""
    place = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(folder):
            place = f"{_relative(file, folder)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _relative(file: str, folder: str) -> str:
    return file[len(folder):].lstrip("/") if file.startswith(folder) else file


def _traceback(error: BaseException, folder: str) -> str:
    import traceback

    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(folder):
        trace = trace.tb_next
    try:
        return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))
    except Exception:
        return f"{type(error).__name__} (its traceback cannot be written)\n"
