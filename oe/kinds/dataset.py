"""The kind `dataset`: data of a file or of an SQLite database, as a value (semantics, section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from oe.diagnostics import Problem
from oe.digests import Part
from oe.kinds.dataset_path import DataPath
from oe.lang.document import Path
from oe.lang.reference import Reference
from oe.lang.scope import Scope
from oe.lang.template import compile_value
from oe.ports.files import Files
from oe.ports.kind import Executor
from oe.spec.keys import Key
from oe.spec.model import Experience, Node, TaskKind
from oe.values import Json

if TYPE_CHECKING:
    from oe.kinds.dataset_file import FileForm

TYPES = ("integer", "number", "boolean", "string")
_TEMPLATES = ("file", "sqlite")
_TEXT: Json = {"type": "string", "minLength": 1, "title": "a text"}


class DatasetKind:
    """Reads, and writes nowhere. The value goes into the single field in `writes` and along the edges."""

    name = "dataset"
    task_kind: TaskKind = "io"
    keys: tuple[Key, ...] = (
        Key("file", {"type": "string", "minLength": 1, "title": "the path of a file of the experience"},
            "A JSON, JSON Lines, CSV or TSV file, as a path or a reference to one."),
        Key("sqlite", {"type": "object", "additionalProperties": False, "required": ["query"],
                       "title": "an object of path, query and params",
                       "properties": {"path": _TEXT, "file": _TEXT, "query": _TEXT,
                                      "params": {"type": ["array", "object"]}}},
            "A query of an SQLite database of the experience, which is opened for reading alone: `path` (or `file`), "
            "`query`, and `params` that are bound to its `?` or `:name`. It gives a list of objects."),
        Key("format", {"enum": ["json", "jsonl", "csv", "tsv"]},
            "What the file holds, where its name does not say it."),
        Key("types", {"title": "infer, or an object from columns to types",
                      "anyOf": [{"const": "infer"},
                                {"type": "object", "additionalProperties": {"enum": list(TYPES)}}]},
            "The types of CSV columns: all are texts, unless `infer` or `{column: integer}` says other."),
        Key("delimiter", {"type": "string", "minLength": 1, "maxLength": 1, "title": "one character"},
            "What parts the fields of a CSV file (a comma; a tab for TSV)."),
        Key("transform", _TEXT, "A path into the data, such as `$.rows[0].name` or `rows`; only that part is given."),
        Key("http", {"title": "reserved"}, "Reserved, not yet available."),
        Key("mcp-resource", {"title": "reserved"}, "Reserved, not yet available."),
    )
    cached_by_default = True
    is_nested = False

    def is_cached_by_default(self, node: Node) -> bool:
        """A file is known by its contents, a database is not."""
        return node.options.get("sqlite") is None

    def check(self, node: Node, experience: Experience, files: Files) -> Iterable[Problem]:
        """Missing files, keys that do not go together, a path into the data that cannot be read."""
        from oe.kinds.dataset_check import DatasetChecks

        return list(DatasetChecks(node, experience, files).problems())

    def references(self, node: Node) -> Iterable[tuple[Path, Reference]]:
        """The references in `file` and `sqlite`, each with its path from the node."""
        return [((key, *path), reference) for key in _TEMPLATES if node.options.get(key) is not None
                for path, reference in compile_value(node.options[key]).references()]

    def uses_index(self, node: Node, files: Files) -> bool:
        """See NodeKind: only by reference."""
        return False

    def materials(self, node: Node, scope: Scope, files: Files) -> Mapping[str, Part]:
        """The file that is read, known by its contents."""
        if node.options.get("file") is None:
            return {}
        path = compile_value(node.options["file"]).resolve(scope)
        return {path: files.digest(path)} if isinstance(path, str) else {}

    def prepare(self, node: Node, files: Files) -> Executor:
        """The node's executor."""
        options = node.options
        transform = options.get("transform")
        path = None if transform is None else DataPath(str(transform))
        if options.get("sqlite") is not None:
            from oe.kinds.dataset_sqlite import SqliteDataset

            return SqliteDataset(compile_value(options["sqlite"]), path)
        from oe.kinds.dataset_file import FileDataset

        return FileDataset(compile_value(options["file"]), self._form(node), path)

    def _form(self, node: Node) -> FileForm:
        from oe.kinds.dataset_file import FileForm

        options = node.options
        types = options.get("types")
        format_, delimiter = options.get("format"), options.get("delimiter")
        return FileForm(None if format_ is None else str(format_), None if delimiter is None else str(delimiter),
                        types == "infer", {str(name): str(kind) for name, kind in types.items()}
                        if isinstance(types, dict) else {})
