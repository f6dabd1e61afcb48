"""Checks the licence: allowed, its text present, and every source file marked with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_HEADER_BYTES = 2000
_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
_PHRASES = {
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "Apache-2.0": "Apache License Version 2.0, January 2004",
    "BSD-2-Clause": "Redistributions of source code must retain the above copyright notice",
    "BSD-3-Clause": "Neither the name of the copyright holder nor the names of its contributors",
    "ISC": "Permission to use, copy, modify, and/or distribute this software for any purpose",
    "MPL-2.0": "Mozilla Public License Version 2.0",
}
"""What the text of each licence contains, by SPDX name."""


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `licence`."""
    package = inputs["_state"]["package"]
    folder = Path(ctx.folder, inputs["package"])
    licence = package["licence"]
    problems = [] if licence in inputs["allowed"] else [f"the licence '{licence}' is not one of the allowed ones"]
    problems += check_text(folder, licence)
    problems += check_headers(folder, package["sources"], licence)
    facts = [f"{licence}, source files: {len(package['sources'])}"]
    return {"licence": {"facts": facts, "problems": problems}}


def check_text(folder: Path, licence: str) -> list[str]:
    """Problems of the licence's text."""
    file = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if file is None:
        return ["there is no LICENSE file"]
    words = " ".join(file.read_text(encoding="utf-8").split())
    phrase = _PHRASES.get(licence)
    if phrase is not None and phrase.lower() not in words.lower():
        return [f"{file.name} does not hold the text of {licence}"]
    if "copyright" not in words.lower():
        return [f"{file.name} names no copyright holder"]
    return []


def check_headers(folder: Path, sources: list[str], licence: str) -> list[str]:
    """Problems of the source files' SPDX lines."""
    problems = []
    for source in sources:
        with (folder / source).open(encoding="utf-8") as file:
            found = re.search(r"SPDX-License-Identifier: *(\S+)", file.read(_HEADER_BYTES))
        if found is None:
            problems.append(f"{source} has no SPDX-License-Identifier")
        elif found[1] != licence:
            problems.append(f"{source} is marked '{found[1]}', not '{licence}'")
    return problems
