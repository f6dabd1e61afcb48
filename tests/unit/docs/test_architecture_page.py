"""ARCHITECTURE.md names modules and folders that are there, and all of them; CONTRIBUTING.md the folders of tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAP = [line.split("|")[1] for line in PAGE.partition("## Code map")[2].partition("\n## ")[0].splitlines()
       if line.startswith("| `")]
QUOTED = [word for text in re.findall(r"`([^`]+)`", PAGE) for word in text.split()]
PATHS = sorted({word for word in QUOTED if re.fullmatch(r"[\w/]+(/|\.py|\.sh|\.md)|[a-z]+/[\w/]+", word)})
MADE = frozenset({"__pycache__", "dist"})


def is_there(path: str) -> bool:
    """Paths are meant below `oe/` or from the top; a bare name is a module of the place that its row tells of."""
    if "/" not in path and path.endswith(".py"):
        return bool(list((ROOT / "oe").rglob(path)))
    return any((ROOT / below / path).exists() or (ROOT / below / f"{path}.py").exists() for below in ("oe", "."))


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_named_is_there(path: str) -> None:
    assert is_there(path)


def test_the_map_names_every_module_and_package() -> None:
    named = {word for cell in MAP for text in re.findall(r"`([^`]+)`", cell) for word in text.split()}
    top = {f"{path.name}/" if path.is_dir() else path.name for path in (ROOT / "oe").iterdir()
           if (path.is_dir() and path.name not in MADE) or path.suffix == ".py"}
    assert sorted(top - {"__init__.py", "__main__.py"} - named) == []


def test_the_tables_of_one_line_are_where_they_are_said_to_be() -> None:
    rows = re.findall(r"^\| [^|]+ \| (?:its class|`([\w/]+)/NAME\.py`) \| `([A-Z]+)` in `([\w/.]+)` \|$", CONTRIBUTING,
                      re.MULTILINE)
    assert len(rows) >= 7
    for folder, table, file in rows:
        assert not folder or (ROOT / folder).is_dir()
        assert re.search(rf"^{table}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), (table, file)


def test_the_folders_of_tests_are_those_that_are_named() -> None:
    section = CONTRIBUTING.partition("## Tests")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `tests/(\w+)`", section, re.MULTILINE))
    assert named == {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - MADE


def test_what_is_told_to_be_run_can_be() -> None:
    for file in re.findall(r"(?:^|[ `])(?:sh |python |\./|\.venv/3\.11/bin/pytest )([\w/.]+)", CONTRIBUTING):
        assert (ROOT / file).exists() or file == "oe.py", file


def test_every_page_is_checked_by_a_test_that_is_there() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \|$", CONTRIBUTING.partition("## Documentation")[2].partition("\n## ")[0], re.MULTILINE)
    pages = {page for row in rows for page in re.findall(r"`([\w./-]+\.md)`", row[0])}
    there = {str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))}
    assert pages == there
    tests = [re.findall(r"`(tests/[\w/.]+)`", row[1]) for row in rows if row[0].startswith("`")]
    assert all(tests) and [file for files in tests for file in files if not (ROOT / file).is_file()] == []
