"""The table of kinds: complete, each under its own name, and loaded no sooner than asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oe.kinds import KINDS
from oe.kinds.agent import AgentKind
from oe.kinds.cli_agent import CliAgentKind
from oe.kinds.dataset import DatasetKind
from oe.kinds.experience import ExperienceKind
from oe.kinds.skill import SkillKind
from oe.kinds.sql import SqlKind
from oe.kinds.tool import ToolKind
from oe.ports.kind import NodeKind

CLASSES: tuple[type[NodeKind], ...] = (ToolKind, AgentKind, SkillKind, DatasetKind, SqlKind, ExperienceKind, CliAgentKind)


def test_each_kind_stands_under_its_name() -> None:
    assert {name: type(kind) for name, kind in KINDS.items()} == {kind.name: kind for kind in CLASSES}
    assert all(kind.name == name and KINDS[name] is kind for name, kind in KINDS.items())


def test_a_name_that_no_kind_has_is_told_from_the_others() -> None:
    assert "robot" not in KINDS
    with pytest.raises(KeyError):
        KINDS["robot"]


def test_asking_for_one_kind_loads_no_other() -> None:
    program = ("import sys\nfrom oe.kinds import KINDS\n'agent' in KINDS, len(KINDS), KINDS['tool']\n"
               "print([kind for kind in KINDS if 'oe.kinds.' + kind.replace('-', '_') in sys.modules])")
    shown = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], capture_output=True, text=True,
                           check=True)
    assert shown.stdout == "['tool']\n"
