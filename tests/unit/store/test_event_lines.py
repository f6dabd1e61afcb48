"""Lines of the log: the event as an object, as JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from oe.state.events import EVENTS, Event, as_line, as_object

_TEXT = st.text(max_size=20)
_DATA = st.dictionaries(st.sampled_from(["error", "metrics", "field", "args"]),
                        st.recursive(st.none() | st.booleans() | st.integers() | _TEXT, st.lists, max_leaves=5))


@given(kind=st.sampled_from(sorted(EVENTS)), ts=st.floats(0, 4e9), slot=st.none() | _TEXT,
       attempt=st.none() | st.integers(1), index=st.none() | st.integers(0), phase=st.none() | _TEXT, data=_DATA,
       run_id=_TEXT, seq=st.integers(1))
def test_a_line_is_the_object(kind: str, ts: float, slot: str | None, attempt: int | None, index: int | None,
                              phase: str | None, data: dict[str, object], run_id: str, seq: int) -> None:
    event = Event(kind, ts, slot, attempt, index, phase, data)  # type: ignore[arg-type]
    line = as_line(event, run_id, seq)
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert list(json.loads(line).items()) == list(as_object(event, run_id, seq).items())
