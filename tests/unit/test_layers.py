"""Who may import whom: the architecture's table holds for the product, and the checker finds each planted breach."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import layers

ROOT = Path(__file__).resolve().parents[2]


def test_the_product_keeps_its_layers() -> None:
    breaches = layers.violations(ROOT)
    assert not breaches, "\n".join(breaches)


def test_the_checker_sees_the_product() -> None:
    modules = layers.load(ROOT)
    assert {"oe", "oe.errors", "oe.lang.document"} <= set(modules)
    imported = layers.imports_of(modules["oe.lang.document"], set(modules))
    assert "oe.diagnostics" in {each.name for each in imported}


def test_every_layer_of_the_table_imports_only_layers_of_the_table() -> None:
    for name, layer in layers.LAYERS.items():
        assert layer.may_import <= set(layers.LAYERS), name
        assert layer.reason


def _plant(root: Path, **files: str) -> list[str]:
    for name, text in files.items():
        path = root / "oe" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return layers.violations(root)


@pytest.mark.parametrize(("module", "text", "reason"), [
    ("lang__reader", "from oe.spec import model", "lang turns text into positioned trees"),
    ("lang__reader", "def read():\n    import oe.spec.model", "lang turns text into positioned trees"),
    ("lang__reader", "from ..spec import model", "lang turns text into positioned trees"),
    ("errors", "import oe.lang", "base values are used by every layer"),
    ("run__loop", "from oe.kinds import KINDS", "only through ports"),
    ("run__loop", "import sqlite3", "one implementation of the Store port"),
    ("run__loop", "import urllib.request", "only net and the surfaces"),
    ("run__loop", "from urllib import request", "only net and the surfaces"),
    ("run__loop", "import curses", "only the terminal surface"),
    ("kinds__tool", "import subprocess", "only net and the surfaces"),
    ("kinds__tool", "def f():\n    from _socket import socket", "only net and the surfaces"),
    ("store__sqlite", "from oe.jobs import queue", "strangers to each other"),
    ("run__loop", "import asyncio\nasync def f(): await asyncio.open_connection('h', 1)", "'.open_connection'"),
    ("run__loop", "from asyncio import subprocess", "only net and the surfaces"),
    ("kinds__tool", "import os\nos.posix_spawn('/bin/true', [], {})", "'.posix_spawn'"),
    ("plan__graph", "import time", "this layer is pure"),
    ("plan__graph", "import asyncio", "know the event loop"),
    ("state__reducer", "from random import random", "this layer is pure"),
    ("state__reducer", "from datetime import datetime\nwhen = datetime.now()", "reads the clock"),
    ("spec__build", "from pathlib import Path", "this layer is pure"),
    ("spec__build", "import pathlib\nhere = pathlib.Path()", "PurePath is a value"),
    ("spec__build", "text = open('x').read()", "calls 'open()'"),
    ("spec__build", "try:\n    pass\nexcept ValueError:\n    import os", "this layer is pure"),
    ("net__http", "import requests", "nothing but the standard library"),
    ("jobs__postgres", "import psycopg", "inside the one function"),
    ("app", "print('started')", "only the edge prints"),
    ("run__loop", "import sys\nsys.exit(1)", "only the edge prints and exits"),
    ("render__tree", "from oe.run import loop", "knows nothing else"),
    ("web__server", "from oe.store import sqlite", "through app"),
    ("run__loop", "from oe.errors import *", "where a name comes from"),
    ("lang__reader", "import oe", "lang turns text into positioned trees"),
    ("utils", "", "is in no layer"),
    ("helpers__text", "", "is in no layer"),
])
def test_a_breach_is_found_and_explained(tmp_path: Path, module: str, text: str, reason: str) -> None:
    found = _plant(tmp_path, **{module: text})
    assert any(reason in breach for breach in found), found
    assert all(breach.startswith(f"oe/{module.replace('__', '/')}.py:") for breach in found), found


@pytest.mark.parametrize(("module", "text"), [
    ("lang__reader", "from urllib.parse import quote\nfrom pathlib import PurePath\nimport re"),
    ("lang__reader", "from urllib import parse"),
    ("jobs__postgres", "def connect():\n    import psycopg"),
    ("net__http", "import socket, ssl, http.client, urllib.request, subprocess"),
    ("web__server", "import http.server"),
    ("store__sqlite", "import sqlite3, asyncio\nfrom oe.ports import store"),
    ("cli__main", "import argparse, sys\nprint('x')\nsys.exit(1)"),
    ("observe__log", "import sys\nprint('x', file=sys.stderr)"),
    ("__init__", "def load():\n    from oe.app import start"),
])
def test_what_the_table_allows_passes(tmp_path: Path, module: str, text: str) -> None:
    assert _plant(tmp_path, **{module: text}) == []


def test_a_cycle_is_found_and_shown_as_the_way_round(tmp_path: Path) -> None:
    found = _plant(tmp_path, plan__a="import oe.plan.b", plan__b="from oe.plan import c", plan__c="from oe.plan.a import f")
    assert found == ["import cycle at module level: oe.plan.a -> oe.plan.b -> oe.plan.c -> oe.plan.a"]


def test_a_late_import_and_a_type_import_make_no_cycle(tmp_path: Path) -> None:
    typing = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import oe.plan.a"
    assert _plant(tmp_path, plan__a="import oe.plan.b, oe.plan.c", plan__b="def f():\n    import oe.plan.a",
                  plan__c=typing) == []
