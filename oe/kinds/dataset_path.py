"""A path into data: `$.rows[0].name`, or the same without `$.`."""

from __future__ import annotations

from oe.errors import NodeError
from oe.lang.errors import LangError
from oe.lang.reference import Reference, parse_reference
from oe.lang.scope import MISSING, Missing
from oe.text import clip, did_you_mean, plural
from oe.values import Json, kind_of


class DataPath:
    """A parsed path. Raises LangError where the text is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._reference = _parse(text)

    def find(self, data: Json) -> Json:
        """The part of the data that the path leads to. Raises NodeError that names the step which fails."""
        value = data
        passed = "$"
        for step in self._reference.segments:
            found = _part(value, step)
            if isinstance(found, Missing):
                raise self._missing(value, step, passed)
            value = found
            passed += f"[{step}]" if isinstance(step, int) else f".{step}"
        return value

    def _missing(self, value: Json, step: str | int, passed: str) -> NodeError:
        place = clip(passed, 80)
        hint = None
        if isinstance(value, dict) and isinstance(step, str):
            why = f"'{place}' has no key '{clip(step, 40)}'"
            hint = did_you_mean(step, value) or (f"it has {_listed(list(value))}" if value else None)
        elif isinstance(value, list) and isinstance(step, int):
            why = f"'{place}' has {plural(len(value), 'item')}, no [{step}]"
        elif isinstance(value, list):
            why, hint = f"'{place}' is a list and has no key '{clip(str(step), 40)}'", f"write {passed}[0].{step}"
        else:
            why = f"'{place}' is of type {kind_of(value)}"
        return NodeError(f"'transform: {clip(self._text, 80)}' leads nowhere: {why}", name="TransformError",
                         retryable=False, hint=hint, code="transform-missing")


def _part(value: Json, step: str | int) -> Json | Missing:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else MISSING
    return value.get(step, MISSING) if isinstance(value, dict) else MISSING


def _parse(text: str) -> Reference:
    if text == "$":
        return Reference("state", (), 0, MISSING, "$")
    reference = parse_reference(text if text.startswith("$") else f"${text}" if text.startswith("[") else f"$.{text}")
    if reference.root != "state":
        raise LangError(f"'${reference.root}' is not in the data", hint="a path into the data starts with '$.'")
    return reference


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{clip(name, 40)}'" for name in names[:8])
    return shown + (" …" if len(names) > 8 else "")
