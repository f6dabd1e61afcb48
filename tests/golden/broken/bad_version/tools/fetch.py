def run(inputs, ctx):
    return {"rows": []}
