"""The change to review. Here it is a file; on a real host this would ask the forge."""

from pathlib import Path

HERE = Path(__file__).parent.parent

def run(inputs, ctx):
    ctx.report(0.5, "reading fixture")
    return {"diff": (HERE / "fixtures" / f"{inputs['pr_id']}.diff").read_text(encoding="utf-8")}
