"""Names that `oe` gives or checks: run ids and slot paths."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What a node, unit, field or argument may be called."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FILES = (".jsonl", ".live", ".lock")
"""What the names of files beside the folders of runs end with."""


def new_run_id(day: str, entropy: bytes) -> str:
    """`r-20261120-7f3a9c` from a day `20261120` and at least three random bytes."""
    return f"r-{day}-{entropy[:3].hex()}"


def is_run_id(text: str) -> bool:
    """Whether the text may name a run: one plain file name, never a path (`..`, `/` and leading dots are refused), nor
    the word that means the latest run, nor what is a file beside the folders of runs."""
    return _RUN_ID.fullmatch(text) is not None and text != "latest" and not text.endswith(_FILES)


def item_slot(slot: str, index: int) -> str:
    """The slot of one item or iteration: `review[3]`."""
    return f"{slot}[{index}]"


def child_slot(slot: str, name: str) -> str:
    """The slot of a stage, body node or nested unit: `loop[2]/body`."""
    return f"{slot}/{name}" if slot else name


def is_within(slot: str, outer: str) -> bool:
    """Whether a slot is the other one, or one of those that it consists of."""
    return slot.startswith(outer) and slot[len(outer):len(outer) + 1] in ("", "/", "[")


def unit_of(slot: str) -> str:
    """The unit of the outermost experience that a slot path is in: its first name."""
    return slot.partition("/")[0].partition("[")[0]


def node_of(slot: str) -> str:
    """The node id of a slot path: its last part without index."""
    return slot.rpartition("/")[2].partition("[")[0]
