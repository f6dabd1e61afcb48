"""`oe inspect --html` and drawings through the real program: whole files, of runs that ended, failed, died or go on."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.experiences import HELD, TOOL, HeldRun, held_run, write_experience
from tests.support.program import Program
from tests.support.reports import Reading

HOSTILE = """\
name: hostile
version: 1.0.0
args: {who: {type: string, default: "<i>me</i>"}}
state: {schema: {text: {type: string}, list: {type: array, merge: array_append, default: []}}}
graph:
  nodes:
    - {id: say, kind: tool, impl: ./tool.py:say, writes: [text], cache: false}
    - {id: each, kind: tool, impl: ./tool.py:each, needs: [say], writes: [list], cache: false, for_each: {source: [1, 2, 3]},
       on_error: {policy: retry, attempts: 2, base_ms: 1}}
    - {id: never, kind: tool, impl: ./tool.py:say, needs: [each], when: "$.text == '</svg><script>'", writes: [text], cache: false}
"""

HOSTILE_TOOL = """\
BAD = "<script>alert(1)</script> ]]> \\"' \\x1b[31m \\u202e abc sesame<&open"

def say(inputs, ctx):
    open(ctx.artifact("<b>file</b>.md"), "w").close()
    return {"text": BAD}

def each(inputs, ctx):
    if inputs["$item"] == 2:
        raise ValueError(BAD)
    return {"list": [{BAD: inputs["$item"]}]}
"""


@pytest.fixture
def failed(program: Program, tmp_path: Path) -> Path:
    """An experience whose run ended partial, with texts that are not meant well."""
    folder = write_experience(tmp_path / "hostile", HOSTILE, tool=HOSTILE_TOOL)
    assert program.run("run", "--quiet", cwd=folder).exit_code == 8
    return folder


@pytest.fixture
def held(program: Program, tmp_path: Path) -> Iterator[HeldRun]:
    with held_run(program, tmp_path / "held") as run:
        yield run


def report(program: Program, folder: Path, **options: dict[str, str]) -> str:
    result = program.run("inspect", "--html", "-", cwd=folder, **options)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def words(page: str) -> str:
    return " ".join("".join(Reading(page).texts).split())


@pytest.mark.every_form
def test_a_report_is_one_whole_file(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "held", HELD, tool=TOOL)
    assert program.run("run", "--quiet", cwd=folder).exit_code == 0
    written = program.run("inspect", "latest", "--html", "report.html", cwd=folder)
    assert (written.exit_code, written.stdout) == (0, "")
    assert written.stderr.startswith("wrote report.html (")
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")
    assert "prefers-color-scheme: dark" in text and "@media print" in text and ".graph .failed" in text
    assert words(text).count("held") >= 1
    for expected in ("Nodes2: 2 success", "first → second", "names array_append[\"first\", \"second\"]", "second at +", "+ second",
                     "total last_wins, persists", "success"):
        assert expected.replace(" ", "") in words(text).replace(" ", ""), expected
    assert stat.S_IMODE((folder / "report.html").stat().st_mode) == 0o600


def test_values_stay_values(program: Program, failed: Path) -> None:
    page = report(program, failed)
    reading = Reading(page)
    assert not {"script", "img", "iframe", "link", "base", "form", "object"} & reading.tags
    assert {link[0] for link in reading.links} <= {"#"}
    shown = words(page)
    for expected in ("say tool success", "each tool failed", "never tool skipped", "<script>alert(1)</script> ]]> \"' \\x1b[31m", "<b>file</b>.md",
                     "ValueError: <script>", "retrying", "1 of 3 items failed", '"who": "<i>me</i>"'):
        assert expected in shown or expected.replace(" ", "") in shown.replace(" ", ""), expected


def test_secrets_are_not_in_a_report(program: Program, failed: Path) -> None:
    assert "sesame&lt;&amp;open" in report(program, failed)
    page = report(program, failed, env={"DOOR_TOKEN": "sesame<&open"})
    assert "sesame" not in page
    assert "[redacted]" in page


def test_a_file_that_is_there_keeps_its_mode_and_none_is_left_half_written(program: Program, failed: Path) -> None:
    target = failed / "public.html"
    target.write_text("before")
    target.chmod(0o644)
    assert program.run("inspect", "--html", target, cwd=failed).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert "before" not in target.read_text(encoding="utf-8")[:10]
    missing = program.run("inspect", "--html", "no/such/folder.html", cwd=failed)
    assert missing.exit_code == 1
    assert "cannot write 'no/such/folder.html': no such file or directory" in missing.stderr
    assert program.run("inspect", "--html", failed, cwd=failed).exit_code == 1
    assert program.run("inspect", "--html", "/dev/null", cwd=failed).exit_code == 0
    assert not list(failed.glob("*.part"))


@pytest.mark.parametrize("other", ["--json", "--follow"])
def test_a_report_goes_alone(program: Program, failed: Path, other: str) -> None:
    assert program.run("inspect", "--html", "x.html", other, cwd=failed).exit_code == 2
    assert not (failed / "x.html").exists()


def test_a_report_of_an_unknown_run_writes_nothing(program: Program, failed: Path) -> None:
    assert program.run("inspect", "nope", "--html", "x.html", cwd=failed).exit_code == 5
    assert not (failed / "x.html").exists()


def test_a_live_run_has_a_report_and_a_dead_one_too(program: Program, held: HeldRun) -> None:
    with program.start("inspect", "--follow", cwd=held.folder) as follower:  # until the log has it
        assert follower.stdout is not None
        while b"node.started     second" not in follower.stdout.readline():
            pass
        follower.kill()
    live = words(report(program, held.folder))
    assert "running" in live and "not yet, as of" in live
    assert "secondtoolrunning" in live
    assert "Critical path" not in live
    held.kill()
    dead = words(report(program, held.folder))
    assert "interrupted" in dead
    assert "no, its process is gone" in dead
    assert "secondtoolinterrupted" in dead and "in flight when the process ended" in dead


def test_a_resumed_run_leaves_out_the_time_in_between(program: Program, held: HeldRun) -> None:
    held.kill()
    (held.folder / "gate").unlink()
    assert program.run("resume", "--quiet", cwd=held.folder).exit_code == 0
    shown = words(report(program, held.folder))
    assert "in 2 parts" in shown
    assert "the run was resumed there (1 time)" in shown
    assert "2: 2 success" in shown


@pytest.mark.every_form
def test_a_graph_is_drawn(program: Program, tmp_path: Path) -> None:
    folder = write_experience(tmp_path / "hostile", HOSTILE, tool=HOSTILE_TOOL)
    drawing = program.run("graph", "--svg", cwd=folder)
    assert (drawing.exit_code, drawing.stderr) == (0, "")
    root = ElementTree.fromstring(drawing.stdout)
    assert [each.text for each in root.iter("{http://www.w3.org/2000/svg}text") if each.get("class") == "name"] == ["say", "each", "never"]
    assert program.run("graph", "--format", "svg", cwd=folder).stdout == drawing.stdout
    page = program.run("graph", "--html", cwd=folder)
    assert (page.exit_code, page.stderr) == (0, "")
    reading = Reading(page.stdout)
    assert not {"script", "img", "link"} & reading.tags
    assert reading.links == []
    assert "when $.text == '</svg><script>'" in "".join(reading.texts)
    assert program.run("graph", "--svg", "--json", cwd=folder).exit_code == 2
    assert sorted(each.name for each in folder.iterdir()) == ["experience.yaml", "tool.py"]
