"""What several reviewers agree on: faults in the same place, within a few lines."""

from __future__ import annotations

from typing import Any

NEAR_LINES = 2
"""Reviewers count lines of a diff a little differently."""


def run(inputs: dict[str, Any]) -> dict[str, Any]:
    """The faults that at least two reviewers report, and those of one alone."""
    reviews = inputs["_state"].get("reviews", [])
    if len(reviews) < 2:
        raise ValueError(f"{len(reviews)} of 3 reviewers answered, which is too few for a consensus")
    places = gather(reviews)
    confirmed = [place for place in places if len(place["seen_by"]) > 1]
    single = [place for place in places if len(place["seen_by"]) == 1]
    decision = "request changes" if confirmed else "approve"
    return {"consensus": {"decision": decision, "confirmed": confirmed, "single": single},
            "asked": asked(inputs["programs"], [review["reviewer"] for review in reviews])}


def gather(reviews: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Faults by place, in the order of file and line; the first reviewer's words stand for the others'."""
    found = sorted(((finding, review["reviewer"]) for review in reviews for finding in review["findings"]),
                   key=lambda each: (each[0]["file"], each[0]["line"]))
    places: list[dict[str, Any]] = []
    for finding, reviewer in found:
        last = places[-1] if places else None
        if last and last["file"] == finding["file"] and finding["line"] - last["line"] <= NEAR_LINES:
            if reviewer not in last["seen_by"]:
                last["seen_by"].append(reviewer)
        else:
            places.append({**finding, "seen_by": [reviewer]})
    return places


def asked(programs: list[str], reviewers: list[str]) -> str:
    """Who was asked: so that nobody takes a recorded answer for a review."""
    stand_ins = [program for program in programs if program.startswith("./stand-ins/")]
    answered = ", ".join(reviewers)
    return f"{answered} (recorded answers of {', '.join(stand_ins)})" if stand_ins else answered
