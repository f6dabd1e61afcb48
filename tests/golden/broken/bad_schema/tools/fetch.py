"""A tool of the examples."""


def run(inputs, ctx):
    return {"rows": []}
