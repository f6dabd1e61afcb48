"""What the front end makes of a correct experience: types, defaults, durations, order."""

from __future__ import annotations

from oe.lang.scope import MISSING, Scope
from oe.spec.model import Budget, CacheRule, Loop, OnError, Pipeline
from tests.unit.spec.specs import graph, spec

_FULL = graph(
    "id: fetch, writes: [rows], timeout: 1.5, on_error: {policy: retry, attempts: 4, backoff: fixed, base_ms: 20, "
    "max_ms: 500, jitter: false, retry_on: [OSError], then: continue, output: {state_delta: {rows: []}, edge_output: 3}}",
    "id: each, needs: [fetch], for_each: {source: $.rows, concurrency: 2, on_item_error: continue, min_success: 1}",
    "id: step, args: {x: $item}",
    "id: last, needs: stream, timeout_ms: 250, produces: [out.csv], env: [HOME], effects: true, join: always, "
    "budget: {usd: 0.5, tokens: 10, calls: 2}, when: $.total > 1, phase: end",
    state="rows: {type: array, merge: array_append}, total: {type: integer, default: 2, persist: true}",
    rest="  pipelines: [{id: stream, items: [1, 2], stages: [step], needs: each}]\n"
         "  loops: [{id: again, body: body, max_iters: 2, until: $iter > 1}]\n"
         "  edges: [{from: fetch, to: last, when: exists($.rows)}]\n").replace(
    "  nodes:\n", "  nodes:\n    - {id: body, kind: tool, impl: ./tools/work.py, cache: {ttl: 2h}, args: {n: $iter}}\n")


def test_units_are_nodes_then_pipelines_then_loops() -> None:
    experience = spec(_FULL)
    assert list(experience.units) == ["fetch", "each", "last", "stream", "again"]
    assert list(experience.nodes) == ["body", "fetch", "each", "step", "last"]


def test_edges_come_in_the_order_of_the_text_with_their_paths() -> None:
    experience = spec(_FULL)
    assert [(edge.source, edge.target) for edge in experience.edges] == [
        ("fetch", "each"), ("stream", "last"), ("each", "stream"), ("fetch", "last")]
    assert [edge.path for edge in experience.edges] == [
        ("graph", "nodes", 2, "needs", 0), ("graph", "nodes", 4, "needs"), ("graph", "pipelines", 0, "needs"),
        ("graph", "edges", 0)]
    assert experience.edges[-1].when is not None


def test_node_keys_are_typed() -> None:
    nodes = spec(_FULL).nodes
    fetch, each, last = nodes["fetch"], nodes["each"], nodes["last"]
    assert fetch.timeout_seconds == 1.5
    assert (fetch.on_error.policy, fetch.on_error.attempts, fetch.on_error.backoff) == ("retry", 4, "fixed")
    assert (fetch.on_error.base_seconds, fetch.on_error.max_seconds, fetch.on_error.jitter) == (0.02, 0.5, False)
    assert (fetch.on_error.retry_on, fetch.on_error.then) == (("OSError",), "continue")
    assert fetch.on_error.output is not None
    assert (fetch.on_error.output.state_delta, fetch.on_error.output.edge_output) == ({"rows": []}, 3)
    assert each.for_each is not None
    assert (each.for_each.concurrency, each.for_each.on_item_error, each.for_each.min_success) == (2, "continue", 1)
    assert each.for_each.source.resolve(Scope(state={"rows": [7]})) == [7]
    assert (last.timeout_seconds, last.produces, last.env, last.effects) == (0.25, ("out.csv",), ("HOME",), True)
    assert (last.join, last.phase, last.budget) == ("always", "end", Budget(0.5, 10, 2))
    assert last.when is not None
    assert last.when.text == "$.total > 1"
    assert nodes["body"].cache == CacheRule(True, 7200.0)


def test_what_is_not_written_has_its_default() -> None:
    experience = spec(graph("id: work"))
    node = experience.nodes["work"]
    assert node.on_error == OnError("skip", 1, "exponential", 1.0, 60.0, True, (), "skip", None)
    assert (node.reads, node.writes, node.inputs, node.join, node.for_each, node.timeout_seconds) == (
        (), (), (), "all", None, None)
    assert node.args.resolve(Scope()) == {}
    assert experience.arguments is None
    runtime = experience.runtime
    assert (runtime.concurrency, runtime.max_in_flight, runtime.timeout_seconds, runtime.cleanup_timeout_seconds) == (
        1, 256, None, 30.0)
    assert (runtime.cache, runtime.budget, runtime.durability, runtime.llm) == (
        CacheRule(None, None), None, "process", {})


def test_runtime_is_read() -> None:
    runtime = spec("runtime: {concurrency: 8, max_in_flight: 9, timeout: 2h, cleanup_timeout: 5, llm: {model: m}, "
                   "budget: {calls: 3}, cache: false, durability: power}\n" + graph("id: work")).runtime
    assert (runtime.concurrency, runtime.max_in_flight, runtime.timeout_seconds) == (8, 9, 7200.0)
    assert (runtime.cleanup_timeout_seconds, runtime.llm, runtime.budget) == (5.0, {"model": "m"}, Budget(None, None, 3))
    assert (runtime.cache, runtime.durability) == (CacheRule(False, None), "power")


def test_fields_keep_their_schema_without_the_keys_of_the_format() -> None:
    fields = spec(graph("id: work", state="a: {type: object, required: [x], merge: set_once, persist: true}, "
                                          "b: {type: integer, default: 0}")).fields
    assert fields["a"].schema == {"type": "object", "required": ["x"]}
    assert (fields["a"].merge, fields["a"].persist, fields["a"].default) == ("set_once", True, MISSING)
    assert (fields["b"].merge, fields["b"].persist, fields["b"].default) == ("last_wins", False, 0)


def test_state_persist_is_the_default_of_its_fields() -> None:
    fields = spec("state: {persist: true, schema: {a: {type: string}, b: {type: string, persist: false}}}\n"
                  + graph("id: work")).fields
    assert (fields["a"].persist, fields["b"].persist) == (True, False)


def test_required_of_an_argument_is_a_flag_and_a_list_is_the_keyword() -> None:
    arguments = spec("args: {a: {type: string, required: true}, b: {type: object, required: [x]}, "
                     "c: {type: string, default: z}}\n" + graph("id: work")).arguments
    assert arguments is not None
    assert (arguments["a"].required, arguments["a"].schema) == (True, {"type": "string"})
    assert (arguments["b"].required, arguments["b"].schema) == (False, {"type": "object", "required": ["x"]})
    assert arguments["c"].default == "z"


def test_pipelines_and_loops_are_typed() -> None:
    experience = spec(_FULL)
    stream, again = experience.units["stream"], experience.units["again"]
    assert isinstance(stream, Pipeline)
    assert (stream.stages, stream.on_item_error, stream.items.resolve(Scope())) == (("step",), "fail", [1, 2])
    assert isinstance(again, Loop)
    assert (again.body, again.max_iters, again.on_exhausted, again.budget) == (("body",), 2, "continue", None)


def test_options_hold_the_kinds_own_keys_over_their_defaults() -> None:
    node = spec("graph: {nodes: [{id: ask, kind: agent, prompt: Hello, llm: {model: small}}]}\n").nodes["ask"]
    assert node.options == {"prompt": "Hello", "repair": 1, "llm": {"model": "small"}}


def test_values_under_inputs_of_a_skill_are_arguments() -> None:
    node = spec("graph: {nodes: [{id: ask, kind: skill, impl: ./skills/reviewer, inputs: {a: 1, b: 2}, args: {b: 3}}]}\n"
                ).nodes["ask"]
    assert node.args.resolve(Scope()) == {"a": 1, "b": 3}
    assert node.inputs == ()


def test_file_and_folder_are_known() -> None:
    experience = spec(graph("id: work"))
    assert experience.file == "experience.yaml"
    assert experience.folder.endswith("golden/spec")
