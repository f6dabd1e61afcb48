"""The public YAML test suite and real files: read as a YAML 1.2 parser reads them, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oe.errors import SpecError
from oe.lang.yaml import load_yaml

HERE = Path(__file__).parent
CASES = [json.loads(line) for line in (HERE / "suite.jsonl").read_text(encoding="utf-8").splitlines()]
FILES = sorted(path for path in (HERE / "files").iterdir() if path.suffix in (".yml", ".yaml"))

READ_FILES = [path for path in FILES if path.with_name(path.name + ".json").exists()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case_of_the_suite(case: dict[str, object]) -> None:
    text = str(case["yaml"])
    if "value" in case:
        value = load_yaml(text)
        assert json.dumps(value) == json.dumps(case["value"])
        return
    with pytest.raises(SpecError) as refusal:
        load_yaml(text)
    codes = [problem.code for problem in refusal.value.problems]
    assert all(problem.span for problem in refusal.value.problems)
    assert case.get("error") or codes[0] == case["outside"]


def test_most_of_what_is_yaml_is_in_the_subset() -> None:
    read = [case for case in CASES if "value" in case]
    exotic = ("yaml-multiple-documents", "yaml-tag")
    refused = [case for case in CASES if "outside" in case and case["outside"] not in exotic]
    assert len(CASES) == 402
    assert len(read) >= 0.8 * (len(read) + len(refused))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_file(path: Path) -> None:
    refused = path.with_name(path.name + ".refused")
    if refused.exists():
        with pytest.raises(SpecError) as refusal:
            load_yaml(path.read_bytes(), path.name)
        assert refusal.value.problems[0].code == refused.read_text(encoding="utf-8").strip()
    else:
        expected = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
        assert load_yaml(path.read_bytes(), path.name) == expected


@pytest.mark.parametrize("path", READ_FILES, ids=lambda path: path.name)
def test_line_ends_do_not_change_a_real_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for other in (text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text, text.rstrip("\n")):
        assert load_yaml(other) == load_yaml(text)
