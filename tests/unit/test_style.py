"""Rules of style that no linter knows: lengths, where SQL lives, what a file may not contain. Each failure says why."""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 5
SQL = re.compile(r"\s*(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+"
                 r"(TABLE|INDEX|UNIQUE)|ALTER\s+TABLE|DROP\s+TABLE|WITH\s+\w+\s+AS)\b", re.DOTALL)
GRAB_BAGS = frozenset({"utils", "util", "common", "helpers", "helper", "misc", "shared", "core", "base", "lib", "tools"})
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
BANNER = re.compile(r"#\s*[-=#*]{4,}")
Finding = tuple[int, str]


def overlong(tree: ast.Module, text: str) -> Iterator[Finding]:
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield 1, f"file of {lines} lines, at most {LONGEST_FILE}: it holds more than one concept"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield node.lineno, f"'{node.name}' has {length} lines, at most {LONGEST_FUNCTION}: split it by its steps"


def too_many_parameters(tree: ast.Module, text: str) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            given = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
            count = len(given) - (given[:1] in (["self"], ["cls"]))
            if count > MOST_PARAMETERS:
                yield node.lineno, (f"'{node.name}' takes {count} positional parameters, at most {MOST_PARAMETERS}: "
                                    "what belongs together is a value of its own")


def undocumented(tree: ast.Module, text: str) -> Iterator[Finding]:
    if tree.body and ast.get_docstring(tree) is None:
        yield 1, "no module docstring: a sentence must say what the file is and what it must not know"


def sql_in_python(tree: ast.Module, text: str) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            yield node.lineno, "SQL in Python: it lives in .sql files, named and described"


def reads_docstrings(tree: ast.Module, text: str) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and getattr(node, "attr", getattr(node, "id", "")) == "__doc__":
            yield node.lineno, "'__doc__' is read: the archive's bytecode has no docstrings"


def postponed(tree: ast.Module, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if LATER.search(line) or BANNER.search(line):
            yield number, "a note for later or a banner: do it, or put it where work is planned"
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplemented" in ast.unparse(node.exc):
            yield node.lineno, "a stub: what is there must work"


def knows_tests(tree: ast.Module, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(pytest|unittest|PYTEST_CURRENT_TEST)\b", line):
            yield number, "product code must not know that it is being tested"


def swallows_everything(tree: ast.Module, text: str) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) == "BaseException"):
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            keeps = any(isinstance(inner, ast.Name) and inner.id == node.name for inner in ast.walk(node))
            if not raises and not keeps:
                yield node.lineno, "every exception is swallowed, cancellation and bugs too: name what is expected"


RULES: tuple[Callable[[ast.Module, str], Iterator[Finding]], ...] = (
    overlong, too_many_parameters, undocumented, sql_in_python, reads_docstrings, postponed, knows_tests,
    swallows_everything)
EVERYWHERE = (overlong, undocumented)


def findings(path: Path, rules: tuple[Callable[[ast.Module, str], Iterator[Finding]], ...]) -> list[str]:
    with tokenize.open(path) as file:
        text = file.read()
    tree = ast.parse(text, str(path))
    return [f"{path}:{line}: {what}" for rule in rules for line, what in rule(tree, text)]


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_the_product_keeps_the_rules() -> None:
    found = [finding for path in python_files("oe") for finding in findings(path, RULES)]
    assert not found, "\n".join(found)


def test_tests_and_benchmarks_keep_the_lengths_and_say_what_they_are() -> None:
    found = [finding for path in python_files("tests", "benchmarks") for finding in findings(path, EVERYWHERE)]
    assert not found, "\n".join(found)


def test_no_module_is_a_grab_bag_or_hides_a_standard_one() -> None:
    for path in python_files("oe"):
        assert path.stem not in GRAB_BAGS, f"{path}: a name that says nothing collects everything"
    for path in (ROOT / "oe").glob("*.py"):
        assert path.stem not in sys.stdlib_module_names or path.stem.startswith("__"), f"{path}: named like a standard module"


def test_every_file_of_the_package_is_shipped() -> None:
    patterns = ["*.py", *PROJECT["tool"]["setuptools"]["package-data"]["*"]]
    for path in (ROOT / "oe").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert any(fnmatch.fnmatchcase(path.name, pattern) for pattern in patterns), (
                f"{path} matches no pattern of package-data in pyproject.toml, so no build would hold it")


def test_every_folder_of_the_package_is_a_package() -> None:
    for path in python_files("oe"):
        assert (path.parent / "__init__.py").is_file(), f"{path.parent} has no __init__.py, so a build leaves it out"


def test_the_program_needs_nothing_at_run_time() -> None:
    assert PROJECT["project"]["dependencies"] == []


@pytest.mark.parametrize(("text", "reason"), [
    ('"""A."""\n' + "x = 1\n" * LONGEST_FILE, "file of 401 lines"),
    ('"""A."""\ndef f():\n' + "    x = 1\n" * LONGEST_FUNCTION, "'f' has 61 lines"),
    ('"""A."""\ndef f(a, b, c, d, e, f): pass\n', "6 positional parameters"),
    ("x = 1\n", "no module docstring"),
    ('"""A."""\nx = """\n  SELECT a\n  FROM b"""\n', "SQL in Python"),
    ('"""A."""\nx = "INSERT OR REPLACE INTO a VALUES (1)"\n', "SQL in Python"),
    ('"""A."""\nx = f.__doc__\n', "'__doc__' is read"),
    ('"""A."""\nx = __doc__\n', "'__doc__' is read"),
    ('"""A."""\nx = 1  # TO' + 'DO: more\n', "a note for later"),
    ('"""A."""\n# ----- part -----\n', "banner"),
    ('"""A."""\ndef f():\n    raise NotImplementedError\n', "a stub"),
    ('"""A."""\nimport sys\nx = "pytest" in sys.modules\n', "being tested"),
    ('"""A."""\ntry:\n    x = 1\nexcept:\n    pass\n', "swallowed"),
])
def test_a_breach_is_found(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "planted.py"
    path.write_text(text)
    assert any(reason in finding for finding in findings(path, RULES)), findings(path, RULES)


def test_good_code_passes(tmp_path: Path) -> None:
    path = tmp_path / "good.py"
    path.write_text('"""A."""\n\n\ndef f(self, a, b, c, d, e):\n    """Select a file from b."""\n    return "create a table"\n')
    assert findings(path, RULES) == []
