"""What the archive's builder turns NamedTuples into: the same, but made without compiling a text at every start.

`typing.NamedTuple` composes the source of each class's `__new__` and compiles it, 50 µs a class and 5 ms a run of one
tool. The builder (archiver/plain_classes.py) writes that function out instead; here is what all such classes share.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # what namedtuple itself gives its fields
from collections.abc import Iterable

__all__ = ["Record", "new_tuple"]

new_tuple = tuple.__new__


class _Defaults:
    """The defaults of a class, by field: asked for so rarely that no class keeps them."""

    def __get__(self, record: object, owner: type[Record]) -> dict[str, object]:
        values = getattr(owner.__new__, "__defaults__", None) or ()
        return dict(zip(owner._fields[len(owner._fields) - len(values):], values, strict=True))


class Record(tuple[object, ...]):
    """A tuple with named fields; subclasses say `_fields` and `__new__`."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()
    _field_defaults = _Defaults()

    def __init_subclass__(cls) -> None:
        if "_fields" in vars(cls):
            getters = {name: _tuplegetter(index, None) for index, name in enumerate(cls._fields)}
            for name, value in {"__match_args__": cls._fields, **getters}.items():
                setattr(cls, name, value)

    @classmethod
    def _make(cls, values: Iterable[object]) -> Record:
        made = new_tuple(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self, /, **changes: object) -> Record:
        made = self._make(map(changes.pop, self._fields, self))
        if changes:
            raise TypeError(f"Got unexpected field names: {list(changes)!r}")
        return made

    def _asdict(self) -> dict[str, object]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({told})"

    def __getnewargs__(self) -> tuple[object, ...]:
        return tuple(self)
