# SPDX-License-Identifier: MIT
"""Counts words."""

from tally.words import count, top

__all__ = ["count", "top"]
