"""Makes customers.sqlite of customers.sql, both beside this file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def make(target: Path) -> None:
    """Writes the database anew."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(target)) as database:
        database.executescript((FOLDER / "customers.sql").read_text(encoding="utf-8"))


if __name__ == "__main__":
    make(FOLDER / "customers.sqlite")
