"""An issue's text from its file."""

from pathlib import Path

HERE = Path(__file__).parent.parent

def run(inputs, ctx):
    return {"issue": (HERE / inputs["file"]).read_text(encoding="utf-8").strip()}
