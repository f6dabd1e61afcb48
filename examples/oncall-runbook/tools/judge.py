"""Whether somebody is woken: a cause that is not known, or a value of twice what is allowed."""


def run(inputs, ctx):
    alert = inputs["_state"]["alert"]
    is_urgent = alert["value"] >= 2 * alert["threshold"] or not inputs["_state"]["confident"]
    return {"severity": "page" if is_urgent else "note"}
