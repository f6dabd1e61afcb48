"""The files of the experience that schemas refer to, read once and only through the read-only view."""

from __future__ import annotations

from oe.spec.sources import SpecFiles
from oe.values import Json


class SchemaFiles:
    """Loads `$ref` files: JSON, or YAML by the ending."""

    def __init__(self, files: SpecFiles) -> None:
        self._files = files
        self._loaded: dict[str, Json] = {}

    def load(self, path: str) -> Json:
        """The value of the file at a path in the experience. Raises OeError where it is missing, outside or no JSON."""
        if path not in self._loaded:
            data = self._files.read_bytes(path)
            if path.endswith((".yaml", ".yml")):
                from oe.lang.yaml import read_yaml
                self._loaded[path] = read_yaml(data, path).value
            else:
                from oe.lang.json_reader import read_json
                self._loaded[path] = read_json(data, path).value
        return self._loaded[path]
