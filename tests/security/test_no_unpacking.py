"""Nothing unpacks what others have packed, so no path in an archive can lead anywhere."""

from __future__ import annotations

import re

from tests.support.program import ROOT

_PACKERS = re.compile(r"\b(zipfile|tarfile|unpack_archive|extractall|pickle|shelve)\b")
OWN = {"archive.py"}
"""The importer, which reads its own archive into memory."""


def test_no_module_opens_archives_or_pickles() -> None:
    found = {path.relative_to(ROOT / "oe").as_posix(): names for path in sorted((ROOT / "oe").rglob("*.py"))
             if (names := set(_PACKERS.findall(path.read_text(encoding="utf-8"))))}
    assert set(found) == OWN, found
    assert "extractall" not in found["archive.py"]
