"""The official JSON Schema Test Suite, draft 2020-12: refused keywords are refused, all other cases are judged alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oe.errors import SpecError
from oe.lang.schema import compile_schema

HERE = Path(__file__).parent
FILES = sorted((HERE / "draft2020-12").rglob("*.json"))
OUTSIDE = {"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "unevaluatedItems", "unevaluatedProperties",
           "dependentSchemas", "minContains", "maxContains", "array_of_schemas", "unknown-keyword"}


def groups(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def is_outside(schema: object) -> bool:
    """Whether anything in the schema is outside the subset: a keyword, a remote or anchor reference, `\\p{…}`."""
    if isinstance(schema, list):
        return any(map(is_outside, schema))
    if not isinstance(schema, dict):
        return False
    reference = schema.get("$ref", "")
    if isinstance(reference, str) and reference and reference != "#" and not reference.startswith("#/"):
        return True
    patterns = [schema.get("pattern", ""), *schema.get("patternProperties", {})]
    return bool(OUTSIDE & schema.keys()) or any("\\p{" in str(pattern) for pattern in patterns) \
        or any(map(is_outside, schema.values()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_case_is_refused_or_judged_as_the_suite_says(path: Path) -> None:
    for group in groups(path):
        try:
            schema = compile_schema(group["schema"])
        except SpecError as error:
            assert is_outside(group["schema"]), f"{group['description']}: refused: {error}"
            continue
        for case in group["tests"]:
            violations = schema.violations(case["data"])
            assert (not violations) == case["valid"], f"{group['description']} / {case['description']}: {violations}"
            assert schema.is_valid(case["data"]) == case["valid"]


@pytest.mark.parametrize("name", ["unevaluatedItems", "dependentSchemas", "minContains", "maxContains", "anchor"])
def test_files_about_keywords_outside_the_subset_are_refused_by_name(name: str) -> None:
    for group in groups(HERE / "draft2020-12" / f"{name}.json"):
        with pytest.raises(SpecError) as refusal:
            compile_schema(group["schema"])
        assert all(problem.code in ("refused-keyword", "bad-reference") for problem in refusal.value.problems)


def test_the_suite_is_large_and_most_of_it_is_inside_the_subset() -> None:
    judged = refused = 0
    for path in FILES:
        for group in groups(path):
            if is_outside(group["schema"]):
                refused += 1
            else:
                judged += len(group["tests"])
    assert judged > 800
    assert refused > 60
