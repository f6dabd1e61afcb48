"""Tools of the examples as plain Python modules: what they find and decide, without the engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


class Tools:
    """The modules in an example's `tools` folder, by name."""

    def __init__(self, example: str) -> None:
        self.folder = EXAMPLES / example
        sys.path.insert(0, str(self.folder / "tools"))

    def __getattr__(self, name: str) -> ModuleType:
        return import_module(name)

    def forget(self) -> None:
        """Leaves nothing behind that another example's module of the same name could be mistaken for."""
        sys.path.remove(str(self.folder / "tools"))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(str(self.folder)):
                del sys.modules[name]


@pytest.fixture
def tools(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tools]:
    """The tools of the example that the test's module names in EXAMPLE."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = Tools(request.module.EXAMPLE)
    yield found
    found.forget()
