"""How long a letter is. A longer one than the schema of `words` allows fails here."""


def run(inputs, ctx):
    return {"words": len(inputs["_state"]["letter"].split())}
