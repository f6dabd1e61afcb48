"""The architecture's layer table as data, and the checker that reads imports and calls from the source's syntax tree.

Knows nothing of pytest: it answers with sentences, each naming file, line, what is wrong and why.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

BASE = "base"
BASE_MODULES = frozenset({"errors", "diagnostics", "values", "clock", "ids", "redact", "sealed", "text", "digests",
                          "record"})
PURE = frozenset({"lang", "spec", "plan", "state", "ports", "render"})
_PURE_TYPES = {BASE, "lang", "spec", "plan", "state"}
_BELOW_APP = _PURE_TYPES | {"ports", "run", "kinds", "net", "llm", "store", "jobs", "observe", "render"}


class Layer(NamedTuple):
    """Which layers a layer may import (itself is understood), and the reason that a failure shows."""

    may_import: frozenset[str]
    reason: str


def _layer(names: set[str], reason: str) -> Layer:
    return Layer(frozenset(names), reason)


LAYERS = {
    BASE: _layer(set(), "base values are used by every layer, so they depend on none"),
    "lang": _layer({BASE}, "lang turns text into positioned trees and knows nothing of experiences"),
    "spec": _layer({BASE, "lang"}, "spec is the model of what was written; it must not know how it is run"),
    "plan": _layer({BASE, "lang", "spec"}, "plan computes the graph from the spec alone"),
    "state": _layer(_PURE_TYPES - {"state"}, "state changes by events in one reducer, whoever feeds it"),
    "ports": _layer(_PURE_TYPES, "ports are types; an implementation depends on them, never they on it"),
    "run": _layer(_PURE_TYPES | {"ports"}, "the scheduler meets the world and the node kinds only through ports"),
    "kinds": _layer({BASE, "lang", "spec", "ports"}, "a node kind uses what its context offers, never the scheduler"),
    "net": _layer({BASE, "ports"}, "adapters are strangers to each other"),
    "llm": _layer({BASE, "lang", "ports", "net"}, "a provider reaches the network only through net"),
    "store": _layer(_PURE_TYPES | {"ports"}, "adapters are strangers to each other"),
    "jobs": _layer({BASE, "state", "ports", "store"}, "the queue lives in the store and knows no runner"),
    "observe": _layer({BASE, "state", "ports", "net"}, "an observer sees events; it must not be able to steer the run"),
    "render": _layer({BASE, "state"}, "rendering turns a snapshot into text and knows nothing else"),
    "settings": _layer(_BELOW_APP, "settings are read once, for the composition root"),
    "app": _layer(_BELOW_APP | {"settings", "archive"}, "app builds everything below it; surfaces build nothing"),
    "tui": _layer({BASE, "state", "render", "app"}, "a surface reads snapshots and sends commands through app"),
    "web": _layer({BASE, "state", "render", "app"}, "a surface reads snapshots and sends commands through app"),
    "mcp": _layer({BASE, "state", "render", "app"}, "a surface reads snapshots and sends commands through app"),
    "archive": _layer(set(), "the archive's importer runs before anything else is there to import"),
    "cli": _layer({BASE, "archive", "lang", "spec", "state", "render", "settings", "app", "tui", "web", "mcp"},
                  "the command line is the edge: it parses, asks app, prints and exits"),
    "api": _layer(_BELOW_APP | {"settings", "app"}, "the library's front only hands on what app and its layers offer"),
    "main": _layer({"cli"}, "`python -m oe` starts the command line and nothing else"),
}

SERVES = frozenset({"net", "web", "mcp"})
_NETWORK = ("only net and the surfaces that serve may reach the network or start processes, "
            "so that a run without network nodes provably opens nothing")
_LOOP_USERS = frozenset({"run", "kinds", "net", "llm", "store", "jobs", "observe", "app", "web", "mcp", "cli"})

EXCLUSIVE: dict[str, tuple[frozenset[str], str]] = {
    **{name: (SERVES, _NETWORK) for name in (
        "socket", "ssl", "http", "urllib", "subprocess", "socketserver", "ftplib", "smtplib", "imaplib", "poplib",
        "xmlrpc", "webbrowser", "multiprocessing", "pty", "_socket", "_ssl", "_posixsubprocess",
        "asyncio.subprocess", "asyncio.streams", "wsgiref")},
    "asyncio": (_LOOP_USERS, "only the layers that run or serve know the event loop"),
    "sqlite3": (frozenset({"store", "jobs", "kinds"}), "SQLite is one implementation of the Store port, and a data set"),
    "curses": (frozenset({"tui"}), "only the terminal surface draws on a terminal"),
    "argparse": (frozenset({"cli"}), "only the edge parses arguments"),
}
"""Modules that few layers may import; the longest matching name decides. `urllib.parse` is pure text: for everyone."""

HARMLESS = frozenset({"urllib.parse"})

PROCESS_AND_STREAM_CALLS = frozenset({
    "create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell", "open_connection",
    "start_server", "open_unix_connection", "start_unix_server", "create_connection", "create_server",
    "create_datagram_endpoint", "create_unix_connection", "create_unix_server", "getaddrinfo", "getnameinfo",
    "sock_connect", "posix_spawn", "posix_spawnp", "fork", "forkpty", "execv", "execve", "execvp", "execvpe",
    "execl", "execle", "execlp", "spawnv", "spawnve", "spawnvp", "popen"})
"""Attribute names that reach the network or start a process whatever object they are found on (asyncio, a loop, os)."""

IMPURE_MODULES = frozenset({
    "time", "os", "io", "random", "secrets", "threading", "_thread", "concurrent", "signal", "select", "selectors",
    "shutil", "tempfile", "glob", "fileinput", "uuid", "logging", "mmap", "fcntl", "ctypes", "queue", "sched",
    "contextvars", "platform", "getpass", "atexit", "zipfile", "tarfile", "gzip", "stat", "codecs"})
IMPURE_CALLS = frozenset({"open", "input", "print", "exec", "eval", "compile", "__import__", "breakpoint"})
IMPURE_ATTRIBUTES = frozenset({"now", "utcnow", "today"})
IMPURE_NAMES = {"pathlib": frozenset({"Path", "PosixPath", "WindowsPath"})}
_PURE_REASON = "this layer is pure: no clock, disk, network, process, loop or randomness"

OPTIONAL_PEERS = frozenset({"psycopg", "opentelemetry"})


class Import(NamedTuple):
    """One imported module of one file. `deferred`: inside a function; `typing_only`: under `if TYPE_CHECKING`."""

    name: str
    line: int
    deferred: bool
    typing_only: bool
    members: tuple[str, ...] = ()


class Module(NamedTuple):
    """A parsed file of the package."""

    name: str
    path: Path
    tree: ast.Module
    is_package: bool


def load(root: Path) -> dict[str, Module]:
    """Every module of the package `oe` under `root`, by dotted name."""
    modules = {}
    for path in sorted((root / "oe").rglob("*.py")):
        parts = list(path.relative_to(root).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = Module(name, path, ast.parse(path.read_bytes(), str(path)), is_package)
    return modules


def layer_of(module: str) -> str | None:
    """The layer a module of `oe` belongs to; None where the table has no place for it."""
    parts = module.split(".")
    if parts == ["oe"]:
        return "api"
    if parts[1] == "__main__":
        return "main"
    if parts[1] in BASE_MODULES:
        return BASE
    return parts[1] if parts[1] in LAYERS else None


def imports_of(module: Module, known: set[str]) -> list[Import]:
    """What a module imports; `from package import submodule` counts as the submodule."""
    return list(_imports(module.tree.body, module, known, deferred=False, typing_only=False))


def _imports(body: list[ast.stmt], module: Module, known: set[str], *, deferred: bool,
             typing_only: bool) -> Iterator[Import]:
    for statement in body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield Import(alias.name, statement.lineno, deferred, typing_only)
        elif isinstance(statement, ast.ImportFrom):
            yield from _from_imports(statement, module, known, deferred, typing_only)
        else:
            inside = deferred or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            typing = typing_only or (isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test))
            for inner in _bodies(statement):
                yield from _imports(inner, module, known, deferred=inside, typing_only=typing)


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        inner = getattr(statement, field, None)
        if inner:
            yield inner
    for holder in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield holder.body


def _from_imports(statement: ast.ImportFrom, module: Module, known: set[str], deferred: bool,
                  typing_only: bool) -> Iterator[Import]:
    source = statement.module or ""
    if statement.level:
        package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
        source = ".".join([*package[: len(package) - statement.level + 1], *([source] if source else [])])
    members = []
    for alias in statement.names:
        submodule = f"{source}.{alias.name}"
        if submodule in known or submodule in EXCLUSIVE:
            yield Import(submodule, statement.lineno, deferred, typing_only)
        else:
            members.append(alias.name)
    if members:
        yield Import(source, statement.lineno, deferred, typing_only, tuple(members))


def violations(root: Path) -> list[str]:
    """Every breach of the table under `root/oe`: `file:line: what, because why`."""
    modules = load(root)
    found = [breach for module in modules.values() for breach in _breaches(module, set(modules))]
    found += [f"import cycle at module level: {' -> '.join(cycle)}" for cycle in cycles(modules)]
    return [breach.replace(f"{root}/", "") for breach in found]


def _breaches(module: Module, known: set[str]) -> Iterator[str]:
    layer = layer_of(module.name)
    if layer is None:
        yield (f"{module.path}:1: '{module.name}' is in no layer, because every module has its place: "
               "add it to the table in tests/support/layers.py and to ARCHITECTURE.md")
        return
    for imported in imports_of(module, known):
        where = f"{module.path}:{imported.line}"
        if "*" in imported.members:
            yield f"{where}: 'from {imported.name} import *', because a reader must see where a name comes from"
        check = _own if imported.name.split(".")[0] == "oe" else _foreign
        for breach in check(layer, imported):
            yield f"{where}: {layer} imports '{imported.name}', but {breach}"
    yield from _calls(module, layer)


def _own(layer: str, imported: Import) -> Iterator[str]:
    target = layer_of(imported.name)
    if target is None:
        yield "it is in no layer of the table"
    elif target != layer and target not in LAYERS[layer].may_import:
        allowed = ", ".join(sorted(LAYERS[layer].may_import)) or "nothing else"
        yield f"{LAYERS[layer].reason} (allowed: {allowed})"


def _foreign(layer: str, imported: Import) -> Iterator[str]:
    top = imported.name.split(".")[0]
    if top in OPTIONAL_PEERS:
        if not imported.deferred:
            yield "an optional peer is imported inside the one function that needs it"
        return
    if top not in sys.stdlib_module_names:
        yield "the program needs nothing but the standard library at run time"
        return
    if _is_harmless(imported):
        return
    rule = _exclusive(imported.name)
    if rule is not None and layer not in rule[0]:
        yield rule[1]
    elif layer in PURE and (top in IMPURE_MODULES or IMPURE_NAMES.get(top, frozenset()) & set(imported.members)):
        yield _PURE_REASON


def _is_harmless(imported: Import) -> bool:
    return imported.name in HARMLESS or (imported.members != () and all(
        f"{imported.name}.{member}" in HARMLESS for member in imported.members))


def _exclusive(name: str) -> tuple[frozenset[str], str] | None:
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((EXCLUSIVE[prefix] for prefix in prefixes if prefix in EXCLUSIVE), None)


def _calls(module: Module, layer: str) -> Iterator[str]:
    for node in ast.walk(module.tree):
        where = f"{module.path}:{getattr(node, 'lineno', 1)}"
        if isinstance(node, ast.Attribute) and node.attr in PROCESS_AND_STREAM_CALLS and layer not in SERVES:
            yield f"{where}: {layer} uses '.{node.attr}', but {_NETWORK}"
        if isinstance(node, ast.Attribute) and node.attr in IMPURE_ATTRIBUTES and layer in PURE and _is_clock(node):
            yield f"{where}: {layer} reads the clock by '.{node.attr}', but {_PURE_REASON}"
        if isinstance(node, ast.Attribute) and layer in PURE and ast.unparse(node) == "pathlib.Path":
            yield f"{where}: {layer} uses 'pathlib.Path', but {_PURE_REASON} (PurePath is a value)"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from _builtin_call(node, node.func.id, layer, where)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.exit", "os._exit"} and layer not in {
                "cli", "main"}:
            yield f"{where}: {layer} ends the process, but only the edge prints and exits"


def _is_clock(node: ast.Attribute) -> bool:
    return ast.unparse(node.value) in {"datetime", "date", "datetime.datetime", "datetime.date"}


def _builtin_call(node: ast.Call, name: str, layer: str, where: str) -> Iterator[str]:
    if layer in PURE and name in IMPURE_CALLS:
        yield f"{where}: {layer} calls '{name}()', but {_PURE_REASON}"
    elif name == "print" and layer not in {"cli", "main"} and not any(key.arg == "file" for key in node.keywords):
        yield f"{where}: {layer} prints, but only the edge prints and exits"


def cycles(modules: dict[str, Module]) -> list[list[str]]:
    """Cycles of module-level imports, each as the way round; a package's own `__init__` is not implied."""
    graph = {name: sorted({imported.name for imported in imports_of(module, set(modules))
                           if imported.name in modules and not imported.deferred and not imported.typing_only
                           and imported.name != name})
             for name, module in modules.items()}
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            found.append([*way[way.index(name):], name])
        elif name not in done:
            for target in graph[name]:
                visit(target, [*way, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found
