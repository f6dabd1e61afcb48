"""Stand-ins for coding agents' programs: they behave as a test says and note what they were given.

The shapes of their events are those of the real programs: Claude Code's as documented, Codex's and Gemini CLI's as
printed by versions 0.169 and 0.61.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

_PROGRAM = '''#!{python} -SE
import json, os, signal, subprocess, sys, time
here = os.path.abspath(sys.argv[0])
prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
with open(here + ".seen", "a") as seen:
    seen.write(json.dumps(dict(argv=sys.argv[1:], prompt=prompt, env=dict(os.environ), folder=os.getcwd())) + "\\n")
with open(here + ".pid", "w") as file:
    file.write(str(os.getpid()))
with open(here + ".steps") as file:
    steps = json.load(file)
def out(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
for step, value in steps:
    if step == "out":
        out(value.encode("utf-8", "surrogateescape"))
    elif step == "bytes":
        out(bytes.fromhex(value))
    elif step == "err":
        os.write(2, value.encode())
    elif step == "flood":
        line = value.encode()
        while True:
            out(line)
    elif step == "ignore TERM":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif step == "leave a child":
        child = subprocess.Popen(["sleep", "1000"])
        with open(value, "w") as file:
            file.write(str(child.pid))
    elif step == "hang":
        while True:
            time.sleep(1000)
    elif step == "exit":
        sys.exit(value)
    elif step == "kill":
        os.kill(os.getpid(), value)
'''


class Seen(NamedTuple):
    """What one start of a stand-in was given."""

    argv: list[str]
    prompt: str
    env: dict[str, str]
    folder: str


class StandIns:
    """A folder of stand-ins, to be put on the PATH."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def script(self, program: str, *steps: tuple[str, Any]) -> Path:
        """Makes the program, or tells it to do something else from now on; its path."""
        path = self.folder / program
        path.write_text(_PROGRAM.replace("{python}", sys.executable))
        path.chmod(0o755)
        (self.folder / f"{program}.steps").write_text(json.dumps(steps))
        return path

    def says(self, program: str, *events: Any, code: int = 0) -> Path:
        """The program prints these events, one a line, and ends."""
        return self.script(program, ("out", lines(*events)), ("exit", code))

    def seen(self, program: str) -> list[Seen]:
        """What each start of the program was given."""
        notes = (self.folder / f"{program}.seen").read_text().splitlines()
        return [Seen(**json.loads(note)) for note in notes]


def lines(*events: Any) -> str:
    """Events as they are printed."""
    return "".join(json.dumps(event) + "\n" for event in events)


def claude(text: str | None, **members: Any) -> list[dict[str, Any]]:
    """A session of `claude --print --output-format stream-json --verbose`."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
               "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 3, "output_tokens": 1}}
    tool = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls -la", "description": "List"}}
    return [
        {"type": "system", "subtype": "init", "cwd": "/", "session_id": "s", "tools": ["Bash"], "model": "claude-x",
         "permissionMode": "default", "apiKeySource": "none"},
        {"type": "assistant", "message": {**message, "content": [tool]}, "session_id": "s"},
        {"type": "user", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "total 0"}]}, "session_id": "s"},
        {"type": "assistant", "message": message, "session_id": "s"},
        {"type": "result", "subtype": "success", "is_error": False, "duration_ms": 1998, "duration_api_ms": 1976,
         "num_turns": 2, "result": text, "session_id": "s", "total_cost_usd": 0.0125,
         "usage": {"input_tokens": 4, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000,
                   "output_tokens": 60}, "permission_denials": [], **members},
    ]


def codex(*texts: str, **members: Any) -> list[dict[str, Any]]:
    """A session of `codex exec --json`."""
    messages = [{"type": "item.completed", "item": {"id": f"item_{number + 2}", "type": "agent_message", "text": text}}
                for number, text in enumerate(texts)]
    command = {"id": "item_1", "type": "command_execution", "command": "/bin/bash -lc 'echo from-codex; pwd'"}
    return [
        {"type": "thread.started", "thread_id": "01a1fb9b-5772-75d1-ad21-2546073f4364"},
        {"type": "item.completed", "item": {"id": "item_0", "type": "error", "message": "Model metadata for `gpt-x` not "
                                            "found. Defaulting to fallback metadata"}},
        {"type": "turn.started"},
        {"type": "item.started", "item": {**command, "aggregated_output": "", "exit_code": None,
                                          "status": "in_progress"}},
        {"type": "item.completed", "item": {**command, "aggregated_output": "from-codex\n/\n", "exit_code": 0,
                                            "status": "completed"}},
        *messages,
        {"type": "turn.completed", "usage": {"input_tokens": 27365, "cached_input_tokens": 20000,
                                             "cache_write_input_tokens": 0, "output_tokens": 8,
                                             "reasoning_output_tokens": 0}, **members},
    ]


def codex_failure(message: str) -> list[dict[str, Any]]:
    """A session of codex that its service does not let happen."""
    return [*codex()[:3], {"type": "error", "message": message},
            {"type": "turn.failed", "error": {"message": message}}]


def gemini(*pieces: str, **members: Any) -> list[dict[str, Any]]:
    """A session of `gemini --output-format stream-json`."""
    head = {"timestamp": "2026-11-21T00:57:07.228Z"}
    said = [{"type": "message", **head, "role": "assistant", "content": piece, "delta": True} for piece in pieces]
    return [
        {"type": "init", **head, "session_id": "c5d9", "model": "gemini-2.5-flash"},
        {"type": "message", **head, "role": "user", "content": "what was asked"},
        {"type": "message", **head, "role": "assistant", "content": "Let me look. ", "delta": True},
        {"type": "tool_use", **head, "tool_name": "run_shell_command", "tool_id": "t1",
         "parameters": {"command": "ls", "description": "List"}},
        {"type": "tool_result", **head, "tool_id": "t1", "status": "success", "output": "a\nb"},
        *said,
        {"type": "result", **head, "status": "success", "stats": {
            "total_tokens": 1050, "input_tokens": 1000, "output_tokens": 40, "cached": 300, "input": 700,
            "duration_ms": 41, "tool_calls": 1, "models": {}}, **members},
    ]
