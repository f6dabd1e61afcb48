"""Experiences that others nest: opened, each once, for a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType

from oe.app.experiences import files_nested_in, read_alone, schema_loader
from oe.errors import OeError
from oe.run.level import Opened
from oe.spec.model import Experience, Merge
from oe.state.ledger import base_defaults
from oe.store.local_files import LocalFiles
from oe.values import JsonObject


class Children:
    """The nested experiences of one `experience`, at any depth. `read` are those that have just been read, by the
    absolute path of their file."""

    def __init__(self, experience: Experience, read: Mapping[str, Experience] = MappingProxyType({})) -> None:
        self.experience = experience
        self._read = dict(read)

    def persistent_fields(self) -> dict[str, dict[str, Merge]]:
        """The persistent fields of every experience that may be nested here, with how they are merged, by the absolute
        path of its file. One that cannot be read is left out: the node that names it will say so."""
        found: dict[str, dict[str, Merge]] = {}
        known: set[str] = set()
        left = _below(self.experience)
        while left:
            file = left.pop()
            if file in known:
                continue
            known.add(file)
            try:
                child = self._experience_of(file)
            except OeError:
                continue
            fields = {field.name: field.merge for field in child.fields.values() if field.persist}
            if fields:
                found[file] = fields
            left += _below(child)
        return found

    def opener(self, bases: Mapping[str, JsonObject]) -> Callable[[str], Opened]:
        """Opens a nested experience by the absolute path of its file; `bases` holds persistent values as they were when
        the run started. Raises OeError."""
        def open_nested(file: str) -> Opened:
            child = self._experience_of(file)
            files = LocalFiles(child.folder)
            base = {**base_defaults(child.fields.values()), **bases.get(file, {})}
            return Opened(child, file, base, files, schema_loader(files))

        return open_nested

    def _experience_of(self, file: str) -> Experience:
        if file not in self._read:
            loaded = read_alone(file)
            if loaded.experience is None:
                first = next(problem for problem in loaded.problems if problem.severity == "error")
                raise OeError(f"it has problems, the first: {first}", hint=f"oe validate {file}", code="child-not-read")
            self._read[file] = loaded.experience
        return self._read[file]


def _below(experience: Experience) -> list[str]:
    return [os.path.realpath(os.path.join(experience.folder, file)) for file in files_nested_in(experience)]
