"""CSV and TSV as lists of objects: the first row names the columns, every other row has as many fields."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from math import isfinite
from typing import BinaryIO

from oe.kinds.dataset_file import FileForm, data_fault, decode, unknown_column
from oe.text import clip, plural
from oe.values import Json

_LONGEST_FIELD = 64 * 1024 * 1024
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_BOOLEANS: dict[str, Json] = {"true": True, "false": False}

_FORMS: dict[str, Callable[[str], bool]] = {
    "integer": lambda text: _INTEGER.fullmatch(text) is not None,
    "number": lambda text: _NUMBER.fullmatch(text) is not None and isfinite(float(text)),
    "boolean": lambda text: text.lower() in _BOOLEANS,
}
_VALUES: dict[str, Callable[[str], Json]] = {
    "integer": int,
    "number": lambda text: int(text) if _INTEGER.fullmatch(text) else float(text),
    "boolean": lambda text: _BOOLEANS[text.lower()],
}


def read_csv(file: BinaryIO, path: str, form: FileForm) -> Json:
    """The rows. Numbers have JSON's form (no leading zeros, so that a code stays a text); an empty field of a column
    that is not of texts is null."""
    csv.field_size_limit(_LONGEST_FIELD)
    delimiter = form.delimiter or ("\t" if form.format == "tsv" else ",")
    reader = csv.reader(_lines(file, path), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(reader, None), path)
        for name in form.types:
            if name not in columns:
                raise unknown_column(name, path, columns)
        rows, lines = _rows(reader, columns, path)
    except csv.Error as error:
        raise data_fault(f"{path}:{max(1, reader.line_num)}: {error}") from error
    types = {**_inferred(rows, columns), **form.types} if form.infers_types else dict(form.types)
    for column, kind in types.items():
        if kind != "string":
            _convert(rows, lines, column, kind, path)
    return rows


def _lines(file: BinaryIO, path: str) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        yield decode(line, path, number)


def _columns(header: list[str] | None, path: str) -> list[str]:
    if not header:
        raise data_fault(f"{path}:1: no header: the first row names the columns")
    for number, name in enumerate(header, 1):
        if not name.strip():
            raise data_fault(f"{path}:1: column {number} has no name")
        if header.index(name) < number - 1:
            raise data_fault(f"{path}:1: two columns are named '{clip(name, 60)}'")
    return header


def _rows(reader: Iterator[list[str]], columns: list[str], path: str) -> tuple[list[dict[str, Json]], list[int]]:
    """Rows, and the line in which each ends."""
    rows: list[dict[str, Json]] = []
    lines: list[int] = []
    width = len(columns)
    for fields in reader:
        if not fields:
            continue
        line = reader.line_num  # type: ignore[attr-defined]
        if len(fields) != width:
            raise data_fault(f"{path}:{line}: the row has {plural(len(fields), 'field')}, the header {width}")
        rows.append(dict(zip(columns, fields, strict=True)))
        lines.append(line)
    return rows, lines


def _inferred(rows: list[dict[str, Json]], columns: list[str]) -> dict[str, str]:
    """The narrowest type that every field of a column has; a column with no field at all stays one of texts."""
    types = {}
    for column in columns:
        texts = [str(row[column]) for row in rows if row[column] != ""]
        types[column] = next((kind for kind, fits in _FORMS.items() if texts and all(map(fits, texts))), "string")
    return types


def _convert(rows: list[dict[str, Json]], lines: list[int], column: str, kind: str, path: str) -> None:
    fits, value = _FORMS[kind], _VALUES[kind]
    for row, line in zip(rows, lines, strict=True):
        text = str(row[column])
        if not text:
            row[column] = None
        elif fits(text):
            row[column] = value(text)
        else:
            raise data_fault(f"{path}:{line}: '{clip(text, 40)}' in column '{clip(column, 60)}' is no {kind}")
