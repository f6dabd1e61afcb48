#!/usr/bin/env python3
"""The checkout's launcher: `python oe.py ...` is the same program as `python -m oe ...`. Nothing imports it."""

import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 -- said in words that every Python can read
        sys.exit("oe needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2])  # noqa: UP031

    from oe.cli.main import entry

    entry()
