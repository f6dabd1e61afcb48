"""docs/reference/sql.md: its example gives what the page says, and so do its lists."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

from oe import run_experience
from oe.kinds import databases, sql
from tests.support.pages import Page

PAGE = Page("sql.md")


def test_the_example_gives_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "experience.yaml").write_text(PAGE.blocks("yaml")[0].text, encoding="utf-8")
    (tmp_path / "low.sql").write_text(PAGE.blocks("sql")[0].text, encoding="utf-8")
    with contextlib.closing(sqlite3.connect(tmp_path / "stock.sqlite")) as database:
        database.executescript("CREATE TABLE parts (name, pieces); INSERT INTO parts VALUES ('bolt', 3), ('nut', 80); "
                               "CREATE TABLE orders (part TEXT UNIQUE, pieces)")
    expected = json.loads(PAGE.blocks("json")[0].text)
    assert asyncio.run(run_experience(tmp_path)).state == expected
    assert asyncio.run(run_experience(tmp_path)).state == {**expected, "booked": {"changes": 0}}


def test_the_words_that_change_are_those_that_validation_knows() -> None:
    said = PAGE.section("What a statement may do").partition("begins with ")[2].partition(".\n")[0]
    assert {word for word in said.split("`") if word.isupper()} == sql._CHANGING


def test_the_bounds_are_those_of_the_program() -> None:
    assert (databases.BUSY_SECONDS, databases.MOST_BYTES) == (5, 256 * 1024 * 1024)
    assert "waits five seconds" in PAGE.text and "256 MiB" in PAGE.text
