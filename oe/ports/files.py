"""The files of an experience, as the engine and the kinds are given them."""

from __future__ import annotations

from typing import Protocol

from oe.spec.sources import SpecFiles


class Files(SpecFiles, Protocol):
    """What the front end is handed too, under the name by which the other layers know it."""
