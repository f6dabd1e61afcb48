"""Collects the ports that something listens on: from /proc/net, or from `ss` or `netstat`."""

from __future__ import annotations

import os
import re
import struct
import sys
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from probe import Section, ask, not_available, read_text

_LISTENING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}  # the kernel's TCP_LISTEN; udp: bound, unconnected
_NOBODY_KNOWS = ""


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `ports`."""
    section = from_proc() or from_ss() or from_netstat()
    return {"ports": section or not_available("there is no /proc/net, and neither ss nor netstat answered")}


def from_proc() -> Section | None:
    """The section as the kernel tells it, None where it does not."""
    tables = {protocol: text for protocol in _LISTENING if (text := read_text(f"/proc/net/{protocol}")) is not None}
    if not tables:
        return None
    found = {protocol: parse_table(text, _LISTENING[protocol]) for protocol, text in tables.items()}
    names = process_names() if any(found.values()) else {}
    rows = [_row(protocol, address, port, names.get(inode, _NOBODY_KNOWS))
            for protocol, sockets in found.items() for address, port, inode in sockets]
    return _section(", ".join(f"/proc/net/{protocol}" for protocol in tables), rows)


def parse_table(text: str, state: str) -> list[tuple[str, int, str]]:
    """Address, port and inode of the sockets in that state: columns 2, 4 and 10 of a /proc/net table, proc(5)."""
    sockets = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == state:
            address, port = fields[1].split(":")
            sockets.append((parse_address(address), int(port, 16), fields[9]))
    return sockets


def parse_address(digits: str) -> str:
    """An address as the kernel prints it: words of 32 bits, each in the machine's byte order."""
    order = "<" if sys.byteorder == "little" else ">"
    words = [struct.pack(f"{order}I", int(digits[start:start + 8], 16)) for start in range(0, len(digits), 8)]
    packed = b"".join(words)
    return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))


def process_names() -> dict[str, str]:
    """Inode of a socket -> 'name (pid)', for those processes whose files may be seen: all of them for root."""
    names: dict[str, str] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            with os.scandir(process / "fd") as files:
                links = [os.readlink(file.path) for file in files]
        except OSError:
            continue  # another user's, or gone
        name = (read_text(f"{process}/comm") or "?").strip()
        names |= {link[8:-1]: f"{name} ({process.name})" for link in links if link.startswith("socket:[")}
    return names


def from_ss() -> Section | None:
    """The section as `ss` tells it."""
    answer = ask(["ss", "-H", "-l", "-n", "-t", "-u"])
    if answer.problem:
        return None
    return _section("ss", parse_ss(answer.text))


def parse_ss(text: str) -> list[Section]:
    """The rows of what `ss -Hlntu` prints; it writes IPv6 addresses in brackets and no family."""
    rows = []
    for fields in map(str.split, text.splitlines()):
        if len(fields) > 4 and fields[0] in ("tcp", "udp"):
            address, port = _split(fields[4])
            if port is not None:
                rows.append(_row(f"{fields[0]}6" if fields[4].startswith("[") else fields[0], address, port))
    return rows


def from_netstat() -> Section | None:
    """The section as `netstat` tells it; macOS marks no udp socket as listening, but gives it no peer."""
    answer = ask(["netstat", "-a", "-n"])
    if answer.problem:
        return None
    return _section("netstat", parse_netstat(answer.text))


def parse_netstat(text: str) -> list[Section]:
    """The rows of what `netstat -an` prints on Linux and on macOS."""
    rows = []
    for fields in map(str.split, text.splitlines()):
        if len(fields) < 5 or not re.match(r"(tcp|udp)[46]*$", fields[0]):
            continue
        is_open = "LISTEN" in fields[5:6] if fields[0].startswith("tcp") else fields[4].endswith("*")
        address, port = _split(fields[3])
        if is_open and port is not None:
            rows.append(_row(fields[0].replace("46", "6").replace("4", ""), address, port))
    return rows


def _split(local: str) -> tuple[str, int | None]:
    """`127.0.0.1:22`, `[::]:22`, `*:22`, and on macOS `127.0.0.1.22`."""
    address, separator, port = local.rpartition(":")
    if not separator or not port.isdigit():
        address, _, port = local.rpartition(".")
    return address.strip("[]"), int(port) if port.isdigit() else None


def _row(protocol: str, address: str, port: int | None, process: str = _NOBODY_KNOWS) -> Section:
    return {"protocol": protocol, "address": address, "port": port, "process": process}


def _section(source: str, rows: list[Section]) -> Section:
    unique = {(row["protocol"], row["port"], row["address"]): row for row in rows}
    return {"source": source, "rows": [unique[key] for key in sorted(unique)]}
