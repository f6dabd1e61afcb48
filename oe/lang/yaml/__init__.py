"""The YAML reader: a strict subset of YAML 1.2 read to plain values, with the place of each."""

from __future__ import annotations

from oe.lang.yaml.reader import load_yaml, read_yaml

__all__ = ["load_yaml", "read_yaml"]
