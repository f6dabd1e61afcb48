#!/usr/bin/env python3
"""The checkout's launcher: `python oe.py ...` is the same program as `python -m oe ...`. Nothing imports it."""

from oe.cli.main import entry

if __name__ == "__main__":
    entry()
