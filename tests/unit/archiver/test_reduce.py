"""Reduced modules do what the source says, at its line numbers."""

from __future__ import annotations

import sys
import traceback
from types import CodeType, ModuleType
from typing import Any

import pytest

from archiver.reduce import reduce_modules

HEAD = "from __future__ import annotations\n"


def run_reduced(source: str) -> dict[str, Any]:
    module = ModuleType("reduced")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "reduced", module)  # where a dataclass looks
        exec(compile_reduced(source), vars(module))
    return vars(module)


def compile_reduced(source: str) -> CodeType:
    return compile(reduce_modules({"reduced": source.encode()})["reduced"], "reduced.py", "exec", dont_inherit=True)


def imported(source: str, **others: str) -> set[str]:
    """The names that module `reduced` still imports, beside other modules of the program."""
    sources = {name: text.encode() for name, text in ({"reduced": source} | others).items()}
    tree = reduce_modules(sources)["reduced"]
    return {alias.asname or alias.name for node in tree.body for alias in getattr(node, "names", [])}


def test_a_named_tuple_keeps_fields_and_defaults() -> None:
    made = run_reduced(HEAD + '''
from typing import NamedTuple
class Point(NamedTuple):
    """A place."""
    x: no.such.type
    y: "nor this" = 2
    @property
    def sum(self) -> "neither": return self.x + self.y
''')["Point"]
    assert (made(1).sum, repr(made(1)), made._field_defaults) == (3, "Point(x=1, y=2)", {"y": 2})


def test_a_dataclass_keeps_what_its_types_tell() -> None:
    made = run_reduced(HEAD + '''
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import ClassVar
@dataclass(frozen=True, slots=True)
class Box:
    """Its docstring spares the making of one."""
    count: ClassVar[int] = 0
    size: int
    given: InitVar[int]
    _: KW_ONLY
    names: list[str] = field(default_factory=list)
    def __post_init__(self, given): object.__setattr__(self, "size", given)
''')["Box"]
    assert repr(made(1, 7, names=["a"])) == "Box(size=7, names=['a'])"
    assert made.__doc__ is not None
    with pytest.raises(TypeError):
        made(1, 7, ["a"])


def test_docstrings_and_types_of_functions_and_variables_are_gone() -> None:
    names = run_reduced(HEAD + '''"""module"""
limit: int = 3
unset: int
class Plain:
    """class"""
    def __init__(self, size: int) -> None:
        """method"""
        self.size: int = size
        local: int
def only_documented(a: int, /, b: str = "", *c: int, d: int = 1, **e: int) -> None:
    """function"""
async def waits() -> int:
    """coroutine"""
    return 1
''')
    assert (names["limit"], names["Plain"](4).size, names["only_documented"](1)) == (3, 4, None)
    assert "unset" not in names
    assert not any(names[each].__doc__ or names[each].__annotations__ for each in ("only_documented", "waits"))
    assert names["Plain"].__doc__ is names["Plain"].__init__.__doc__ is None


def test_what_only_type_checkers_read_is_gone_and_its_other_branch_stays() -> None:
    names = run_reduced('''
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import no_such_module
    kind = "checked"
else:
    kind = "run"
def nothing_else():
    if TYPE_CHECKING:
        import no_such_module
''')
    assert (names["kind"], names["nothing_else"]()) == ("run", None)


def test_imports_for_types_alone_are_gone() -> None:
    source = HEAD + "from typing import Any, Final as F\nfrom pathlib import Path\ndef f(a: Any, b: F) -> Path: return Path(a)"
    assert imported(source) == {"Path"}


@pytest.mark.parametrize("other", [
    "from reduced import Any", "import reduced\nreduced.Any", "import reduced\ngetattr(reduced, 'Any')",
], ids=["by import", "as an attribute", "as a text"])
def test_an_import_that_another_module_asks_for_stays(other: str) -> None:
    assert imported("from typing import Any, Final", other=other) == {"Any"}


def test_an_import_is_not_asked_for_because_others_import_the_same() -> None:
    assert imported("from typing import Any", other="from typing import Any\nAny") == set()


def test_line_numbers_are_those_of_the_source() -> None:
    source = HEAD + '"""One\ntwo."""\nfrom typing import Any\ndef f(a: Any) -> Any:\n    """Three."""\n    return 1 / a\n'
    with pytest.raises(ZeroDivisionError) as caught:
        run_reduced(source)["f"](0)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].lineno == source.count("\n")
