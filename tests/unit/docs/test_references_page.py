"""docs/reference/references.md says what references and templates do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oe.app.experiences import read_experience
from oe.errors import OeError
from oe.lang.reference import ROOTS
from oe.lang.scope import Scope
from oe.lang.template import compile_text, compile_value
from tests.support.pages import Page

PAGE = Page("references.md")
SCOPE = Scope(**json.loads(PAGE.blocks("json")[0].text))
(EXPERIENCE,) = (block.text for block in PAGE.blocks("yaml"))


@pytest.mark.parametrize(("text", "value"), PAGE.rows("text in YAML", "becomes"))
def test_a_reference_becomes_its_value(text: str, value: str) -> None:
    found = compile_value([text]).resolve(SCOPE)
    assert isinstance(found, list)
    assert json.dumps(found[0]) == json.dumps(json.loads(value))


@pytest.mark.parametrize(("text", "code", "message"), PAGE.rows("text", "error", "message"))
def test_a_reference_fails_as_shown(text: str, code: str, message: str) -> None:
    with pytest.raises(OeError) as caught:
        compile_value(text).resolve(SCOPE)
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(("template", "text"), PAGE.rows("template", "text"))
def test_a_template_becomes_its_text(template: str, text: str) -> None:
    assert compile_text(template).render(SCOPE) == text


@pytest.mark.parametrize(("template", "code", "message"), PAGE.rows("template", "error", "message"))
def test_a_template_fails_as_shown(template: str, code: str, message: str) -> None:
    with pytest.raises(OeError) as caught:
        compile_text(template).render(SCOPE)
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(("reference", "says"), PAGE.rows("HERE", "says"))
def test_validation_says_what_the_page_says(tmp_path: Path, reference: str, says: str) -> None:
    (tmp_path / "experience.yaml").write_text(EXPERIENCE.replace("HERE", f'"{reference}"'), encoding="utf-8")
    problems = read_experience(str(tmp_path)).problems
    assert [problem.code for problem in problems] == ([] if says == "nothing" else [says])


@pytest.mark.parametrize("keys", [
    "kind: tool, command: [echo, {}], args: {deep: [{er: $.nope}]}", "kind: tool, command: [echo, $.nope]",
    "kind: tool, command: [echo], workdir: $.nope", "kind: tool, command: [echo], for_each: {source: $.nope}",
    "kind: dataset, file: $.nope, format: json", "kind: dataset, sqlite: {path: x.db, query: select 1, params: [$.nope]}",
    "kind: cli-agent, command: [echo, $.nope], prompt: hi", "kind: cli-agent, command: [echo], prompt: hi, workdir: $.nope",
    "kind: cli-agent, command: [echo], prompt: 'hi {{ $.nope }}'", "kind: agent, prompt: '{{ $.nope }}'",
    "kind: agent, prompt: hi, system: '{{ $.nope }}'", "kind: tool, command: [echo], when: $.nope == 1",
])
def test_references_and_templates_are_looked_at_where_the_page_says(tmp_path: Path, keys: str) -> None:
    (tmp_path / "x.db").touch()
    (tmp_path / "experience.yaml").write_text(
        f"name: where\nversion: 1.0.0\ngraph:\n  nodes:\n    - {{id: here, {keys}}}\n", encoding="utf-8")
    assert "unknown-field" in [problem.code for problem in read_experience(str(tmp_path)).problems]


def test_every_root_is_in_the_table() -> None:
    roots = {row[0].split(".")[0] for row in PAGE.rows("path", "value", "exists")}
    assert roots == {"$", *(f"${root}" for root in ROOTS)}


def test_a_prompt_that_begins_with_braces_must_be_quoted(tmp_path: Path) -> None:
    (tmp_path / "experience.yaml").write_text("name: {{ x }}\n", encoding="utf-8")
    assert [problem.code for problem in read_experience(str(tmp_path)).problems] == ["yaml-unquoted-template"]
