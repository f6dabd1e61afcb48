"""The npm package `yaml` as a second opinion: what we read, it reads as the same value; what it refuses, we refuse.

Where the two part, the specification decides; the texts below name the places.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from oe.errors import SpecError
from oe.lang.yaml import load_yaml
from tests.support.software import npm_packages

HERE = Path(__file__).parent
GOLDEN = HERE.parents[1] / "golden" / "yaml"
SUITE = [json.loads(line)["yaml"] for line in (GOLDEN / "suite.jsonl").read_text(encoding="utf-8").splitlines()]
FILES = [path.read_text(encoding="utf-8") for path in sorted((GOLDEN / "files").glob("*.y*ml"))]
PIECES = [" ", "  ", "\n", "\t", "- ", ": ", ":", "#", " #", "[", "]", "{", "}", ",", '"', "'", "|", ">", " &a ", " *a ", "!!str ", "a", "b: ",
          "\\", "1", "<<: *a", "- ", "\n ", "\n  ", "\n\n", "~", "%", "@", "0o7", "null", "|\n", ">-\n", "0x1F", "1e3", "-.5"]
Typed = object


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and the script that asks it."""
    folder = tmp_path_factory.mktemp("npm")
    npm_packages(folder, yaml="^2.8.0")
    shutil.copy(HERE / "read.mjs", folder)
    return folder


def ask(oracle: Path, texts: list[str]) -> list[dict[str, Typed]]:
    done = subprocess.run(["node", "read.mjs"], cwd=oracle, input=json.dumps(texts), capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)
    assert isinstance(answers, list)
    return answers


def typed(value: object) -> Typed:
    """The value as the script writes it; floats by their value, for the two languages write them differently."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return ["integer", str(value)]
    if isinstance(value, float):
        return ["float", repr(value)]
    if isinstance(value, str):
        return ["string", value]
    if isinstance(value, list):
        return ["sequence", [typed(item) for item in value]]
    assert isinstance(value, dict)
    return ["mapping", sorted(([typed(key), typed(item)] for key, item in value.items()), key=str)]


def normal(answer: object) -> Typed:
    """The script's answer in the form of `typed`."""
    if not isinstance(answer, list):
        return answer
    kind, content = answer
    if kind == "float":
        number = float(str(content).replace("Infinity", "inf"))
        return ["float", repr(number)]
    if kind == "sequence":
        return [kind, [normal(item) for item in content]]
    if kind == "mapping":
        return [kind, sorted(([normal(key), normal(item)] for key, item in content), key=str)]
    return ["integer", "0"] if answer == ["integer", "-0"] else answer


def known_difference(text: str) -> bool:
    """Where the package departs from the specification, or from itself."""
    return (bool(re.search(r"(?m)^\.\.\.", text))  # it begins a new document after '...', whatever follows
            or bool(re.match(r"\s*(---)?\s*\t", text)) or "-\t" in text  # it refuses a tab before a scalar that is no key
            or bool(re.search(r"(?m)^ *\t[ \t]*$", text))  # it refuses a blank line of tabs inside a scalar
            or bool(re.search(r"[|>][-+]?[1-9]", text))  # an indentation indicator at the top, and blank lines
            or bool(re.search(r"\\\n[ \t]*\n", text)))  # an escaped line break before a blank line


def disagreements(oracle: Path, texts: list[str]) -> tuple[list[str], int]:
    found, read = [], 0
    for text, answer in zip(texts, ask(oracle, texts), strict=True):
        try:
            value = typed(load_yaml(text))
        except SpecError:
            continue
        if known_difference(text):
            continue
        read += 1
        if answer["refused"] or normal(answer["value"]) != value:
            found.append(f"{text!r}\n  here:  {value}\n  there: {answer}")
    return found, read


def test_the_suite_and_real_files(oracle: Path) -> None:
    found, read = disagreements(oracle, SUITE + FILES)
    assert not found, "\n".join(found)
    assert read > 200


@pytest.mark.parametrize("seed", range(4))
def test_broken_texts(oracle: Path, seed: int) -> None:
    rng = random.Random(seed)
    texts = []
    for _ in range(1000):
        text = rng.choice(SUITE)
        if rng.random() < 0.5:
            lines = rng.choice(FILES).split("\n")
            start = rng.randrange(len(lines))
            text = "\n".join(lines[start: start + rng.randint(3, 25)])
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice([*PIECES, ""]) + text[at + rng.choice([0, 0, 1, 2]):]
        texts.append(text)
    found, read = disagreements(oracle, texts)
    assert not found, "\n".join(found)
    assert read > 100
