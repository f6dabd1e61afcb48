"""Golden tables: what every line of expressions, value templates and text templates gives, or the fault it is told.

`GOLDEN=write` rewrites the `.out` files; read the difference before keeping it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oe.errors import OeError
from oe.lang.errors import LangError
from oe.lang.expression import parse_expression
from oe.lang.scope import Scope
from oe.lang.template import compile_text, compile_value, text_problems, value_problems
from oe.values import Json, compact

HERE = Path(__file__).parent
STATE: dict[str, Json] = {
    "n": 3, "t": "text", "flag": True, "z": None, "list": [1, 2, 4], "empty": [], "big": 10**900,
    "obj": {"odd key": [5], "a": {"b": 1}}, "pattern": "(", "long": "a" * 30_000}
SCOPE = Scope(state=STATE, args={"x": "arg"}, inputs={"fetch-diff": {"x": 1}}, item={"key": "v"}, index=2, iteration=4)


def expression(line: str) -> str:
    return compact(parse_expression(line).evaluate(SCOPE))


def value(line: str) -> str:
    return compact(compile_value(json.loads(line)).resolve(SCOPE))


def text(line: str) -> str:
    return compact(compile_text(json.loads(line)).render(SCOPE))


def no_further(line: str) -> list[LangError]:
    return []


def outcome(line: str, read: Callable[[str], str], problems: Callable[[str], list[LangError]]) -> str:
    try:
        return f"  = {read(line)}\n"
    except LangError as first:
        return "".join(map(shown, problems(line) or [first]))
    except OeError as error:
        return shown(error)


def shown(error: OeError) -> str:
    place = f" at {error.offset}" if isinstance(error, LangError) else ""
    path = f" in {list(error.path)}" if isinstance(error, LangError) and error.path else ""
    hint = f"    hint: {error.hint}\n" if error.hint else ""
    return f"  ! [{error.code}]{place}{path}: {error.message}\n{hint}"


@pytest.mark.parametrize(("name", "read", "problems"), [
    ("expressions", expression, no_further),
    ("templates", value, lambda line: value_problems(json.loads(line))),
    ("texts", text, lambda line: text_problems(json.loads(line))),
])
def test_every_line_gives_what_the_table_says(name: str, read: Callable[[str], str],
                                              problems: Callable[[str], list[LangError]]) -> None:
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = "".join(f"{line}\n" if line.startswith("# ") else f"{line}\n{outcome(line, read, problems)}" for line in lines)
    golden = HERE / f"{name}.out"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_messages_are_lower_case_and_without_full_stop() -> None:
    for name in ("expressions", "templates", "texts"):
        for line in (HERE / f"{name}.out").read_text(encoding="utf-8").splitlines():
            if line.startswith("  ! "):
                message = line.partition(": ")[2]
                assert message[0] == message[0].lower(), line
                assert not message.endswith("."), line
