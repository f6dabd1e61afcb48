"""Which tools can find out the number of their item: those are given it, and it is part of their keys."""

from __future__ import annotations

import pytest

from oe.kinds.tool_index import can_see_index


@pytest.mark.parametrize("body", [
    "def run(): return {}",
    "def run(inputs, ctx): return {'a': inputs['$item'], 'b': inputs.get('x', 1), 'c': 'y' in inputs}",
    "def run(given): x = given['_state']['$index']",
    "async def run(inputs, ctx):\n    def inner(): return inputs['x']\n    run = inner()\n    return run",
    "# $index\nNAME = '$index'\ndef run(inputs, ctx): return {'a': [inputs['$item'], NAME]}",
    "def run(inputs):\n    inputs['x'] = 1\n    del inputs['x']\n    return helper(inputs['x'])",
    "def other(inputs): return inputs['$index']\ndef run(inputs): return inputs['x']",
])
def test_one_that_only_asks_for_names_written_out_cannot(body: str) -> None:
    assert can_see_index(body.encode(), "run") is False


@pytest.mark.parametrize("body", [
    "def run(inputs): return {'i': inputs['$index']}",
    "def run(inputs): return {'i': inputs.get('$index')}",
    "def run(inputs): return '$index' in inputs",
    "def run(inputs): return dict(inputs)",
    "def run(inputs): return {**inputs}",
    "def run(inputs): return [inputs[name] for name in inputs]",
    "def run(inputs):\n    name = '$index'\n    return inputs[name]",
    "def run(inputs): return inputs.copy()",
    "def run(inputs): return inputs.items()",
    "def run(inputs):\n    get = inputs.get\n    return get('$index')",
    "def run(inputs): return f'{inputs}'",
    "def run(inputs):\n    match inputs:\n        case {'$index': i}: return i",
    "def run(inputs): return locals()",
    "def run(inputs): return eval('inputs')",
    "def run(*inputs): return inputs",
    "def run(inputs): return (lambda: inputs)()",
    "def run(inputs, again=None):\n    again = again or inputs\n    return again",
    "run = lambda inputs: inputs",
    "from elsewhere import run",
    "def run(inputs): return {}\nfrom elsewhere import *",
    "def run(inputs): return {}\nif True:\n    from elsewhere import seeing as run",
    "@decorated\ndef run(inputs): return {}",
    "class run:\n    def __init__(self, inputs): pass",
    "def run(inputs) return",
    "(" * 1000,
])
def test_one_that_lets_them_out_or_cannot_be_judged_can(body: str) -> None:
    assert can_see_index(body.encode(), "run") is True
