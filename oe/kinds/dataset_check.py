"""What can be seen of a data set without reading it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from oe.diagnostics import Problem
from oe.kinds.dataset_file import FORMATS
from oe.kinds.dataset_path import DataPath
from oe.lang.errors import LangError
from oe.lang.template import value_problems
from oe.ports.files import Files
from oe.spec.file_rules import find_file_flaw
from oe.spec.model import Experience, Node
from oe.text import clip

_TABLE_FORMATS = ("csv", "tsv")


class DatasetChecks:
    """The checks of one node."""

    def __init__(self, node: Node, experience: Experience, files: Files) -> None:
        self._node = node
        self._options = node.options
        self._document = experience.document
        self._files = files

    def problems(self) -> Iterator[Problem]:
        """Every problem."""
        reserved = [key for key in ("http", "mcp-resource") if self._has(key)]
        for key in reserved:
            yield self._problem("not-yet-available", f"a data set from '{key}' is not yet available", key,
                                hint="fetch it with a tool", key=True)
        if self._has("file") and self._has("sqlite"):
            yield self._problem("dataset-two-sources", "'file' and 'sqlite' exclude each other", "sqlite",
                                hint="keep one of them", key=True)
        elif self._has("sqlite"):
            yield from self._sqlite_problems()
        elif self._has("file"):
            yield from self._file_problems()
        elif not reserved:
            yield Problem("dataset-no-source", f"data set '{self._node.id}' says neither 'file' nor 'sqlite'",
                          self._document.span(self._node.path), "write file: ./data.json")
        for key in ("file", "sqlite"):
            if self._has(key):
                for error in value_problems(self._options[key]):
                    yield self._problem(error.code, error.message, key, *error.path, hint=error.hint)
        if len(self._node.writes) > 1:
            yield self._problem("dataset-fields", "a data set fills one field, and 'writes' names "
                                f"{len(self._node.writes)}", "writes")
        yield from self._transform_problems()

    def _has(self, key: str) -> bool:
        return self._options.get(key) is not None

    def _file_problems(self) -> Iterator[Problem]:
        file = str(self._options["file"])
        if not _is_literal(file):
            return
        yield from self._path_problems(file, "file")
        form = self._options.get("format") or FORMATS.get(posixpath.splitext(file)[1].lower())
        if form is None:
            yield self._problem("dataset-format", f"the name of '{clip(file, 200)}' does not say what it holds", "file",
                                hint="add format: json, jsonl, csv or tsv")
        for key in ("types", "delimiter"):
            if self._has(key) and form is not None and form not in _TABLE_FORMATS:
                yield self._problem("dataset-not-a-table", f"'{key}' is for CSV and TSV, and this is {form}", key,
                                    key=True)

    def _sqlite_problems(self) -> Iterator[Problem]:
        for key in ("format", "types", "delimiter"):
            if self._has(key):
                yield self._problem("dataset-key-without-file", f"'{key}' is for 'file'", key, key=True)
        source = self._options["sqlite"]
        if not isinstance(source, dict):
            return
        named = [key for key in ("path", "file") if source.get(key) is not None]
        if len(named) != 1:
            yield self._problem("dataset-no-source", "'sqlite' names two databases" if named else
                                "'sqlite' names no database", "sqlite", hint="write path: ./data.sqlite")
        elif _is_literal(str(source[named[0]])):
            yield from self._path_problems(str(source[named[0]]), "sqlite", named[0])
        query = source.get("query")
        if isinstance(query, str) and query.startswith("$") and not query.startswith("$$"):
            yield self._problem("query-reference", "a query is fixed: a reference cannot choose it", "sqlite", "query",
                                hint="write the query, and references in 'params'")

    def _path_problems(self, path: str, *steps: str) -> Iterator[Problem]:
        flaw = find_file_flaw(self._files, path)
        if flaw is not None:
            yield self._problem(flaw.code, flaw.message, *steps, hint=flaw.hint)

    def _transform_problems(self) -> Iterator[Problem]:
        if self._has("transform"):
            try:
                DataPath(str(self._options["transform"]))
            except LangError as error:
                yield self._problem("bad-transform", error.message, "transform", hint=error.hint)

    def _problem(self, code: str, message: str, *steps: str | int, hint: str | None = None,
                 key: bool = False) -> Problem:
        return Problem(code, message, self._document.span((*self._node.path, *steps), key=key), hint)


def _is_literal(text: str) -> bool:
    return not text.startswith("$") or text.startswith("$$")
