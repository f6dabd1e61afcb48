"""What README.md shows can be drawn anew: `python -m tests.support.capture` finds its runs, tmux and the browser."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

from tests.support import capture


def test_the_dashboard_is_drawn() -> None:
    root = ElementTree.fromstring(capture.dashboard())
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"nodes · following", "waits for measures", "node.finished", "q quit"} <= {(text or "").strip("▸─ ") for text in texts}
    assert {element.tag.partition("}")[2] for element in root.iter()} == {"svg", "rect", "text"}


def test_the_report_is_drawn(tmp_path: Path) -> None:
    capture.report(tmp_path / "report.png")
    data = (tmp_path / "report.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 1080
    assert 1000 < height < 2000
