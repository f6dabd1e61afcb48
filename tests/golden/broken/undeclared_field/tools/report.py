def run(inputs, ctx):
    return {"report": ""}
