"""What the reader says about each fault: code, line, column, sentence and hint, as a user reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oe.errors import SpecError
from oe.lang.yaml import read_yaml

FOLDER = Path(__file__).parent / "messages"
PRODUCT = Path(__file__).parents[3] / "oe" / "lang"
TEXTS = sorted(FOLDER.glob("*.yaml"))


def said(path: Path) -> str:
    """All problems of a text, or its warnings where it is read, one a line."""
    try:
        problems = read_yaml(path.read_bytes(), path.name).warnings
    except SpecError as error:
        problems = error.problems
    return "".join(f"{problem}\n" for problem in problems)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_message(path: Path) -> None:
    assert said(path) == path.with_suffix(".out").read_text(encoding="utf-8")


def test_every_code_has_a_text() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (PRODUCT / "yaml").glob("*.py"))
    codes = set(re.findall(r'"(yaml-[a-z-]+)"', sources)) | {"yaml-control-character", "yaml-encoding"}
    shown = set(re.findall(r"\[(yaml-[a-z-]+)\]", "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.out"))))
    assert shown == codes


def test_messages_are_sentences_in_lower_case_without_a_full_stop() -> None:
    for path in FOLDER.glob("*.out"):
        for line in path.read_text(encoding="utf-8").splitlines():
            message = line.split("]: ", 1)[1]
            assert not message.endswith("."), line
            assert not message[0].isupper(), line


if __name__ == "__main__":
    for text in TEXTS:
        text.with_suffix(".out").write_text(said(text), encoding="utf-8")
