"""What the checks before a release find, and that the archive is reproducible."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

EXAMPLE = "release-gates"


@pytest.fixture
def package(tools: Any, tmp_path: Path) -> Path:
    """A copy of the package that may be released."""
    return Path(shutil.copytree(tools.folder / "sample-ok", tmp_path / "package"))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


class TestLicence:
    def problems(self, tools: Any, package: Path, allowed: tuple[str, ...] = ("MIT",)) -> list[str]:
        inputs = {"_state": {"package": tools.package.read_package(package)}, "package": ".", "allowed": allowed}
        found: list[str] = tools.licence.run(inputs, SimpleNamespace(folder=str(package)))["licence"]["problems"]
        return found

    def test_all_is_well(self, tools: Any, package: Path) -> None:
        assert self.problems(tools, package) == []

    def test_not_allowed(self, tools: Any, package: Path) -> None:
        assert self.problems(tools, package, ("ISC",)) == ["the licence 'MIT' is not one of the allowed ones"]

    def test_no_text(self, tools: Any, package: Path) -> None:
        (package / "LICENSE").unlink()
        assert self.problems(tools, package) == ["there is no LICENSE file"]

    def test_another_text(self, tools: Any, package: Path) -> None:
        edit(package / "LICENSE", "free of charge", "for a fee")
        assert self.problems(tools, package) == ["LICENSE does not hold the text of MIT"]

    def test_nobody_holds_the_copyright(self, tools: Any, package: Path) -> None:
        lines = (package / "LICENSE").read_text().splitlines()
        (package / "LICENSE").write_text("\n".join(line for line in lines if "opyright" not in line
                                                   and "COPYRIGHT" not in line))
        assert self.problems(tools, package) == ["LICENSE names no copyright holder"]

    def test_a_source_without_or_with_another_mark(self, tools: Any, package: Path) -> None:
        edit(package / "src/tally/__init__.py", "# SPDX-License-Identifier: MIT\n", "")
        edit(package / "src/tally/words.py", "MIT", "GPL-3.0-only")
        assert self.problems(tools, package) == [
            "src/tally/__init__.py has no SPDX-License-Identifier",
            "src/tally/words.py is marked 'GPL-3.0-only', not 'MIT'"]

    def test_both_ways_to_write_it_in_pyproject(self, tools: Any) -> None:
        assert tools.package.licence_of({"license": "MIT"}) == tools.package.licence_of({"license": {"text": "MIT"}})


class TestChangelog:
    def check(self, tools: Any, text: str, version: str = "1.3.0") -> list[str]:
        found: list[str] = tools.changelog.check(tools.changelog.parse(text), version)["problems"]
        return found

    @pytest.mark.parametrize("heading", ["## [1.3.0] - 2026-05-04", "## 1.3.0 (2026-05-04)", "## v1.3.0 2026-05-04"])
    def test_usual_headings(self, tools: Any, heading: str) -> None:
        assert self.check(tools, f"# Changelog\n\n## [Unreleased]\n\n{heading}\n\n- new\n\n## 1.2.9\n- old\n") == []

    @pytest.mark.parametrize(("text", "problem"), [
        ("", "CHANGELOG.md has no entry for 1.3.0: it has no entry"),
        ("## 1.2.0 - 2026-01-01\n- x\n", "CHANGELOG.md has no entry for 1.3.0: its newest entry is 1.2.0"),
        ("## 1.3.0\n- x\n", "the entry for 1.3.0 has no date"),
        ("## 1.3.0 - 2026-02-30\n- x\n", "the entry for 1.3.0 has the date 2026-02-30, which does not exist"),
        ("## 1.3.0 - 2026-05-04\n\nwords\n", "the entry for 1.3.0 lists no changes"),
        ("## 1.3.0 - 2026-05-04\n- x\n## 1.10.0 - 2026-01-01\n- y\n", "1.3.0 does not come after 1.10.0"),
        ("## Unreleased\n- x\n- z\n## 1.3.0 - 2026-05-04\n- y\n", "still under 'Unreleased': x"),
    ])
    def test_problems(self, tools: Any, text: str, problem: str) -> None:
        assert self.check(tools, text) == [problem]


class TestCoverage:
    def problems(self, tools: Any, before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
        reports = [{name: tools.coverage_change.Lines(*lines) for name, lines in report.items()}
                   for report in (before, after)]
        found: list[str] = tools.coverage_change.compare(*reports, 80.0, 0.5)["problems"]
        return found

    def test_no_change_and_a_small_drop(self, tools: Any) -> None:
        assert self.problems(tools, {"a": (90, 100)}, {"a": (90, 100)}) == []
        assert self.problems(tools, {"a": (900, 1000)}, {"a": (895, 1000)}) == []

    def test_a_drop_names_where(self, tools: Any) -> None:
        assert self.problems(tools, {"a": (90, 100), "b": (10, 10)}, {"a": (85, 100), "b": (10, 10)}) == [
            "coverage sank from 90.9% to 86.4%, allowed are 0.5 points: a has 5 more uncovered lines"]

    def test_too_low_in_all_and_in_a_new_file(self, tools: Any) -> None:
        assert self.problems(tools, {"a": (7, 10)}, {"a": (7, 10), "b": (1, 2)})[-2:] == [
            "coverage is 66.7%, below 80%", "the new file b has 50.0%, below 80%"]

    def test_nothing_to_cover(self, tools: Any) -> None:
        assert self.problems(tools, {}, {"empty": (0, 0)}) == []

    def test_a_report_of_coverage_py(self, tools: Any, package: Path) -> None:
        assert tools.coverage_change.read_report(package / "coverage-after.json") == {
            "src/tally/__init__.py": (2, 2), "src/tally/words.py": (6, 7)}


class TestArchive:
    def test_the_same_files_give_the_same_bytes(self, tools: Any, package: Path) -> None:
        names = ["LICENSE", "src/tally/words.py"]
        first = tools.release.pack(package, names, "tally-1.3.0")
        (package / "LICENSE").touch()
        (package / "LICENSE").chmod(0o600)
        assert tools.release.pack(package, names, "tally-1.3.0") == first
        with tarfile.open(fileobj=io.BytesIO(first)) as archive:
            assert archive.getnames() == [f"tally-1.3.0/{name}" for name in names]
            member = archive.extractfile("tally-1.3.0/LICENSE")
            assert member is not None and member.read() == (package / "LICENSE").read_bytes()


class TestVerdict:
    PASSED: ClassVar = {"facts": ["fact"], "problems": []}

    def test_released(self, tools: Any) -> None:
        state = {"package": {"name": "tally", "version": "1.3.0"}, "licence": self.PASSED, "changelog": self.PASSED,
                 "coverage": self.PASSED, "release": {"file": "dist/x", "sha256": "ab", "files": 2}}
        assert tools.verdict.find_blockers(state) == []
        assert tools.verdict.render(state, "p", []) == (
            "# tally 1.3.0: released\n\n- **licence**: passed (fact)\n- **changelog**: passed (fact)\n"
            "- **coverage**: passed (fact)\n\n`dist/x`, files: 2, SHA-256 `ab`\n")

    def test_blocked(self, tools: Any) -> None:
        state = {"package": {"name": "tally", "version": "1.3.0"}, "licence": {"facts": [], "problems": ["bad"]},
                 "changelog": self.PASSED}
        assert tools.verdict.find_blockers(state) == ["licence", "coverage"]
        text = tools.verdict.render(state, "p", ["licence", "coverage"])
        assert text.startswith("# tally 1.3.0: blocked by licence, coverage\n")
        assert "- **licence**: blocked\n  - bad\n" in text
        assert "- **coverage**: could not be checked, see `oe logs latest coverage`\n" in text

    def test_without_a_package_or_with_a_release_that_failed(self, tools: Any) -> None:
        assert tools.verdict.find_blockers({}) == ["package"]
        assert tools.verdict.render({}, "./nowhere", ["package"]).startswith("# ./nowhere: blocked by package\n")
        all_passed = {"package": {}, "licence": self.PASSED, "changelog": self.PASSED, "coverage": self.PASSED}
        assert tools.verdict.find_blockers(all_passed) == ["release"]


def test_a_gate_lets_pass_or_says_everything(tools: Any) -> None:
    assert tools.gate.run({"problems": []}, None) is None
    with pytest.raises(tools.gate.GateClosedError, match=r"^one; two$"):
        tools.gate.run({"problems": ["one", "two"]}, None)
