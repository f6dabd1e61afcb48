"""Data sets of files: JSON at once, JSON Lines and CSV row by row. Every fault names file, line and column."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from oe.errors import NodeError
from oe.kinds.dataset_path import DataPath
from oe.kinds.tool_contract import DEEPEST, ToolFault, plain
from oe.lang.template import ValueTemplate
from oe.ports.files import Files
from oe.ports.kind import NodeContext, NodeOutput, Request
from oe.spec.file_rules import find_file_flaw
from oe.text import clip, did_you_mean, format_size
from oe.values import Json

MOST_BYTES = 256 * 1024 * 1024
_SUSPECT = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{300}|\\u[dD][89a-fA-F]")
FORMATS = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv"}


class FileForm(NamedTuple):
    """How a file is to be read. `format` None: as its name says; `types` are those of named CSV columns."""

    format: str | None
    delimiter: str | None
    infers_types: bool
    types: Mapping[str, str]


class FileDataset(NamedTuple):
    """Reads one file per attempt."""

    file: ValueTemplate
    form: FileForm
    transform: DataPath | None

    async def execute(self, request: Request, context: NodeContext) -> NodeOutput:
        """One attempt, in a thread."""
        path = self.file.resolve(request.scope)
        if not isinstance(path, str):
            raise data_fault(f"'file' is of type {type(path).__name__}, not a path")
        data = await context.threads.call(lambda: self._read(path, context.files), f"{request.node.id}: {path}")
        return give(data, self.transform, request.declared)

    def _read(self, path: str, files: Files) -> Json:
        place = data_place(path, files)
        format_ = self.form.format or FORMATS.get(os.path.splitext(path)[1].lower())
        if format_ is None:
            raise data_fault(f"the name of '{clip(path, 200)}' does not say what it holds",
                             "write format: json, jsonl, csv or tsv")
        try:
            with open(place, "rb") as file:
                if format_ == "json":
                    return _read_json(file, path)
                if format_ == "jsonl":
                    return list(_read_lines(file, path))
                from oe.kinds.dataset_csv import read_csv

                return read_csv(file, path, self.form._replace(format=format_))
        except OSError as error:
            raise _unreadable(path, error) from error


def data_place(path: str, files: Files) -> str:
    """The absolute path of a data file, which must be there and not too large. Raises NodeError."""
    flaw = find_file_flaw(files, path)
    if flaw is not None:
        raise data_fault(flaw.message, flaw.hint, flaw.code)
    place = files.absolute(path)
    try:
        size = os.stat(place).st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if size > MOST_BYTES:
        raise data_fault(f"'{path}' has {format_size(size)}, a data set at most {format_size(MOST_BYTES)}",
                         "read it with a tool, or put it into a database")
    return place


def _unreadable(path: str, error: OSError) -> NodeError:
    return NodeError(f"cannot read '{path}': {(error.strerror or str(error)).lower()}", name=type(error).__name__,
                     code="unreadable-file")


def give(data: Json, transform: DataPath | None, declared: tuple[str, ...]) -> NodeOutput:
    """The data, or a part of it, as a node's output."""
    value = data if transform is None else transform.find(data)
    return NodeOutput({declared[0]: value} if declared else {}, value)


def data_fault(message: str, hint: str | None = None, code: str = "bad-data") -> NodeError:
    """A fault of the data: the same attempt would fail again."""
    return NodeError(message, name="DataError", retryable=False, hint=hint, code=code)


def decode(data: bytes, path: str, line: int = 1) -> str:
    """The text of bytes that begin in the given line. Raises NodeError with the position of what is no UTF-8."""
    try:
        return data.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before[before.rfind(b"\n") + 1:].decode("utf-8", "replace")) + 1
        raise data_fault(f"{path}:{line + before.count(10)}:{column}: byte 0x{data[error.start]:02x} is no UTF-8",
                         "save the file as UTF-8") from error


def _read_json(file: BinaryIO, path: str) -> Json:
    return _parse(decode(file.read(), path), path, 1)


def _read_lines(file: BinaryIO, path: str) -> Iterator[Json]:
    for number, line in enumerate(file, 1):
        text = decode(line, path, number)
        if text and not text.isspace():
            yield _parse(text, path, number)


def _parse(text: str, path: str, line: int) -> Json:
    """One JSON value. What Python's reader would let through, or end with a traceback for, is refused too."""
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
        return value if _is_harmless(text) else plain(value, "the value")
    except json.JSONDecodeError as error:
        where = f"{path}:{line + error.lineno - 1}:{error.colno}"
        raise data_fault(f"{where}: no JSON: {error.msg.lower()}") from error
    except RecursionError as error:
        raise data_fault(f"{path}:{line}: the JSON is nested too deeply") from error
    except ToolFault as fault:
        raise data_fault(f"{path}:{line}: {fault.message}") from fault
    except ValueError as error:
        raise data_fault(f"{path}:{line}: {str(error).partition(';')[0].lower()}") from error


def _is_harmless(text: str) -> bool:
    """Whether nothing in the text can have become an infinite number, a lone surrogate or a deep nesting."""
    return text.count("[") + text.count("{") <= DEEPEST and _SUSPECT.search(text) is None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"'{name}' is no JSON number")


def unknown_column(name: str, path: str, columns: list[str]) -> NodeError:
    """The fault for a typed column that the file does not have."""
    return data_fault(f"'{path}' has no column '{clip(name, 60)}', for which 'types' gives a type",
                      did_you_mean(name, columns))
