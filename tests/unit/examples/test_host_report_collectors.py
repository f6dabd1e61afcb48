"""What the host report's collectors read, from this host and from texts of others."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = "host-report"

MEMINFO = """\
MemTotal:        2048000 kB
MemFree:          100000 kB
MemAvailable:     512000 kB
Buffers:           10000 kB
Cached:           300000 kB
SwapTotal:       1000000 kB
SwapFree:         900000 kB
HugePages_Total:       0
"""
VM_STAT = """\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            200000.
Pages inactive:                            5000.
Pages speculative:                         1000.
"""
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1065 1 0000 100 0 0 10 0
   1: 0100007F:1538 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 1066 1 0000 100 0 0 10 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 2001 1
"""
NETSTAT_MACOS = """\
Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  10.0.0.5.52000         93.184.216.34.443      ESTABLISHED
tcp4       0      0  127.0.0.1.631          *.*                    LISTEN
tcp46      0      0  *.22                   *.*                    LISTEN
udp4       0      0  *.5353                 *.*
udp4       0      0  10.0.0.5.123           17.253.14.125.123
"""
NETSTAT_LINUX = """\
Proto Recv-Q Send-Q Local Address           Foreign Address         State
tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN
tcp        0      0 10.0.0.5:22             10.0.0.9:5000           ESTABLISHED
tcp6       0      0 :::80                   :::*                    LISTEN
udp        0      0 127.0.0.1:323           0.0.0.0:*
"""
SS = """\
udp   UNCONN 0      0        127.0.0.53%lo:53        0.0.0.0:*
tcp   LISTEN 0      128            0.0.0.0:22        0.0.0.0:*
tcp   LISTEN 0      128               [::]:22           [::]:*
"""


class TestMounts:
    def test_names_are_read_as_fstab_5_writes_them(self, tools: Any) -> None:
        table = b"/dev/sda1 /mnt/my\\040disk\\011\\134 ext4 ro,noatime 0 0\n//nas/a\\040b /srv/caf\xc3\xa9 cifs rw 0 0\n"
        first, second = tools.mounts.parse_mounts(table)
        assert (first.device, first.path, first.options) == ("/dev/sda1", b"/mnt/my disk\t\\", ("ro", "noatime"))
        assert (second.device, second.shown, second.type) == ("//nas/a b", "/srv/café", "cifs")

    def test_a_name_that_is_no_text_is_shown_and_still_asked_for_by_its_bytes(self, tools: Any) -> None:
        (mount,) = tools.mounts.parse_mounts(b"/dev/sdb /mnt/\xff vfat rw 0 0\n")
        assert (mount.path, mount.shown) == (b"/mnt/\xff", "/mnt/\\xff")

    @pytest.mark.parametrize(("line", "expected"), [
        ("/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)",
         ("/dev/disk3s1s1", b"/", "apfs", ("sealed", "local", "read-only", "journaled"))),
        ("/dev/disk4s1 on /Volumes/My Disk (msdos, local)", ("/dev/disk4s1", b"/Volumes/My Disk", "msdos", ("local",))),
        ("tmpfs on /run type tmpfs (rw,nosuid)", ("tmpfs", b"/run", "tmpfs", ("rw", "nosuid"))),
    ])
    def test_what_mount_prints_is_read(self, tools: Any, line: str, expected: tuple[object, ...]) -> None:
        (mount,) = tools.mounts.parse_printed(line + "\n")
        assert mount == expected


class TestFilesystems:
    def item(self, tools: Any, path: str, kind: str = "ext4", options: str = "rw") -> Any:
        (item,) = tools.mounted.describe([tools.mounts.Mount("/dev/x", path.encode(), kind, tuple(options.split(",")))])
        return item

    def status(self, **changed: int) -> os.statvfs_result:
        values = {"bsize": 4096, "frsize": 4096, "blocks": 1000, "bfree": 200, "bavail": 100, "files": 100, "ffree": 50,
                  "favail": 50, "flag": 0, "namemax": 255} | changed
        return os.statvfs_result(tuple(values.values()))

    def test_sizes_are_those_of_df(self, tools: Any) -> None:
        item = self.item(tools, "/")
        (row,) = tools.filesystems.join([item], [tools.usage.measure(item, lambda path: self.status())])
        assert row == {"mount": "/", "device": "/dev/x", "type": "ext4", "read_only": False, "problem": None,
                       "size_bytes": 4096000, "used_bytes": 3276800, "available_bytes": 409600,
                       "used_percent": 89, "inodes_percent": 50}

    def test_every_file_system_of_this_host_has_the_figures_of_df(self, tools: Any, tmp_path: Path) -> None:
        mounts = tools.mounted.run({}, None)["mounts"]
        usage = [tools.usage.measure(item, os.statvfs, 60) for item in mounts["rows"]]
        found = tools.filesystems.run({"_state": {"mounts": mounts}, "usage": usage}, None)["filesystems"]
        rows = {row["mount"]: row for row in found["rows"]}
        place = next(str(folder) for folder in [tmp_path, *tmp_path.parents] if os.path.ismount(folder))
        _, blocks, _, _, percent, *_ = subprocess.run(
            ["df", "-kP", place], capture_output=True, text=True, check=True).stdout.splitlines()[1].split()
        assert rows[place]["size_bytes"] // 1024 == int(blocks)
        assert abs(rows[place]["used_percent"] - int(percent.removesuffix("%"))) <= 1

    def test_one_that_does_not_answer_is_left_behind(self, tools: Any) -> None:
        answered = threading.Event()

        def statvfs(path: bytes) -> os.statvfs_result:
            answered.wait(30)
            return self.status()

        found = tools.usage.measure(self.item(tools, "/dead"), statvfs, 0.2)
        answered.set()
        assert found == {"problem": "did not answer within 0.2 s"}

    def test_what_cannot_be_asked_says_why(self, tools: Any) -> None:
        def refuse(path: bytes) -> os.statvfs_result:
            raise PermissionError(13, "Permission denied")

        item = self.item(tools, "/root", options="ro,nosuid")
        assert item["read_only"] and tools.usage.measure(item, refuse) == {"problem": "permission denied"}

    def test_a_name_that_is_no_text_is_asked_for_by_its_bytes(self, tools: Any) -> None:
        asked: list[bytes] = []
        (item,) = tools.mounted.describe([tools.mounts.Mount("/dev/x", b"/mnt/\xff\xc3\xa9", "ext4", ("rw",))])

        def statvfs(path: bytes) -> os.statvfs_result:
            asked.append(path)
            return self.status()

        tools.usage.measure(json.loads(json.dumps(item)), statvfs)
        assert (item["mount"], asked) == ("/mnt/\\xffé", [b"/mnt/\xff\xc3\xa9"])

    def test_a_covered_mount_does_not_get_the_figures_of_the_one_above(self, tools: Any) -> None:
        mounts = [tools.mounts.Mount("/dev/x", b"/data", kind, ("rw",)) for kind in ("ext4", "xfs")]
        lower, upper = (tools.usage.measure(item, lambda path: self.status()) for item in tools.mounted.describe(mounts))
        assert lower == {"problem": "covered by a later mount"} and upper["size_bytes"] == 4096000

    def test_a_mount_on_demand_is_not_mounted_by_the_report(self, tools: Any) -> None:
        def statvfs(path: bytes) -> os.statvfs_result:
            raise AssertionError("it was asked")

        assert tools.usage.measure(self.item(tools, "/net", "autofs"), statvfs) == {}

    def test_inodes_are_unknown_where_the_file_system_has_none(self, tools: Any) -> None:
        found = tools.usage.measure(self.item(tools, "/"), lambda path: self.status(files=0, ffree=0, favail=0))
        assert found["inodes_percent"] is None

    def test_one_whose_item_failed_is_listed_all_the_same(self, tools: Any) -> None:
        first, second = tools.filesystems.join([self.item(tools, "/a"), self.item(tools, "/b")], [None, {}])
        assert (first["mount"], first["problem"]) == ("/a", "could not be asked, see 'oe logs'")
        assert (second["mount"], second["problem"]) == ("/b", None)


class TestMemoryAndLoad:
    def test_meminfo(self, tools: Any) -> None:
        assert tools.memory.parse_meminfo(MEMINFO) == {
            "source": "/proc/meminfo", "total_bytes": 2048000 * 1024, "available_bytes": 512000 * 1024,
            "used_percent": 75.0, "swap_total_bytes": 1000000 * 1024, "swap_free_bytes": 900000 * 1024}

    def test_meminfo_of_an_old_kernel(self, tools: Any) -> None:
        old = MEMINFO.replace("MemAvailable:     512000 kB\n", "")
        assert tools.memory.parse_meminfo(old)["available_bytes"] == 410000 * 1024

    def test_vm_stat(self, tools: Any) -> None:
        found = tools.memory.parse_vm_stat(16 * 2**30, VM_STAT)
        assert (found["source"], found["available_bytes"]) == ("vm_stat", 16000 * 16384)

    def test_a_limit_counts_only_below_the_memory_there_is(self, tools: Any, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
        limit = tmp_path / "memory.max"
        monkeypatch.setattr(tools.memory, "_LIMIT_FILES", (str(tmp_path / "none"), str(limit)))
        found = []
        for text in ("max\n", "9223372036854771712\n", "536870912\n"):
            limit.write_text(text)
            found.append(tools.memory.control_group_limit(2**34))
        assert found == [None, None, 536870912]

    def test_load_is_also_given_for_each_processor(self, tools: Any) -> None:
        found = tools.load.describe_load((4.0, 3.0, 2.004), 4)
        assert (found["one"], found["five"], found["fifteen"], found["five_per_core"]) == (4.0, 3.0, 2.0, 0.75)


class TestPorts:
    def test_listening_sockets_of_a_kernel_table(self, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "byteorder", "little")
        assert tools.ports.parse_table(TCP, "0A") == [("127.0.0.1", 5432, "1065")]
        assert tools.ports.parse_table(TCP6, "0A") == [("::1", 22, "2001")]

    def test_an_address_on_a_big_endian_machine(self, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "byteorder", "big")
        assert tools.ports.parse_address("7F000001") == "127.0.0.1"

    def test_a_real_socket_is_found(self, tools: Any) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            port = listening.getsockname()[1]
            rows = tools.ports.run({}, None)["ports"]["rows"]
        (row,) = [row for row in rows if row["port"] == port and row["protocol"] == "tcp"]
        assert row["address"] == "127.0.0.1"
        if Path("/proc/net/tcp").exists():
            assert row["process"].endswith(f"({os.getpid()})")

    def test_ss(self, tools: Any) -> None:
        found = [(row["protocol"], row["address"], row["port"]) for row in tools.ports.parse_ss(SS)]
        assert found == [("udp", "127.0.0.53%lo", 53), ("tcp", "0.0.0.0", 22), ("tcp6", "::", 22)]

    def test_netstat(self, tools: Any) -> None:
        def found(text: str) -> list[tuple[str, str, int]]:
            return [(row["protocol"], row["address"], row["port"]) for row in tools.ports.parse_netstat(text)]

        assert found(NETSTAT_MACOS) == [("tcp", "127.0.0.1", 631), ("tcp6", "*", 22), ("udp", "*", 5353)]
        assert found(NETSTAT_LINUX) == [("tcp", "0.0.0.0", 22), ("tcp6", "::", 80), ("udp", "127.0.0.1", 323)]

    def test_without_any_source_it_says_so(self, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tools.ports, "read_text", lambda path: None)
        monkeypatch.setattr(tools.ports, "ask", lambda argv: tools.probe.Answer("", f"{argv[0]} is not installed"))
        assert tools.ports.run({}, None)["ports"] == {
            "source": "not available: there is no /proc/net, and neither ss nor netstat answered"}


class TestErrors:
    def collect(self, tools: Any, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any]) -> dict[str, Any]:
        def ask(argv: list[str], timeout_seconds: float = 0) -> Any:
            return answers.get(argv[0]) or tools.probe.Answer("", f"{argv[0]} is not installed")

        monkeypatch.setattr(tools.errors, "ask", ask)
        found: dict[str, Any] = tools.errors.run({"hours": 6}, None)["errors"]
        return found

    def test_the_journal_comes_first(self, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        found = self.collect(tools, monkeypatch, {"journalctl": tools.probe.Answer("a: disk failure\n\nb: oom\n")})
        assert found == {"source": "journalctl (last 6 h)", "count": 2, "lines": ["a: disk failure", "b: oom"]}

    def test_an_empty_answer_of_a_journal_means_no_errors_only_if_there_is_a_journal(
            self, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = {"journalctl": tools.probe.Answer(""), "dmesg": tools.probe.Answer("kernel: bad\n")}
        monkeypatch.setattr(tools.errors, "_has_journal", lambda: True)
        assert self.collect(tools, monkeypatch, answers)["count"] == 0
        monkeypatch.setattr(tools.errors, "_has_journal", lambda: False)
        found = self.collect(tools, monkeypatch, answers)
        assert found["source"] == "dmesg (since start); not available: journalctl found no journal"
        assert found["lines"] == ["kernel: bad"]

    def test_then_a_log_file(self, tools: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        log = tmp_path / "syslog"
        log.write_text("10:00 cron: started\n10:01 sda: I/O error\n10:02 errorless\n10:03 app: FATAL: no\n")
        monkeypatch.setattr(tools.errors, "_LOG_FILES", (str(tmp_path / "none"), str(log)))
        found = self.collect(tools, monkeypatch, {})
        assert found["lines"] == ["syslog: 10:01 sda: I/O error", "syslog: 10:03 app: FATAL: no"]
        assert found["source"] == "log file; not available: journalctl is not installed; dmesg is not installed"

    def test_without_any_source_it_says_why(self, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tools.errors, "_LOG_FILES", ())
        assert self.collect(tools, monkeypatch, {}) == {
            "source": "not available: journalctl is not installed; dmesg is not installed; "
                      "no readable log file in /var/log"}

    def test_only_the_last_lines_are_kept(self, tools: Any) -> None:
        found = tools.errors.describe("dmesg", "".join(f"line {number}\n" for number in range(100)), [])
        assert (found["count"], len(found["lines"]), found["lines"][-1]) == (100, 20, "line 99")


class TestPrograms:
    def test_one_that_is_missing(self, tools: Any) -> None:
        assert tools.probe.ask(["no-such-program-1"]).problem == "no-such-program-1 is not installed"

    def test_one_that_fails(self, tools: Any) -> None:
        answer = tools.probe.ask([sys.executable, "-c", "import sys; sys.exit('first\\nnot permitted')"], 60)
        assert answer.problem == f"{sys.executable} failed: not permitted"

    def test_one_that_takes_too_long(self, tools: Any) -> None:
        answer = tools.probe.ask([sys.executable, "-c", "import signal; signal.pause()"], 0.2)
        assert answer.problem == f"{sys.executable} did not answer within 0.2 s"

    def test_the_folders_of_administrators_programs_are_searched(self, tools: Any,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        found = tools.probe.ask([sys.executable, "-c", "import os; print(os.environ['PATH'])"], 60)
        assert found.text.strip() == "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


class TestDirectories:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        for name, size_kib in (("big/deep/er/a", 300), ("big/b", 100), ("small/c", 20), ("top", 500)):
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(os.urandom(size_kib * 1024))
        os.link(tmp_path / "big/b", tmp_path / "big/again")
        (tmp_path / "loop").symlink_to(tmp_path)
        return tmp_path

    @pytest.mark.skipif(shutil.which("du") is None, reason="du is not installed")
    def test_sizes_are_those_of_du(self, tools: Any, tree: Path) -> None:
        found = tools.directories.scan(str(tree), 60, set())
        printed = subprocess.run(["du", "-xk", str(tree)], capture_output=True, text=True, check=True).stdout
        by_du = {path: int(size) * 1024 for size, path in (line.split("\t") for line in printed.splitlines())}
        assert found["complete"]
        assert [row["path"] for row in found["rows"]] == [str(tree / name) for name in ("big", "big/deep", "small")]
        assert all(row["size_bytes"] == by_du[row["path"]] for row in found["rows"])

    def test_other_mounts_are_not_entered(self, tools: Any, tree: Path) -> None:
        found = tools.directories.scan(str(tree), 60, {str(tree / "big")})
        assert [row["path"] for row in found["rows"]] == [str(tree / "small")]

    def test_when_the_time_is_over_it_says_at_least(self, tools: Any, tree: Path) -> None:
        found = tools.directories.scan(str(tree), 0, set())
        assert not found["complete"] and found["source"].endswith("stopped after 0 s, so sizes are 'at least'")

    def test_a_root_that_does_not_exist(self, tools: Any) -> None:
        found = tools.directories.run({"root": "/no/such", "seconds": 1}, None)
        assert found == {"directories": {"source": "not available: '/no/such' is not a directory"}}

    def test_what_cannot_be_listed_is_counted(self, tools: Any, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.scandir

        def scandir(path: str) -> Any:
            if path.endswith("/small"):
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        found = tools.directories.scan(str(tree), 60, set())
        assert "unreadable directories: 1" in found["source"] and found["complete"]

    def test_the_largest_files_of_a_file_system(self, tools: Any, tree: Path) -> None:
        found = tools.large_files.run({"mount": str(tree / "big"), "seconds": 60}, None)["large_files"]
        assert [section["mount"] for section in found] == [str(tree / "big")]
        names = [Path(row["path"]).name for row in found[0]["rows"]]
        assert names[0] == "a" and names[1] in ("b", "again")
        assert found[0]["complete"] and found[0]["source"] == "4 entries of the file system"

    def test_one_that_is_gone_says_so(self, tools: Any) -> None:
        (section,) = tools.large_files.run({"mount": "/no/such", "seconds": 1}, None)["large_files"]
        assert section == {"mount": "/no/such", "source": "not available: '/no/such': no such file or directory"}


class TestProcesses:
    def test_a_name_may_hold_anything(self, tools: Any) -> None:
        fields = ["S"] + ["0"] * 10 + ["150", "50"] + ["0"] * 8 + ["1000"]
        found = tools.processes.parse_stat(f"42 (a) b) ( c) {' '.join(fields)}\n")
        assert found.name == "a) b) ( c"
        assert found.cpu_seconds == 200 / os.sysconf("SC_CLK_TCK")
        assert found.memory_bytes == 1000 * os.sysconf("SC_PAGE_SIZE")

    def test_processor_time_is_that_between_the_samples(self, tools: Any) -> None:
        sample = tools.processes.Sample
        rows = tools.processes.compare({1: sample("a", 10.0, 5), 2: sample("gone", 0.0, 0)},
                                       {1: sample("a", 10.25, 7), 3: sample("new", 9.0, 0)}, 0.5)
        assert rows == [{"pid": 1, "name": "a", "memory_bytes": 7, "cpu_percent": 50.0}]

    def test_the_busiest_are_picked_beside_the_largest(self, tools: Any) -> None:
        rows = [{"pid": pid, "name": "x", "memory_bytes": 100 - pid, "cpu_percent": float(pid)} for pid in range(1, 21)]
        assert [row["pid"] for row in tools.processes.pick(rows)] == [1, 2, 3, 4, 5, 16, 17, 18, 19, 20]

    def test_ps(self, tools: Any) -> None:
        (row,) = tools.processes.parse_ps("  77  2048   1,5 /Applications/My App\n")
        assert row == {"pid": 77, "name": "/Applications/My App", "memory_bytes": 2048 * 1024, "cpu_percent": 1.5}


def test_the_host_is_this_one(tools: Any) -> None:
    host = tools.host.run({}, None)["host"]
    assert (host["name"], host["machine"]) == (os.uname().nodename, os.uname().machine)
    assert host["processors"] == os.cpu_count() and host["uptime_seconds"] > 0 and host["system"]
