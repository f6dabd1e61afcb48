"""What a change is looked at for. Lenient reviews leave style out, strict ones add tests."""

DIMENSIONS = {
    "correctness": "values that come out wrong, cases that raise",
    "security": "input that reaches a query, a path, a shell or a page",
    "readability": "names and structure that mislead",
    "tests": "behaviour that changed and has no test",
}
LEFT_OUT = {"lenient": {"readability", "tests"}, "normal": {"tests"}, "strict": set()}


def run(inputs, ctx):
    left_out = LEFT_OUT[inputs["strictness"]]
    return {"dimensions": [{"name": name, "ask": ask} for name, ask in DIMENSIONS.items() if name not in left_out]}
