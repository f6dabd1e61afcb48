"""docs/reference/dashboard.md names the keys that the dashboard knows."""

from __future__ import annotations

import re

from oe.tui.help import HELP
from oe.tui.view import _KEYS
from tests.support.pages import Page

KEYS = {word for row in Page("dashboard.md").rows("key", "what it does")
        for word in (re.findall(r"`([^`]+)`", row[0]) or [row[0]])}
WORDS = " ".join(row[0] for row in Page("dashboard.md").rows("key", "what it does"))


def test_every_key_that_does_something_is_on_the_page() -> None:
    same = {"=": "+", "escape": "esc", "enter": "enter", "tab": "tab"}
    told = KEYS | set(WORDS.replace(",", " ").split())
    assert sorted(key for key in _KEYS if same.get(key, key) not in told and key != "escape") == []


def test_every_key_of_the_page_is_in_the_help() -> None:
    help_words = set(" ".join(map(" ".join, HELP)).replace(",", " ").split()) | {"?", "h"}
    assert sorted(key for key in KEYS if key not in help_words) == []
