"""Text files of an experience — prompts, skills, schemas — each read once a run: what is digested is what is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from weakref import WeakKeyDictionary

from oe.digests import Part, part_of_bytes
from oe.errors import NodeError, OeError
from oe.lang.errors import LangError
from oe.lang.template import TextTemplate, compile_text
from oe.ports.files import Files
from oe.spec.prompts import is_prompt_file
from oe.text import clip
from oe.values import Json, JsonObject


class TextFiles:
    """The files of every experience that is looked at, for as long as somebody holds its Files."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Files, dict[str, bytes]] = WeakKeyDictionary()
        self._made: WeakKeyDictionary[Files, dict[str, Mapping[str, Part]]] = WeakKeyDictionary()

    def materials(self, node_id: str, files: Files, make: Callable[[], Mapping[str, Part]]) -> Mapping[str, Part]:
        """A node's parts of a key, made once for the files: every item of a fan-out asks for them."""
        made = self._made.setdefault(files, {})
        if node_id not in made:
            made[node_id] = make()
        return made[node_id]

    def data(self, path: str, files: Files) -> bytes:
        """The file's contents. Raises OeError where there is none."""
        known = self._known.setdefault(files, {})
        if path not in known:
            known[path] = files.read_bytes(path)
        return known[path]

    def text(self, path: str, files: Files) -> str:
        """The file's text. Raises OeError, NodeError where it is no UTF-8."""
        try:
            return self.data(path, files).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise NodeError(f"file '{clip(path, 80)}' is not UTF-8: byte {error.start}", name="UnicodeDecodeError",
                            retryable=False, code="prompt-encoding", hint="save the file as UTF-8") from error

    def part(self, path: str, files: Files) -> Part:
        """The part of a key that the file is. Raises OeError."""
        return part_of_bytes(self.data(path, files))

    def prompt(self, prompt: str, files: Files) -> TextTemplate:
        """The template that a prompt is or names. Raises OeError, NodeError."""
        try:
            return compile_text(self.text(prompt, files) if is_prompt_file(prompt) else prompt)
        except LangError as error:
            raise NodeError(error.message, name="TemplateError", retryable=False, hint=error.hint,
                            code=error.code) from error

    def prompt_parts(self, options: JsonObject, names: Iterable[str], files: Files) -> Mapping[str, Part]:
        """The parts of a key that those of a node's prompts are which are files, by path."""
        prompts = [prompt for name in names if isinstance(prompt := options.get(name), str)]
        return {prompt: self.part(prompt, files) for prompt in prompts if is_prompt_file(prompt)}

    def schema_loader(self, files: Files) -> tuple[Callable[[str], Json], list[str]]:
        """What reads the schema files of a node, JSON or YAML by their ending, and the list of those that it was asked
        for. The function raises OeError."""
        asked: list[str] = []

        def load(path: str) -> Json:
            if path not in asked:
                asked.append(path)
            if path.endswith((".yaml", ".yml")):
                from oe.lang.yaml import read_yaml

                return read_yaml(self.data(path, files), path).value
            from oe.lang.json_reader import read_json

            return read_json(self.data(path, files), path).value

        return load, asked


def as_node_error(error: OeError) -> NodeError:
    """An error of a file, as the failure of a node that no other attempt can mend."""
    if isinstance(error, NodeError):
        return error
    return NodeError(error.message, name="MissingFile", retryable=False, hint=error.hint, code=error.code)
