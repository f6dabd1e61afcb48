"""The JSON Schema of the format against an independent validator: it accepts what is right and refuses what is not."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from oe.kinds import KINDS
from oe.lang.yaml import read_yaml
from oe.spec.json_schema import experience_schema
from tests.unit.spec.specs import FOLDER

SCHEMA = experience_schema(KINDS.values())
BY_FORM = ("unknown-key", "missing-key--top", "missing-key--node", "missing-key--graph", "wrong-type", "bad-value--texts",
           "bad-value--numbers", "bad-value--no")
ACCEPTED = sorted(case for case in FOLDER.glob("*.yaml")
                  if case.with_suffix(".out").read_text(encoding="utf-8").endswith("accepted\n"))
REFUSED = sorted(case for case in FOLDER.glob("*.yaml") if case.stem.startswith(BY_FORM))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.stem)
def test_accepted_experiences_fit(case: Path) -> None:
    jsonschema.validate(read_yaml(case.read_bytes(), case.name).value, SCHEMA)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.stem)
def test_experiences_of_a_wrong_form_do_not(case: Path) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_yaml(case.read_bytes(), case.name).value, SCHEMA)


def test_there_are_cases() -> None:
    assert len(ACCEPTED) > 8
    assert len(REFUSED) > 10


def test_every_kind_has_its_own_keys() -> None:
    definitions = SCHEMA["$defs"]
    assert isinstance(definitions, dict)
    for kind in KINDS.values():
        node = definitions[f"node-{kind.name}"]
        assert {key.name for key in kind.keys} <= set(node["properties"])
        assert node["properties"]["kind"] == {"const": kind.name}
