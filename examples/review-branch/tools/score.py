"""A score from the findings that hold: 100 less 40, 15 or 5 for each. Verdicts are in the order of findings."""

COSTS = {"high": 40, "medium": 15, "low": 5}


def run(inputs, ctx):
    state = inputs["_state"]
    held = [finding for finding, verdict in zip(state["findings"], state["verdicts"], strict=True) if verdict["holds"]]
    return {"score": max(0, 100 - sum(COSTS[finding["severity"]] for finding in held)),
            "blocking": any(finding["severity"] == "high" for finding in held)}
