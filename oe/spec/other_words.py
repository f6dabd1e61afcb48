"""What other systems call keys and kinds of the format: hints for words that are right, but of another language."""

from __future__ import annotations

from collections.abc import Collection

_WORDS = {
    "needs": "after depends depends_on dependencies requires runs_after",
    "when": "condition if only_if run_if",
    "on_error: {policy: retry, attempts: 3}": "max_retries retries retry",
    "on_error: {policy: continue, output: {}}": "allow_failure continue_on_error ignore_errors",
    "workdir": "cwd dir directory working_dir working_directory",
    "command": "cmd exec entrypoint run script shell",
    "impl": "file function handler module uses",
    "for_each": "foreach map matrix with_items",
    "source": "each in items list over values",
    "items": "each in list over source values",
    "stages": "body nodes steps tasks",
    "body": "nodes stages steps tasks",
    "max_iters": "count iterations max max_iterations times",
    "until": "stop_when",
    "attempts": "max_attempts max_retries retries tries",
    "base_ms": "delay delay_ms interval wait",
    "policy": "action kind strategy type",
    "on_item_error": "continue_on_error on_error",
    "args": "arguments inputs parameters params variables vars with",
    "timeout": "deadline time_limit timeout_minutes timeout_s timeout_sec timeout_seconds",
    "writes": "outputs output_fields sets",
    "reads": "uses_state",
    "produces": "artifacts files outputs",
    "env": "environment",
    "concurrency": "jobs max_concurrency max_parallel parallel parallelism threads workers",
    "kind": "type",
    "id": "key name title",
    "name": "id title",
    "file": "csv json path source",
    "database": "db file path sqlite",
    "statement": "query sql",
    "prompt": "instructions message question text user",
    "system": "system_prompt",
    "schema": "fields output_schema properties response_format",
    "nodes": "jobs stages steps tasks",
    "edges": "links",
    "graph: {nodes: […]}": "jobs nodes stages steps tasks workflow",
    "state": "fields outputs",
    "runtime": "config options settings",
}
"""Keys, some with what stands below them, and what else they are called. Of several the first that is legal counts."""

_KINDS = {
    "tool": "bash cmd command exec function program python script sh shell",
    "agent": "chat completion gpt llm model prompt",
    "dataset": "csv data file json load",
    "sql": "database db query sqlite",
    "experience": "subflow subgraph subworkflow workflow",
    "cli-agent": "claude cli codex coding-agent",
}
_ELSEWHERE = {
    "loop": "loops stand beside the nodes: graph: {loops: […]}",
    "pipeline": "pipelines stand beside the nodes: graph: {pipelines: […]}",
    "approval": "waiting for people is not available yet",
    "human": "waiting for people is not available yet",
    "condition": "a node runs under a condition with when",
    "if": "a node runs under a condition with when",
    "map": "a node runs for each item of a list with for_each",
    "parallel": "units without edges between them run at once",
}


def kind_meant(word: str) -> str | None:
    """The kind that somebody calls by another word."""
    return next((kind for kind, words in _KINDS.items() if word.lower().replace("_", "-") in words.split()), None)


def kind_elsewhere(word: str) -> str | None:
    """How the format says what is no kind of node in it."""
    return _ELSEWHERE.get(word.lower())


def key_meant(word: str, legal: Collection[str]) -> str | None:
    """The legal key, with what stands below it where that is to be known, that somebody calls by another word."""
    plain = word.lower().replace("-", "_")
    for key, words in _WORDS.items():
        if key.partition(":")[0] in legal and (plain in words.split() or plain in words.replace("_", "").split()):
            return key
    return None
