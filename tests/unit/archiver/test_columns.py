"""Code that was sorted by kind comes out of the weave as it went in."""

from __future__ import annotations

import argparse
import asyncio.base_events
import inspect
import marshal
import typing
from types import CodeType, ModuleType
from typing import Any

import pytest

from archiver.columns import INSTRUCTIONS, LINES, TEXT, MarshalReader, Texts, restored, sort_by_kind

MODULES = (argparse, asyncio.base_events, typing)


def code_of(module: ModuleType) -> CodeType:
    return compile(inspect.getsource(module), "m.py", "exec", dont_inherit=True)


def survives(data: bytes) -> bool:
    texts = Texts()
    return restored(sort_by_kind(data, texts), texts.table()) == data


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.__name__))
def test_the_weave_restores_the_code(module: ModuleType) -> None:
    data = marshal.dumps({"m": code_of(module)})
    assert survives(data)


def test_the_columns_hold_every_instruction_and_line_table() -> None:
    code = compile("def f():\n  return [lambda: x for x in 'ab']\nclass C:\n  def g(self): pass\n", "m.py", "exec")
    data = marshal.dumps(code)
    cuts = MarshalReader(data).cuts
    for field, attribute in ((INSTRUCTIONS, "co_code"), (LINES, "co_linetable")):
        found = sorted(marshal.loads(data[start:end]) for start, end, kind in cuts if kind == field)
        assert found == sorted(getattr(each, attribute) for each in all_codes(code))


def all_codes(code: CodeType) -> list[CodeType]:
    return [code, *(inner for each in code.co_consts if isinstance(each, CodeType) for inner in all_codes(each))]


@pytest.mark.parametrize("value", [
    None, True, ..., StopIteration, 0, -2**31, 2**31, -2**100, 1.5, 2j, b"", b"\0" * 300, "", "ascii", "a" * 300, "ä",
    "\U0001f600" * 100, (), (1,) * 300, [1, [2]], {1: {2: 3}}, {4}, frozenset({5}), ("same",) * 3,
], ids=repr)
def test_every_kind_of_constant_is_passed_over(value: Any) -> None:
    assert [cut for cut in MarshalReader(marshal.dumps((value, value))).cuts if cut.field != TEXT] == []


@pytest.mark.parametrize("data", [b"?", b"N?", b"i\0\0\0\0N"])
def test_other_data_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="marshal"):
        MarshalReader(data)


def test_a_mark_that_arises_between_pieces_is_not_chosen() -> None:
    code = b"\xfe\xff" * 8
    data = marshal.dumps(compile("x", "m.py", "exec").replace(co_consts=(code, b"\xff\xff", *map(chr, range(256)))))
    assert survives(data)


def test_one_table_serves_the_code_of_several_versions() -> None:
    texts = Texts()
    one, other = (marshal.dumps({"m": code_of(module)}) for module in MODULES[:2])
    sorted_one = sort_by_kind(one, texts)
    count = len(texts.table())
    again = sort_by_kind(one, texts)
    assert len(texts.table()) == count, "the second version brings no text of its own"
    sorted_other = sort_by_kind(other, texts)
    table = texts.table()
    assert [restored(parts, table) for parts in (sorted_one, again, sorted_other)] == [one, one, other]
