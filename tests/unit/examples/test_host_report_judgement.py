"""What the host report makes of its figures: findings, branches, Markdown."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

EXAMPLE = "host-report"

NOT_AVAILABLE = {"source": "not available: nothing answered"}
LIMITS = {"disk_percent": 80, "memory_percent": 90, "load_per_core": 1.5}


def filesystem(mount: str = "/", **changed: Any) -> dict[str, Any]:
    return {"mount": mount, "device": f"/dev/{mount}", "type": "ext4", "read_only": False, "problem": None,
            "size_bytes": 1000, "used_bytes": 500, "available_bytes": 500, "used_percent": 50,
            "inodes_percent": 10} | changed


@pytest.fixture
def state() -> dict[str, Any]:
    """A host in good order."""
    return {
        "load": {"source": "/proc/loadavg", "one": 1.0, "five": 1.0, "fifteen": 1.0, "processors": 2,
                 "five_per_core": 0.5},
        "memory": {"source": "/proc/meminfo", "total_bytes": 4 * 2**30, "available_bytes": 3 * 2**30,
                   "used_percent": 25.0, "swap_total_bytes": 0, "swap_free_bytes": 0, "limit_bytes": None},
        "filesystems": {"source": "/proc/self/mounts", "rows": [filesystem()]},
        "ports": {"source": "/proc/net/tcp", "rows": []},
        "errors": {"source": "dmesg (since start)", "count": 0, "lines": []},
    }


def judge(tools: Any, state: dict[str, Any]) -> tuple[list[tuple[str, str]], dict[str, bool], list[str]]:
    found = tools.assess.run({"_state": state, **LIMITS}, None)
    return [(row["severity"], row["subject"]) for row in found["findings"]], found["pressure"], found["full_mounts"]


def test_a_host_in_good_order_has_no_findings(tools: Any, state: dict[str, Any]) -> None:
    assert judge(tools, state) == ([], {"disk": False, "memory": False, "load": False}, [])


@pytest.mark.parametrize(("percent", "expected"), [(79, []), (80, ["warning"]), (89, ["warning"]), (90, ["critical"])])
def test_a_full_file_system(tools: Any, state: dict[str, Any], percent: int, expected: list[str]) -> None:
    state["filesystems"]["rows"] = [filesystem(used_percent=percent)]
    findings, pressure, full = judge(tools, state)
    assert findings == [(severity, "/") for severity in expected]
    assert pressure["disk"] == bool(expected) and full == (["/"] if expected else [])


def test_inodes_are_a_finding_but_no_large_files_are_looked_for(tools: Any, state: dict[str, Any]) -> None:
    state["filesystems"]["rows"] = [filesystem(inodes_percent=99)]
    assert judge(tools, state) == ([("critical", "/")], {"disk": False, "memory": False, "load": False}, [])


def test_what_cannot_fill_up_is_not_judged_and_a_device_only_once(tools: Any, state: dict[str, Any]) -> None:
    state["filesystems"]["rows"] = [
        filesystem("/snap/core", used_percent=100, read_only=True),
        filesystem("/", device="/dev/sda", used_percent=99), filesystem("/home", device="/dev/sda", used_percent=99),
        {"mount": "/proc", "device": "proc", "type": "proc", "read_only": False, "problem": None}]
    findings, _, full = judge(tools, state)
    assert findings == [("critical", "/")] and full == ["/"]


def test_a_dead_file_system_is_critical(tools: Any, state: dict[str, Any]) -> None:
    row = {"mount": "/nas", "device": "nas:/x", "type": "nfs", "read_only": False,
           "problem": "did not answer within 2 s"}
    state["filesystems"]["rows"] = [row]
    assert judge(tools, state)[0] == [("critical", "/nas")]


def test_memory_swap_and_load(tools: Any, state: dict[str, Any]) -> None:
    state["memory"] |= {"used_percent": 90.0, "swap_total_bytes": 100, "swap_free_bytes": 5}
    state["load"]["five_per_core"] = 3.0
    findings, pressure, _ = judge(tools, state)
    assert findings == [("critical", "load"), ("warning", "memory"), ("warning", "swap")]
    assert pressure == {"disk": False, "memory": True, "load": True}


def test_errors_and_open_ports(tools: Any, state: dict[str, Any]) -> None:
    state["errors"] |= {"count": 2, "lines": ["a", "b"]}
    state["ports"]["rows"] = [{"protocol": "tcp6", "address": "::", "port": 22, "process": ""},
                              {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "process": ""},
                              {"protocol": "tcp", "address": "127.0.0.1", "port": 5432, "process": ""}]
    found = tools.assess.run({"_state": state, **LIMITS}, None)["findings"]
    assert found[0] == {"severity": "warning", "subject": "errors", "message": "2 logged, see 'Recent errors'"}
    assert found[1]["message"] == "open on every address: 22/tcp"


def test_what_is_not_available_is_said_and_breaks_nothing(tools: Any, state: dict[str, Any]) -> None:
    nothing = {name: NOT_AVAILABLE for name in state}
    findings, pressure, full = judge(tools, nothing)
    assert sorted(findings) == sorted(("info", name) for name in nothing)
    assert not any(pressure.values()) and full == []


class TestMarkdown:
    @pytest.mark.parametrize(("value", "expected"), [
        ("/srv/a_b", "`/srv/a_b`"),
        ("a|b", r"`a\|b`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("", "`  `"),
        ("a\nb\x1b[31m", r"`a\nb\x1b[31m`"),
        ("café\u202e", r"`café\u202e`"),
    ])
    def test_values_stay_in_their_cell(self, tools: Any, value: str, expected: str) -> None:
        assert tools.markdown.code(value) == expected

    def test_text_cannot_become_markup(self, tools: Any) -> None:
        assert tools.markdown.text("<b>*x* [y](z)|`c`") == r"\<b\>\*x\* \[y\](z)\|\`c\`"

    @pytest.mark.parametrize(("size_bytes", "expected"), [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * 2**20, "1.5 GiB"), (2**60, "1024.0 PiB")])
    def test_sizes(self, tools: Any, size_bytes: int, expected: str) -> None:
        assert tools.markdown.size(size_bytes) == expected

    @pytest.mark.parametrize(("seconds", "expected"), [
        (59, "59 s"), (60, "1 min"), (3660, "1 h 1 min"), (90061, "1 d 1 h"), (86460, "1 d 1 min")])
    def test_durations(self, tools: Any, seconds: int, expected: str) -> None:
        assert tools.markdown.duration(seconds) == expected


class TestReport:
    @pytest.fixture
    def whole(self, state: dict[str, Any]) -> dict[str, Any]:
        return state | {
            "kernel": "6.1.0", "findings": [],
            "host": {"name": "web|1", "system": "Linux", "machine": "x86_64", "processors": 2, "uptime_seconds": 60},
            "directories": {"source": "9 entries", "complete": False, "rows": [{"path": "/usr", "size_bytes": 2048}]}}

    def render(self, tools: Any, whole: dict[str, Any]) -> str:
        text: str = tools.report.render(whole, "ok", datetime(2026, 5, 4, 9, 30, tzinfo=UTC))
        return text

    def test_it_names_the_host_and_its_figures(self, tools: Any, whole: dict[str, Any]) -> None:
        text = self.render(tools, whole)
        assert text.startswith("# Host report: web\\|1\n\nStatus: **ok**, as of 2026-05-04 09:30:00 UTC\n")
        assert "| Kernel release | `6.1.0` |" in text
        assert "| Memory | 4.0 GiB (4194304 kB) |" in text
        assert "| `/usr` | ≥ 2.0 KiB |" in text
        assert "## Findings\n\nNone.\n" in text and "## Recent errors\n\nSource: dmesg (since start)\n\nNone.\n" in text

    def test_every_mount_is_in_it(self, tools: Any, whole: dict[str, Any]) -> None:
        whole["filesystems"]["rows"] = [filesystem("/my disk"), {
            "mount": "/proc", "device": "proc", "type": "proc", "read_only": False, "problem": None}]
        text = self.render(tools, whole)
        assert "| `/my disk` | `/dev//my disk` | ext4 | 1000 B | 500 B | 500 B | 50% | 10% |  |" in text
        assert "### Without a size\n\n| Mounted on | Device | Type | Problem |\n| --- | --- | --- | --- |\n" \
               "| `/proc` | `proc` | proc |  |" in text

    def test_what_branches_found_is_in_it_only_if_they_ran(self, tools: Any, whole: dict[str, Any]) -> None:
        assert "Largest files" not in self.render(tools, whole) and "Busiest" not in self.render(tools, whole)
        whole["large_files"] = [
            {"mount": "/", "source": "9 entries", "complete": True, "rows": [{"path": "/core", "size_bytes": 1024}]},
            {"mount": "/nas", "source": "not available: '/nas': gone"}]
        whole["processes"] = {"source": "ps", "rows": [
            {"pid": 7, "name": "java", "memory_bytes": 2**30, "cpu_percent": 12.5}]}
        text = self.render(tools, whole)
        assert "## Largest files on nearly full file systems\n\n### `/`\n\nSource: 9 entries\n\n| Path |" in text
        assert "| `/core` | 1.0 KiB |\n\n### `/nas`\n\nnot available: '/nas': gone\n\n## Busiest processes\n" in text
        assert "| 7 | `java` | 1.0 GiB | 12.5% |" in text

    def test_it_can_be_written_of_nothing(self, tools: Any) -> None:
        sections = ("load", "memory", "filesystems", "directories", "ports", "errors")
        nothing = {name: copy.copy(NOT_AVAILABLE) for name in sections}
        text = self.render(tools, nothing | {"host": {}, "kernel": "not available: uname failed", "findings": []})
        assert text.count("not available: nothing answered") == len(sections) + 1  # memory is named above too

    def test_the_file_is_replaced_whole_and_the_summary_counts(self, tools: Any, whole: dict[str, Any],
                                                               tmp_path: Path) -> None:
        (tmp_path / "report.md").write_text("old")
        whole["findings"] = [{"severity": severity, "subject": "x", "message": "y"}
                             for severity in ("warning", "warning", "info")]
        found = tools.report.run({"_state": whole, "report": "report.md"}, SimpleNamespace(folder=str(tmp_path)))
        assert found["summary"] == {"status": "warning", "critical": 0, "warning": 2, "info": 1,
                                    "report": str(tmp_path / "report.md")}
        assert found["report"] == (tmp_path / "report.md").read_text()
        assert [file.name for file in tmp_path.iterdir()] == ["report.md"]
        assert (tmp_path / "report.md").read_text().startswith("# Host report")
