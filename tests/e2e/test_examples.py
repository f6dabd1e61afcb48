"""The examples, run by the real program on copies, and compared with the truth: this host, other software, the files."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.coding_clis import StandIns, gemini
from tests.support.examples import EXAMPLES, NAMES, REPLAYED, copy_example, statuses
from tests.support.program import Program, Result

CAN_MOUNT = shutil.which("unshare") is not None and subprocess.run(
    ["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


def test_every_example_has_a_test_here() -> None:
    assert sorted([*REPLAYED, "dataset-aggregate", "hello-tool", "host-report", "long-batch", "release-gates",
                            "stdlib-census", "tri-cli-orchestration"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid_without_warnings_and_explained(program: Program, name: str) -> None:
    result = program.run("validate", "--strict", "--json", EXAMPLES / name)
    assert (result.exit_code, result.json()["problems"]) == (0, [])
    assert f"oe run examples/{name}" in (EXAMPLES / name / "README.md").read_text(encoding="utf-8")


class TestHelloTool:
    def test_the_greeting_goes_to_stdout(self, program: Program, tmp_path: Path) -> None:
        example = copy_example("hello-tool", tmp_path)
        result = program.run("run", example)
        assert (result.exit_code, result.stdout) == (0, "greeting: Hello, world!\n")
        assert program.run("run", example, "--arg", "name=Ada").stdout == "greeting: Hello, Ada!\n"
        assert program.run("state", "greeting", "-e", example).json() == "Hello, Ada!"

    def test_an_empty_name_is_refused(self, program: Program, tmp_path: Path) -> None:
        example = copy_example("hello-tool", tmp_path)
        result = program.run("run", example, "--arg", "name=")
        assert result.exit_code != 0 and "name" in result.stderr
        assert not (example / ".openexpertise").exists()


class TestHostReport:
    @pytest.fixture
    def example(self, tmp_path: Path) -> Path:
        return copy_example("host-report", tmp_path)

    @pytest.fixture
    def listening(self) -> Iterator[int]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            yield listener.getsockname()[1]

    def run(self, program: Program, example: Path, *arguments: str) -> tuple[Result, str]:
        result = program.run("run", example, "--json", "--arg", f"scan_root={example}", *arguments)
        assert result.exit_code == 0, result.stderr
        return result, (example / "report.md").read_text(encoding="utf-8")

    def test_it_says_the_truth_about_this_host(self, program: Program, example: Path, listening: int) -> None:
        result, report = self.run(program, example)
        system = os.uname()
        assert report.startswith(f"# Host report: {system.nodename}\n")
        assert f"| Host name | `{system.nodename}` |" in report
        assert f"| Kernel release | `{system.release}` |" in report
        assert f"| Processors | {os.cpu_count()} |" in report
        assert re.search(rf"^\| tcp \| `127.0.0.1` \| {listening} \|", report, re.MULTILINE)
        assert "| `" + str(example / "tools") + "` |" in report
        assert result.json()["state"]["summary"]["report"] == str(example / "report.md")

    @pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="the host has no /proc/meminfo")
    def test_memory_is_that_of_meminfo(self, program: Program, example: Path) -> None:
        _, report = self.run(program, example)
        total = re.search(r"MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text())
        assert total is not None and f"({total[1]} kB) |" in report
        assert f"| Total | {int(total[1]) / 2**20:.1f} GiB ({total[1]} kB) |" in report

    @pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="the host has no /proc/self/mounts")
    def test_every_mount_is_there(self, program: Program, example: Path) -> None:
        result, report = self.run(program, example)
        lines = Path("/proc/self/mounts").read_bytes().splitlines()
        expected: Counter[tuple[str, str]] = Counter()
        for line in lines:
            device, mount = (field.decode("unicode_escape").encode("latin-1").decode() for field in line.split()[:2])
            expected[mount, device] += 1
        found = Counter(re.findall(r"^\| `([^`]+)` \| `([^`]*)` \|", report, re.MULTILINE))
        assert len(lines) > 0 and {pair: found[pair] for pair in expected} == expected
        assert next(node["items"] for node in result.json()["nodes"] if node["id"] == "usage") == len(lines)

    @pytest.mark.skipif(not CAN_MOUNT, reason="mounting needs root and unshare")
    def test_a_full_file_system_with_an_odd_name_is_found_and_dug_into(self, program: Program, example: Path,
                                                                       tmp_path: Path) -> None:
        mount = tmp_path / "my disk|x\\y"
        mount.mkdir()
        script = 'mount -t tmpfs -o size=1m "odd device" "$0" && head -c 1000000 /dev/zero > "$0/core" && exec "$@"'
        command = program.arguments("run", example, "--arg", f"scan_root={tmp_path}", "--arg", "scan_seconds=0.5")
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, str(mount), *command], capture_output=True,
                              text=True, env=program.environment, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        report = (example / "report.md").read_text(encoding="utf-8")
        shown = str(mount).replace("|", r"\|")
        assert f"| **critical** | `{shown}` | 96% full (threshold 85%) |" in report
        assert f"| `{shown}` | `odd device` | tmpfs | 1.0 MiB | 980.0 KiB | 44.0 KiB | 96% |" in report
        assert f"### `{shown}`\n\nSource: 1 entries of the file system\n" in report
        assert f"| `{shown}/core` | 980.0 KiB |" in report

    def test_sizes_of_the_root_file_system_are_those_of_df(self, program: Program, example: Path) -> None:
        result, _ = self.run(program, example)
        printed = subprocess.run(["df", "-kP", "/"], capture_output=True, text=True, check=True).stdout
        blocks = int(printed.splitlines()[1].split()[1])
        rows = result.json()["state"]["filesystems"]["rows"]
        assert blocks in [row["size_bytes"] // 1024 for row in rows if row["mount"] == "/" and "size_bytes" in row]

    def test_a_healthy_host_is_not_dug_into(self, program: Program, example: Path) -> None:
        result, report = self.run(program, example, "--arg", "disk_percent=100", "--arg", "memory_percent=100",
                                  "--arg", "load_per_core=100000")
        found = statuses(result)
        assert (found["large_files"], found["processes"]) == ("skipped", "skipped")
        assert (found["report"], result.json()["status"]) == ("success", "success")
        assert "Largest files" not in report and "Busiest processes" not in report

    def test_one_in_trouble_is(self, program: Program, example: Path) -> None:
        result, report = self.run(program, example, "--arg", "disk_percent=0.001", "--arg", "memory_percent=0.001",
                                  "--arg", "scan_seconds=0.3")
        found = statuses(result)
        assert (found["large_files"], found["processes"], found["report"]) == ("success", "success", "success")
        assert "## Largest files on nearly full file systems" in report and "## Busiest processes" in report
        assert result.json()["state"]["summary"]["status"] in ("warning", "critical")
        assert "| **warning** | `memory` |" in report or "| **critical** | `memory` |" in report

    def test_a_second_run_looks_again(self, program: Program, example: Path) -> None:
        self.run(program, example)
        result, _ = self.run(program, example)
        assert result.json()["totals"]["cached"] == 0

    def test_where_no_program_is_installed_it_says_so_and_succeeds(self, program: Program, example: Path,
                                                                   tmp_path: Path) -> None:
        result = program.run("run", example, "--json", "--arg", f"scan_root={example}",
                             env={"PATH": str(tmp_path / "empty")})
        assert (result.exit_code, result.json()["status"]) == (0, "success"), result.stderr
        report = (example / "report.md").read_text(encoding="utf-8")
        assert "| Kernel release | `not available: uname failed` |" in report
        assert f"| Host name | `{os.uname().nodename}` |" in report

    def test_a_quiet_run_leaves_nothing_to_mail(self, program: Program, example: Path) -> None:
        result = program.run("run", "-q", example, "--arg", f"scan_root={example}")
        assert (result.exit_code, result.stderr) == (0, "")

    def test_ill_typed_arguments_are_refused_before_anything_happens(self, program: Program, example: Path) -> None:
        result = program.run("run", example, "--arg", "disk_percent=much")
        assert result.exit_code != 0 and "disk_percent" in result.stderr
        assert not (example / "report.md").exists()


class TestDatasetAggregate:
    @pytest.fixture
    def example(self, tmp_path: Path) -> Path:
        return copy_example("dataset-aggregate", tmp_path)

    def by_sql(self, example: Path) -> dict[tuple[str, str], tuple[int, int]]:
        """Paid orders and revenue in cents by region and month, as SQLite adds them up."""
        with closing(sqlite3.connect(example / "data/customers.sqlite")) as database:
            database.execute("CREATE TEMP TABLE orders (day, customer, amount, status)")
            with (example / "data/orders.csv").open(newline="", encoding="utf-8") as file:
                rows = [(row["ordered_on"], row["customer_id"], row["amount"], row["status"])
                        for row in csv.DictReader(file)]
            database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
            return {(region, month): (orders, cents) for region, month, orders, cents in database.execute(
                "SELECT region, substr(day, 1, 7), sum(status = 'paid'),"
                " sum(CASE status WHEN 'paid' THEN 1 WHEN 'refunded' THEN -1 ELSE 0 END"
                " * CAST(replace(amount, '.', '') AS INTEGER))"
                " FROM orders JOIN customers ON id = customer WHERE status <> 'cancelled' GROUP BY 1, 2")}

    def test_the_totals_are_those_expected_and_those_of_sql(self, program: Program, example: Path) -> None:
        result = program.run("run", example)
        assert result.exit_code == 0, result.stderr
        totals = program.run("state", "totals", "-e", example).json()
        expected = json.loads((example / "expected.json").read_text(encoding="utf-8"))
        assert totals == expected["totals"]
        assert program.run("state", "reconciliation", "-e", example).json() == expected["reconciliation"]
        assert self.by_sql(example) == {(row["region"], row["month"]): (row["orders"], row["revenue_cents"])
                                        for row in totals["by_region_and_month"]}

    def test_figures_that_do_not_agree_fail_the_run_and_keep_the_totals(self, program: Program, example: Path) -> None:
        orders = example / "data/orders.csv"
        orders.write_text(orders.read_text().replace("104,87.09,paid", "104,87.10,paid"))
        result = program.run("run", example, "--json")
        assert (result.exit_code, statuses(result)["reconcile"]) == (8, "failed")
        assert "2026-01 by +1 cents" in next(
            node["error"] for node in result.json()["nodes"] if node["id"] == "reconcile")
        assert result.json()["state"]["totals"]["revenue_cents"] == 548756
        assert program.run("run", example, "--arg", "tolerance_cents=1").exit_code == 0

    @pytest.mark.parametrize(("old", "new", "said"), [
        ("104,87.09,paid", "104,87.09,lost", "status"),
        ("104,87.09,paid", "104,87.9,paid", "amount"),
        ("104,87.09,paid", "999,87.09,paid", "customer 999"),
    ])
    def test_a_bad_row_is_refused_and_named(self, program: Program, example: Path, old: str, new: str,
                                            said: str) -> None:
        orders = example / "data/orders.csv"
        orders.write_text(orders.read_text().replace(old, new))
        result = program.run("run", example, "--json")
        assert result.exit_code == 8 and "totals" not in result.json()["state"]
        assert any(said in str(node.get("error")) for node in result.json()["nodes"] if node["status"] == "failed")


class TestReleaseGates:
    @pytest.fixture
    def example(self, tmp_path: Path) -> Path:
        return copy_example("release-gates", tmp_path)

    def errors(self, result: Result) -> dict[str, str]:
        return {node["id"]: str(node.get("error")) for node in result.json()["nodes"] if node["status"] == "failed"}

    def state(self, result: Result) -> dict[str, Any]:
        found: dict[str, Any] = result.json()["state"]
        return found

    def test_a_package_in_order_is_released(self, program: Program, example: Path) -> None:
        result = program.run("run", example, "--json")
        assert (result.exit_code, set(statuses(result).values())) == (0, {"success"})
        release = self.state(result)["release"]
        archive = example / release["file"]
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == release["sha256"]
        with tarfile.open(archive) as content:
            assert content.getnames() == [f"tally-1.3.0/{name}" for name in (
                "CHANGELOG.md", "LICENSE", "pyproject.toml", "src/tally/__init__.py", "src/tally/words.py")]
        verdict = (example / "verdict.md").read_text(encoding="utf-8")
        assert verdict.startswith("# tally 1.3.0: released\n") and release["sha256"] in verdict

    def test_one_that_is_not_is_blocked_and_every_problem_named(self, program: Program, example: Path) -> None:
        result = program.run("run", example, "--json", "--arg", "package=./sample-bad")
        assert (result.exit_code, result.json()["status"]) == (8, "partial")
        found = statuses(result)
        assert (found["licence_gate"], found["changelog_gate"], found["coverage_gate"]) == (
            "success", "failed", "failed")
        assert (found["release"], found["verdict"]) == ("skipped", "success")
        assert self.state(result)["verdict"] == {"released": False, "blocked_by": ["changelog", "coverage"]}
        assert "coverage sank from 88.9% to 63.2%" in self.errors(result)["coverage_gate"]
        verdict = (example / "verdict.md").read_text(encoding="utf-8")
        assert verdict.startswith("# tally 1.4.0: blocked by changelog, coverage\n")
        assert "CHANGELOG.md has no entry for 1.4.0" in verdict and "new file src/tally/report.py has 40.0%" in verdict
        assert not (example / "dist").exists()

    @pytest.mark.parametrize(("file", "old", "new", "gate", "said"), [
        ("LICENSE", "MIT License", "", None, ""),
        ("src/tally/words.py", "SPDX-License-Identifier: MIT", "", "licence", "words.py has no SPDX"),
        ("CHANGELOG.md", "## [1.3.0] - 2026-05-04", "## [1.3.0]", "changelog", "has no date"),
        ("coverage-after.json", '"covered_lines": 6', '"covered_lines": 5', "coverage", "below 80%"),
    ])
    def test_each_gate_blocks_by_itself(self, program: Program, example: Path, file: str, old: str, new: str,
                                        gate: str | None, said: str) -> None:
        changed = example / "sample-ok" / file
        text = changed.read_text()
        assert old in text
        changed.write_text(text.replace(old, new))
        result = program.run("run", example, "--json")
        if gate is None:
            assert result.exit_code == 0  # the title is no part of the licence's text
            return
        assert (result.exit_code, list(self.errors(result))) == (8, [f"{gate}_gate"])
        assert said in self.errors(result)[f"{gate}_gate"]
        assert self.state(result)["verdict"] == {"released": False, "blocked_by": [gate]}

    def test_thresholds_are_arguments(self, program: Program, example: Path) -> None:
        result = program.run("run", example, "--json", "--arg", "minimum_coverage=95")
        assert list(self.errors(result)) == ["coverage_gate"]
        result = program.run("run", example, "--json", "--arg", 'allowed_licences=["ISC"]')
        assert list(self.errors(result)) == ["licence_gate"]

    def test_a_folder_without_a_package_is_blocked_with_a_verdict(self, program: Program, example: Path) -> None:
        result = program.run("run", example, "--json", "--arg", "package=./nowhere")
        assert result.exit_code not in (0, 70)
        assert self.state(result)["verdict"] == {"released": False, "blocked_by": ["package"]}
        assert (example / "verdict.md").read_text(encoding="utf-8").startswith("# ./nowhere: blocked by package\n")


class TestTriCliOrchestration:
    @pytest.fixture
    def example(self, tmp_path: Path) -> Path:
        return copy_example("tri-cli-orchestration", tmp_path)

    def test_what_two_agents_see_counts_and_the_result_says_that_nobody_was_asked(self, program: Program,
                                                                                  example: Path) -> None:
        result = program.run("run", example, "--json")
        assert (result.exit_code, set(statuses(result).values())) == (0, {"success"}), result.stderr
        state = result.json()["state"]
        expected = json.loads((example / "expected.json").read_text(encoding="utf-8"))
        assert {name: state[name] for name in expected} == expected
        assert "recorded answers" in state["asked"]
        assert [review["reviewer"] for review in state["reviews"]] == ["claude-code", "codex", "gemini"]

    def test_a_real_program_on_the_path_takes_the_place_of_a_stand_in(self, program: Program, example: Path,
                                                                      tmp_path: Path) -> None:
        answer = json.dumps({"reviews": {"reviewer": "gemini", "findings": []}})
        programs = StandIns(tmp_path / "bin")
        programs.says("gemini", *gemini(answer))
        result = program.run("run", example, "--json", "--arg", "gemini=gemini",
                             env={"PATH": f"{programs.folder}{os.pathsep}{program.environment['PATH']}"})
        assert result.json()["state"]["reviews"][2] == {"reviewer": "gemini", "findings": []}, result.stderr
        (seen,) = programs.seen("gemini")
        assert "balance too low" in seen.prompt and "You review a change to a program as `gemini`" in seen.prompt
        assert not any("balance" in word for word in seen.argv)

    def test_without_two_reviewers_there_is_no_letter(self, program: Program, example: Path) -> None:
        result = program.run("run", example, "--json", "--arg", "gemini=./none", "--arg", "claude=./none")
        assert result.exit_code == 8 and statuses(result)["letter"] == "skipped"
        assert "1 of 3 reviewers answered" in next(
            node["error"] for node in result.json()["nodes"] if node["id"] == "consensus")


class TestReadmes:
    """Every `$` line of the READMEs is run, in order, and prints what the README shows."""

    VARYING = (
        (r"\br-\d{8}-[0-9a-f]+", "r-ID"),
        (r"\((?:\d+ms|\d+\.\ds|\d+m)\)", "(TIME)"),
        (r"\bup to \S+ old\b", "up to TIME old"),
        (r"\b[0-9a-f]{64}\b", "SHA256"),  # of a gzip file, whose bytes depend on the version of zlib
    )

    @pytest.fixture
    def shell(self, program: Program, tmp_path: Path) -> Any:
        """Runs a line of shell beside a copy of the examples, where `oe` is the program."""
        for name in NAMES:
            copy_example(name, tmp_path / "examples")
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "oe").write_text(f"#!/bin/sh\nexec {shlex.join(program.command)} \"$@\"\n")
        (folder / "oe").chmod(0o755)
        environment = program.environment | {"PATH": f"{folder}{os.pathsep}{program.environment['PATH']}"}

        def run(line: str) -> list[str]:
            done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
            return done.stdout.splitlines()

        return run

    def commands(self, name: str) -> list[tuple[str, list[str]]]:
        """Each command of the `console` blocks with the lines that it is said to print."""
        text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
        found: list[tuple[str, list[str]]] = []
        for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if line.startswith("$ "):
                    found.append((line[2:], []))
                else:
                    found[-1][1].append(line)
        return found

    def steady(self, lines: list[str]) -> list[str]:
        """The lines without times and ids, in an order that does not depend on which node was faster."""
        for pattern, name in self.VARYING:
            lines = [re.sub(pattern, name, line) for line in lines]
        return sorted(lines)

    def without_figures(self, lines: list[str]) -> list[str]:
        """The steady lines with every number taken out."""
        return sorted(re.sub(r"\d[\d.,]*((ms|s|m \d+s)\b)?", "N", line) for line in self.steady(lines))

    @pytest.mark.parametrize("name", [*REPLAYED, "dataset-aggregate", "hello-tool", "release-gates",
                                      "tri-cli-orchestration"])
    def test_commands_print_what_is_shown(self, shell: Any, name: str) -> None:
        commands = self.commands(name)
        assert commands
        for command, shown in commands:
            assert self.steady(shell(command)) == self.steady(shown), command

    def test_the_summary_of_the_host_report_has_the_shape_that_is_shown(self, shell: Any) -> None:
        shell("oe run examples/host-report --arg scan_root=\"$PWD\" --arg scan_seconds=0.5")
        ((command, shown),) = self.commands("host-report")
        printed = json.loads("\n".join(shell(command)))
        assert {key: type(value) for key, value in printed.items()} == {
            key: type(value) for key, value in json.loads("\n".join(shown)).items()}

    @pytest.mark.parametrize(("name", "more"), [("stdlib-census", "--arg limit=40 "), ("long-batch", "")])
    def test_commands_print_what_is_shown_but_for_figures(self, shell: Any, name: str, more: str) -> None:
        commands = self.commands(name)
        assert commands
        for command, shown in commands:
            printed = shell(command.replace(f"oe run examples/{name}", f"oe run {more}examples/{name}"))
            assert self.without_figures(printed) == self.without_figures(shown), command
