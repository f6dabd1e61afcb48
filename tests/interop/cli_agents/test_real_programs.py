"""The real programs of two coding agents, run by cli-agent nodes against a server of recorded answers on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.support.program import Program, Result
from tests.support.software import free_port, npm_packages

HERE = Path(__file__).parent
PACKAGES = {"@openai/codex": "0.169.0", "@google/gemini-cli": "0.61.0", "@copilotkit/aimock": "1.43.0"}
PROVIDERS = ["codex", "gemini"]


class Place(NamedTuple):
    """Where the programs are installed, and the server that they ask."""

    programs: Path
    url: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("npm")
    npm_packages(folder, **PACKAGES)
    programs = folder / "node_modules" / ".bin"
    port = free_port()
    server = subprocess.Popen(
        [programs / "llmock", "-p", str(port), "-h", "127.0.0.1", "-f", HERE / "fixtures.json", "--strict"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_health(f"http://127.0.0.1:{port}/health")
        yield Place(programs, f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)  # half a gigabyte


def _await_health(url: str) -> None:
    deadline = time.monotonic() + 200
    while True:
        try:
            with urlopen(url, timeout=60):
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                pytest.fail("the server of recorded answers does not come up")
            time.sleep(0.05)


@pytest.fixture
def ask(place: Place, program: Program, tmp_path: Path) -> Any:
    """Runs an experience of one node, which asks one of the programs, with a home of its own."""
    home = tmp_path / "home"
    (home / ".gemini").mkdir(parents=True)
    temporary = tmp_path / "tmp"  # the home is not in it: there, Codex makes no helpers, and none of its commands runs
    temporary.mkdir()
    (home / ".gemini" / "settings.json").write_text(json.dumps({
        "security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False}, "general": {"enableAutoUpdate": False}}))
    codex_endpoint = (f'model_providers.local={{name="local",base_url="{place.url}/v1",wire_api="responses",'
                      'env_key="CODEX_API_KEY",request_max_retries=0,stream_max_retries=0}')
    extra = {"codex": ["-c", "model_provider=local", "-c", codex_endpoint], "gemini": ["--skip-trust"]}
    model = {"codex": "gpt-x", "gemini": "gemini-2.5-flash"}

    def run(provider: str, prompt: str, **options: Any) -> Result:
        folder = tmp_path / "experience"
        folder.mkdir(exist_ok=True)
        node = {"id": "ask", "kind": "cli-agent", "provider": provider, "model": model[provider], "prompt": prompt,
                "extra_args": extra[provider], "timeout": "300s", **options}
        fields = {name: {} for name in options.get("writes", ())}
        (folder / "experience.json").write_text(json.dumps({
            "name": "real", "version": "1.0.0", "state": {"schema": fields}, "graph": {"nodes": [node]}}))
        return program.run("run", folder / "experience.json", "--json", timeout_seconds=400, env={
            "HOME": str(home), "TMPDIR": str(temporary), "PATH": f"{place.programs}:{program.environment['PATH']}",
            "CODEX_API_KEY": "key-of-codex", "GEMINI_API_KEY": "key-of-gemini", "GOOGLE_GEMINI_BASE_URL": place.url})

    return run


def error_of(result: Result) -> str:
    return str(result.json()["nodes"][0]["error"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_text_and_its_tokens_come_back(ask: Any, provider: str) -> None:
    result = ask(provider, "Count the apples.", writes=["count"])
    assert (result.exit_code, result.json()["state"]["count"]) == (0, "There are four."), result.stderr
    totals = result.json()["totals"]
    assert (totals["tokens_in"], totals["tokens_out"]) == (111, 22)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_object_fits_its_schema_or_fails(ask: Any, provider: str) -> None:
    schema = {"type": "object", "required": ["grams"], "properties": {"grams": {"type": "integer"}}}
    result = ask(provider, "Weigh the apples.", schema=schema, writes=["grams"])
    assert result.json()["state"] == {"grams": 640}, result.stderr
    assert "no JSON object" in error_of(ask(provider, "Guess the apples.", schema=schema, writes=["grams"]))


@pytest.mark.parametrize(("provider", "prompt", "told"), [
    ("codex", "Codex, look around.", "command execution: "), ("gemini", "Gemini, look around.", "list_directory")])
def test_what_it_does_with_its_tools_is_told(ask: Any, program: Program, tmp_path: Path, provider: str, prompt: str,
                                             told: str) -> None:
    result = ask(provider, prompt, writes=["said"])
    assert result.json()["state"] == {"said": "I have looked."}, result.stderr
    logs = program.run("logs", "latest", "-e", tmp_path / "experience" / "experience.json")
    assert told in logs.stdout


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_that_is_not_let_in_says_so(ask: Any, provider: str) -> None:
    error = error_of(ask(provider, "Open the door."))
    assert ("401" in error and "bad key" in error and "log in" in error) or "login" in error


def test_one_that_asks_too_much_says_so(ask: Any) -> None:
    assert "429 Too Many Requests" in error_of(ask("codex", "Hurry up."))


def test_gemini_does_not_work_in_a_folder_that_nobody_trusts(ask: Any) -> None:
    assert "not running in a trusted directory" in error_of(ask("gemini", "Count the apples.", extra_args=[]))
