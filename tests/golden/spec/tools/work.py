def run(inputs, ctx):
    return {}
