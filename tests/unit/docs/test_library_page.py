"""docs/reference/library.md shows the public names as they are, and its examples do what they show."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import oe
from tests.support.pages import Page

PAGE = Page("library.md")
SHOWN = [block.text.strip() for block in PAGE.blocks("python")]


def public_members() -> dict[str, Any]:
    """Every public name, and every public method of the classes that programs call."""
    members = {name: getattr(oe, name) for name in oe.__all__}
    for name in ("RunResult", "EventBus"):
        members |= {f"{name}.{key}": value for key, value in vars(members[name]).items()
                    if inspect.isfunction(value) and not key.startswith("_")}
    return members


def signature_of(name: str, thing: Any) -> str:
    """A signature as the page writes it."""
    text = re.sub(r"ForwardRef\('([^']*)'\)", r"\1", str(inspect.signature(thing)))
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)
    if inspect.isclass(thing):
        return f"class {name}{text.removesuffix(' -> None')}"
    return f"{'async ' if inspect.iscoroutinefunction(thing) else ''}def {name}{text}"


def test_the_signatures_are_those_of_the_product() -> None:
    assert sorted(SHOWN) == sorted(signature_of(name, thing) for name, thing in public_members().items())


def test_every_public_name_has_its_section() -> None:
    assert sorted(re.findall(r"^## (\w+)$", PAGE.text, re.MULTILINE)) == sorted(oe.__all__)


def test_the_arguments_of_run_experience_are_those_of_the_table() -> None:
    assert [row[0] for row in PAGE.rows("argument", "meaning")] == list(inspect.signature(oe.run_experience).parameters)


def test_the_attributes_are_those_of_the_table() -> None:
    fields = [*oe.RunResult._fields, *inspect.signature(oe.OeError).parameters]
    assert sorted(row[0] for row in PAGE.rows("attribute", "meaning")) == sorted(fields)
    error = oe.OeError("broken")
    assert (error.message, error.hint, error.code, int(error.exit_code)) == ("broken", None, "error", 1)


def test_the_examples_print_what_they_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello/experience.yaml").write_text(PAGE.blocks("yaml")[0].text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = "".join(block.text for block in PAGE.blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(text, {}, "library.md", "library.md", 0)
    told: list[str] = []
    result = doctest.DocTestRunner().run(test, out=told.append)
    assert result.attempted > 20
    assert result.failed == 0, "".join(told)
