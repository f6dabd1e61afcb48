"""How a legal key of the format is described. The tables made of these drive checks, `oe schema` and the reference."""

from __future__ import annotations

from typing import Literal, NamedTuple

from oe.values import Json


class Key(NamedTuple):
    """One key of one level of the format.

    `schema` is the JSON Schema (the subset) of its value; `accepted` is set for a key of the original that means
    something else here: it is accepted with that text as a warning. `holds` says that its text is a prompt: a text
    template, or the path of a file that holds one. `otherwise` is the hint for a value that is not allowed, and near
    none that is.
    """

    name: str
    schema: Json
    doc: str
    required: bool = False
    default: Json = None
    accepted: str | None = None
    affects_output: bool = True
    holds: Literal["prompt"] | None = None
    otherwise: str | None = None
