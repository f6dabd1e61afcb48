"""What a tool is given: the resolved arguments and the values around them, cut off from the engine's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oe.lang.scope import Missing
from oe.ports.kind import Request
from oe.values import Json


def tool_inputs(request: Request, sees_index: Callable[[], bool]) -> dict[str, Json]:
    """The arguments, with `$item` and `$index` in a fan-out, `_state` (the view) and `_edge_inputs`. Every list and
    object in it is a copy: a tool that changes its inputs changes nothing else. `sees_index` says whether `$index` is
    in the tool's keys: what is not in them is not given, else two equal items could not share a result."""
    scope = request.scope
    inputs = _copy_object(request.args)
    if not isinstance(scope.item, Missing):
        inputs["$item"] = _copy(scope.item)
    if not isinstance(scope.index, Missing) and sees_index():
        inputs["$index"] = scope.index
    inputs["_state"] = _copy_object(request.view)
    inputs["_edge_inputs"] = _copy_object(scope.inputs)
    return inputs


def _copy(value: Json) -> Json:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return _copy_object(value)
    return [_copy(part) for part in value]


def _copy_object(value: Mapping[str, Json]) -> dict[str, Json]:
    return {key: part if part is None or isinstance(part, str | int | float) else _copy(part)
            for key, part in value.items()}
