"""Checks JSON output against docs/reference/json.md, whose tables are read as they stand: the page is the contract."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "json.md"
_TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
    "null": type(None)}


@cache
def tables() -> dict[str, dict[str, str]]:
    """Heading -> key -> type, as the page has them."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            key, kind = (cell.strip() for cell in line.split("|")[1:3])
            found.setdefault(heading, {})[key.strip("`")] = kind
    return found


def check_shape(value: Any, heading: str) -> None:
    """Asserts that the object, and what it holds, has exactly the documented keys and types."""
    table = tables()[heading]
    required = {key for key, kind in table.items() if not kind.endswith(", optional")}
    assert required <= value.keys() <= table.keys(), f"{heading}: {sorted(value)}"
    for key, item in value.items():
        kinds = table[key].removesuffix(", optional").split(" or ")
        assert kinds == ["any"] or any(_is(item, kind) for kind in kinds), f"{heading}.{key}: {item!r} is not {kinds}"
        below = f"{heading}.{key}"
        if below in tables():
            for part in item if isinstance(item, list) else [item]:
                check_shape(part, below)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
