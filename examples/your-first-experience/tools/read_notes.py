"""Notes from a text file, one a line."""

from pathlib import Path

HERE = Path(__file__).parent.parent

def run(inputs, ctx):
    lines = (HERE / inputs["file"]).read_text(encoding="utf-8").splitlines()
    return {"notes": [line.strip() for line in lines if line.strip()]}
