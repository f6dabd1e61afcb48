"""What every reader of a part shares: the report, the kinds, the files, and the record of what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oe.lang.document import Path
from oe.lang.errors import LangError
from oe.lang.expression import Expression, parse_expression
from oe.lang.template import ValueTemplate, compile_sound_part
from oe.spec.report import Report
from oe.spec.schema_files import SchemaFiles
from oe.spec.section import Section
from oe.spec.sources import KindRules, SpecFiles
from oe.values import Json


class Gaps:
    """What is unknown because it could not be read. A check that would depend on it stays silent: one mistake, one
    message."""

    def __init__(self) -> None:
        self.units = False
        self.edges = False
        self.conditions = False
        self.fields = False
        self.writes = False
        self.arguments = False
        self.phases = False
        self.nodes: set[str] = set()
        self.bad_fields: set[str] = set()


class Reading:
    """One document being read."""

    def __init__(self, report: Report, kinds: Mapping[str, KindRules], files: SpecFiles) -> None:
        self.report = report
        self.kinds = kinds
        self.files = files
        self.schemas = SchemaFiles(files)
        self.gaps = Gaps()
        self.strict_formats = False

    def expression(self, section: Section, name: str) -> Expression | None:
        """The condition under a key, or None; a faulty one is reported."""
        if name not in section:
            self.gaps.conditions |= name in section.broken
            return None
        text = str(section.values[name])
        try:
            return parse_expression(text)
        except LangError as error:
            self.gaps.conditions = True
            self.report.error(error.code, error.message, (*section.path, name), error.hint, inside=error.offset)
            return None

    def template(self, value: Json, path: Path) -> ValueTemplate | None:
        """A value with references; None where one of them is faulty, which is reported."""
        found, problems = compile_sound_part(value)
        self._report(problems, path)
        return None if problems else found

    def arguments(self, value: Json, path: Path) -> ValueTemplate:
        """A node's arguments; what is faulty in them is reported and left out, what is not is checked all the same."""
        found, problems = compile_sound_part(value)
        self._report(problems, path)
        return found

    def _report(self, problems: Iterable[LangError], path: Path) -> None:
        for error in problems:
            self.report.error(error.code, error.message, (*path, *error.path), error.hint, inside=error.offset)
