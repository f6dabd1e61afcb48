"""S9: reading a spec of 1,000 nodes, positions included, against PyYAML's pure-Python SafeLoader; and its growth."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

from benchmarks.measure import Figure, in_turns, milliseconds, ratio
from oe.lang.yaml import read_yaml

NODE = """\
    - id: node_{number}
      kind: tool
      impl: ./tools/step.py:run
      needs: [node_{before}]
      reads: [last]
      writes: [last]
      args: {{i: {number}, text: "step {number}"}}
      on_error: {{policy: retry, attempts: 3, backoff: exponential}}
"""
HEAD = """\
name: chain
version: 1.0.0
state:
  schema:
    last: {type: integer}
graph:
  nodes:
"""
BYTES_PER_NODE = 238


def spec(nodes: int) -> str:
    """An experience whose nodes form a chain."""
    return HEAD + "".join(NODE.format(number=number, before=number - 1) for number in range(1, nodes + 1))


def seconds(read: Callable[[str], object], text: str) -> float:
    """Processor time of one reading, which does nothing but compute; garbage of the one before is collected first."""
    gc.collect()
    began = time.process_time()
    read(text)
    return time.process_time() - began


def measure() -> Iterator[Figure]:
    """The ratio, and the time for a kilobyte at 1 MB over that at 10 KB. Raises RuntimeError without PyYAML."""
    try:
        import yaml
    except ImportError as error:
        raise RuntimeError("PyYAML is missing: pip install PyYAML") from error
    text = spec(1000)
    if read_yaml(text).value != yaml.load(text, yaml.SafeLoader):
        raise RuntimeError("the two readers do not agree")
    ours, theirs = in_turns(lambda: seconds(read_yaml, text),
                            lambda: seconds(lambda given: yaml.load(given, yaml.SafeLoader), text))
    yield Figure("S9", f"read {len(text) // 1000} KB of YAML, against PyYAML", ratio(theirs, ours), "times", 8, True,
                 f"{milliseconds(ours)}, PyYAML {milliseconds(theirs)}")
    small, large = spec(10_000 // BYTES_PER_NODE), spec(1_000_000 // BYTES_PER_NODE)
    times = len(large) // len(small)
    few, many = in_turns(lambda: sum(seconds(read_yaml, small) for _ in range(times)),
                         lambda: seconds(read_yaml, large))
    yield Figure("S9", f"one text of 1 MB, against {times} of 10 KB", ratio(many, few), "times", 1.3, False,
                 f"{milliseconds(many)}, {milliseconds(few)}")


if __name__ == "__main__":
    for figure in measure():
        print(figure)
