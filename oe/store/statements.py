"""The SQL texts that ship inside the package, by name. Knows no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import ResourceLoader

_MARK = "-- name: "


def read_sql(name: str) -> str:
    """A SQL file beside this module.

    Asks this module's own loader, which reads from a folder and from the archive alike; `importlib.resources` does the
    same for 9 ms of imports at every start.
    """
    loader = cast("ResourceLoader", globals()["__loader__"])
    return loader.get_data(__file__.removesuffix(__file__.rpartition("/")[2]) + name).decode()


def load_statements(name: str) -> dict[str, str]:
    """The named statements of a file: name -> SQL, without comments and the closing semicolon."""
    statements: dict[str, str] = {}
    for part in read_sql(name).split(_MARK)[1:]:
        title, _, text = part.partition("\n")
        lines = [line for line in text.splitlines() if not line.startswith("--")]
        statements[title.partition(" - ")[0].strip()] = " ".join(" ".join(lines).split()).removesuffix(";")
    return statements
