"""Classes that the archive's builder writes out behave as those of the source."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from archiver.reduce import reduce_modules

SOURCE = '''
from __future__ import annotations
from typing import NamedTuple, Protocol
UNIT = "s"
class Span(NamedTuple):
    """From here to there."""
    start: int
    end: int = 9
    unit: str = UNIT
    @property
    def length(self) -> int:
        return self.end - self.start
    @classmethod
    def of(cls, text: str) -> Span:
        return cls(*map(int, text.split()))
class Nothing(NamedTuple):
    """Of no fields."""
class Sized(Protocol):
    """Has a size."""
    size: int
class Long(Sized, Protocol):
    """A protocol on another one."""
class Box(Long):
    size = 3
'''
FORMS = ("source", "written out")


def names_of(form: str) -> dict[str, Any]:
    tree = SOURCE if form == "source" else reduce_modules({"m": SOURCE.encode()})["m"]
    names: dict[str, Any] = {"__name__": "m"}
    exec(compile(tree, "m.py", "exec", dont_inherit=True), names)
    return names


@pytest.mark.parametrize("form", FORMS)
def test_a_named_tuple_is_made_compared_and_shown(form: str) -> None:
    span = names_of(form)["Span"]
    made = span(1, unit="m")
    assert (made, repr(made), made.length) == ((1, 9, "m"), "Span(start=1, end=9, unit='m')", 8)
    assert (span.of("2 5"), span._make([1, 2, "x"]), copy.copy(made)) == ((2, 5, "s"), (1, 2, "x"), made)
    assert type(span.of("2 5")) is type(copy.copy(made)) is type(made._replace(end=2)) is span
    assert (made._replace(end=2), made._asdict()) == ((1, 2, "m"), {"start": 1, "end": 9, "unit": "m"})
    assert (span._fields, span._field_defaults) == (("start", "end", "unit"), {"end": 9, "unit": "s"})
    assert (names_of(form)["Nothing"](), names_of(form)["Nothing"]._field_defaults) == ((), {})
    match made:
        case span(start, 9):
            assert start == 1
        case _:
            pytest.fail("its fields have no places in a pattern")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("misuse", [
    lambda span: span(), lambda span: span(1, 2, "m", 4), lambda span: span(1, other=2), lambda span: span._make([1]),
    lambda span: span(1)._replace(other=2), lambda span: setattr(span(1), "start", 2),
    lambda span: setattr(span(1), "other", 2),
])
def test_what_a_named_tuple_refuses_stays_refused(form: str, misuse: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        misuse(names_of(form)["Span"])


def test_a_protocol_costs_no_more_than_a_class() -> None:
    names = names_of("written out")
    assert type(names["Sized"]) is type
    assert names["Box"].__mro__ == (names["Box"], names["Long"], names["Sized"], object)


def test_a_class_that_is_more_than_a_named_tuple_stays() -> None:
    source = b"import typing\nfrom typing import NamedTuple as N, Protocol\nclass A(N): a: int\nclass B(typing.NamedTuple): b: int\n" \
        b"@typing.runtime_checkable\nclass C(Protocol): ...\n"
    names: dict[str, Any] = {"__name__": "m"}
    exec(compile(reduce_modules({"m": source})["m"], "m.py", "exec"), names)
    assert [names[name](1)._asdict() for name in "AB"] == [{"a": 1}, {"b": 1}]
    assert isinstance(3, names["C"])


def test_typing_is_not_imported_for_named_tuples_alone() -> None:
    tree = reduce_modules({"m": b"from typing import NamedTuple\nclass A(NamedTuple):\n    a: int\n"})["m"]
    program = compile(tree, "m.py", "exec")
    names: dict[str, Any] = {"__name__": "m"}
    exec(program, names)
    assert "NamedTuple" not in names
