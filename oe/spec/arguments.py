"""The arguments of a run: what was given, against what the experience declares (docs/reference/spec.md, args)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from oe.errors import UsageError
from oe.lang.schema import Schema, compile_schema
from oe.lang.scope import Missing
from oe.redact import SHORTEST_SECRET, Redactor
from oe.spec.model import Argument, Experience
from oe.text import did_you_mean
from oe.values import Json, compact, unfit_numbers

_MOST_FAULTS = 5
"""Told of one argument."""


def bind_arguments(experience: Experience, given: dict[str, Json], load: Callable[[str], Json]) -> dict[str, Json]:
    """The complete arguments: given ones checked against their declarations, defaults filled in.

    Undeclared section: whatever JSON is given. Raises UsageError that lists everything that is wrong.
    """
    unfit = [fault for name, value in given.items() for fault in _unfit(name, value)]
    if unfit:
        raise UsageError("\n".join(unfit), code="invalid-arguments")
    declared = experience.arguments
    if declared is None:
        return dict(given)
    faults = [_unknown(name, list(declared)) for name in given if name not in declared]
    bound: dict[str, Json] = {}
    for argument in declared.values():
        if argument.name in given:
            bound[argument.name] = given[argument.name]
            faults += _faults(argument, given[argument.name], partial(
                compile_schema, argument.schema, load=load, strict_formats=experience.strict_formats))
        elif not isinstance(argument.default, Missing):
            bound[argument.name] = argument.default
        elif argument.required:
            value = "env:NAME or file:PATH" if argument.secret else "VALUE"
            faults.append(f"missing argument '{argument.name}': pass --arg {argument.name}={value}")
    if faults:
        raise UsageError("\n".join(faults), code="invalid-arguments")
    return bound


def secret_arguments(experience: Experience) -> list[str]:
    """Names of the arguments whose values are stored and shown nowhere."""
    return [argument.name for argument in (experience.arguments or {}).values() if argument.secret]


def expect_no_secrets(experience: Experience, args: Mapping[str, Json], redactor: Redactor) -> None:
    """Raises UsageError where an argument that is stored as it is holds a secret: one of another argument, or the value
    of a known key variable."""
    secret = secret_arguments(experience)
    for name, value in args.items():
        if redactor and name not in secret and redactor.finds(compact(value)):
            raise UsageError(f"argument '{name}' holds a secret, which would be stored in plain text",
                             hint=f"declare it under args: {name}: {{type: string, secret: true}}",
                             code="secret-in-argument")


def is_text_argument(experience: Experience, name: str) -> bool:
    """Whether `--arg name=v` is taken as text as it stands, rather than as JSON where it parses."""
    argument = (experience.arguments or {}).get(name)
    return argument is not None and isinstance(argument.schema, dict) and argument.schema.get("type") == "string"


def _unfit(name: str, value: Json) -> Iterator[str]:
    """Why a value is no JSON, if it is none: callers of the library may give anything."""
    try:
        (name + compact(value)).encode()
    except UnicodeEncodeError:
        yield f"argument '{name}' is no text: bytes that are not UTF-8, or half a character (a lone surrogate)"
    except RecursionError:
        yield f"argument '{name}' is nested too deeply, or holds itself"
    except TypeError as error:
        yield f"argument '{name}' is no JSON value: {error}"
    except ValueError as error:
        paths = list(unfit_numbers(value))
        for path in paths[:_MOST_FAULTS]:
            yield f"argument '{name}'{_path(path)} is infinite or no number: numbers are finite"
        if not paths:
            yield f"argument '{name}' is no JSON value: {error}"


def _unknown(name: str, declared: list[str]) -> str:
    hint = did_you_mean(name, declared)
    legal = f"declared are: {', '.join(declared)}" if declared else "the experience declares none"
    return f"unknown argument '{name}': {hint or legal}"


def _faults(argument: Argument, value: Json, compiled: Callable[[], Schema]) -> list[str]:
    if argument.secret and (not isinstance(value, str) or len(value) < SHORTEST_SECRET):
        return [f"secret argument '{argument.name}' must be text of at least {SHORTEST_SECRET} characters"]
    violations = compiled().violations(value, limit=_MOST_FAULTS)
    if argument.secret:  # a message may quote the value, or a part of it
        return [f"secret argument '{argument.name}' is not what its '{each.keyword}' asks for" for each in violations]
    return [f"argument '{argument.name}'{_path(violation.path)}: {violation.message}" for violation in violations]


def _path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
