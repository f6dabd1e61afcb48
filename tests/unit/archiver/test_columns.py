"""Code that was taken apart and shared between versions comes out of the weave as it went in."""

from __future__ import annotations

import argparse
import asyncio.base_events
import inspect
import marshal
import typing
from types import CodeType, ModuleType
from zlib import compress

import pytest

from archiver.columns import restored, sort_versions
from oe.archive import load_group

MODULES = (argparse, asyncio.base_events, typing)


def code_of(module: ModuleType) -> CodeType:
    return compile(inspect.getsource(module), "m.py", "exec", dont_inherit=True)


def loaded(*versions: dict[str, CodeType]) -> list[dict[str, CodeType]]:
    """What the importer makes of each."""
    shared, parts = sort_versions([{name: marshal.dumps(code) for name, code in each.items()} for each in versions])
    table = compress(marshal.dumps(tuple(shared)))
    return [load_group(compress(marshal.dumps(tuple(part))), table) for part in parts]


def everything(code: CodeType) -> tuple[object, ...]:
    """What two equal code objects may differ in, and what makes them equal."""
    inner = [everything(each) for each in code.co_consts if isinstance(each, CodeType)]
    others = [(type(each), each) for each in code.co_consts if not isinstance(each, CodeType)]
    return (code, code.co_filename, code.co_qualname, code.co_firstlineno, code.co_flags, code.co_stacksize, others,
            code.co_varnames, code.co_cellvars, code.co_freevars, list(code.co_lines()), code.co_exceptiontable, inner)


def test_the_weave_restores_the_code() -> None:
    codes = {module.__name__: code_of(module) for module in MODULES}
    again, = loaded(codes)
    assert {name: everything(code) for name, code in again.items()} == {
        name: everything(code) for name, code in codes.items()}


def test_versions_that_differ_come_out_each_as_its_own() -> None:
    one, other = ({"m": code_of(module)} for module in MODULES[:2])
    more = one | {"n": code_of(typing)}
    assert loaded(one, other, more) == [one, other, more]


def test_a_version_that_differs_in_instructions_alone_brings_nothing_to_the_table() -> None:
    code = code_of(argparse)
    stretched = code.replace(co_code=code.co_code + code.co_code[-2:], co_stacksize=code.co_stacksize + 1)
    one, both = (sort_versions([{"m": marshal.dumps(each)} for each in codes])[0]
                 for codes in ([code], [code, stretched]))
    assert both == one


def test_what_occurs_often_is_written_once() -> None:
    code = compile("\n".join(f"def f{n}(lengthy): return lengthy.lengthy" for n in range(20)), "m.py", "exec")
    shared, _ = sort_versions([{"m": marshal.dumps(code)}])
    assert shared.pieces.count(b"lengthy") == 1


@pytest.mark.parametrize("value", [
    None, True, ..., 0, -2**31, 2**31, -2**100, 1.5, 2j, b"", b"\0" * 300, "", "ascii", "a" * 300, "ä", "\ud800",
    "\U0001f600" * 100, (), (1,) * 300, frozenset({5}), ("same", ("same", b"same")) * 3, (0.0, 0, False),
], ids=repr)
def test_every_kind_of_constant_survives(value: object) -> None:
    code = compile("x", "m.py", "exec")
    assert everything(loaded({"m": code.replace(co_consts=(value, (value,)))})[0]["m"]) == everything(
        code.replace(co_consts=(value, (value,))))


@pytest.mark.parametrize("data", [b"?", b"N?", b"i\0\0\0\0N", b"[\0\0\0\0"])
def test_other_data_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="marshal"):
        sort_versions([{"m": data}])


def test_a_mark_that_arises_between_pieces_is_not_chosen() -> None:
    code = compile("x", "m.py", "exec")
    data = b"\xfe\xff" * 8
    odd = code.replace(co_consts=(data, b"\xff\xff", *map(chr, range(256))), co_stacksize=0xFEFF)
    versions = [{"m": marshal.dumps(odd)}]
    shared, parts = sort_versions(versions)
    assert marshal.loads(restored(parts[0], shared))[1] == {"m": odd}
