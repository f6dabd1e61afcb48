"""docs/security.md shows a stranger's experience as the program shows it."""

from __future__ import annotations

from pathlib import Path

from tests.support.program import ROOT, Program
from tests.support.sessions import is_as_shown, outputs, steps, with_oe_on_path, write_files

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
STEPS = steps(PAGE)


def test_every_command_prints_what_is_shown(program: Program, tmp_path: Path) -> None:
    place = tmp_path / "place"
    write_files(PAGE, place)
    printed = outputs(PAGE, place, with_oe_on_path(program, tmp_path / "bin"))
    wrong = [f"$ {step.command}\n{text}" for step, text in zip(STEPS, printed, strict=True) if not is_as_shown(step.shown, text)]
    assert wrong == []
    assert not (place / "stranger/.openexpertise").exists()
