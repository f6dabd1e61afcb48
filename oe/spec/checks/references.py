"""Every reference leads to something that can exist: a declared argument, a declared field, a direct predecessor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oe.lang.reference import ROOTS, Reference
from oe.lang.scope import MISSING
from oe.spec.places import Site, find_sites
from oe.spec.reference_rules import Flaw, find_path_flaw, segment_offset
from oe.spec.report import Report
from oe.spec.subject import Subject
from oe.text import add_to, clip
from oe.values import Json


def check(subject: Subject, report: Report) -> None:
    """References in arguments, conditions, list sources, prompts and the kinds' own keys."""
    for site in find_sites(subject):
        flaw = find_flaw(subject, site)
        if flaw is not None:
            report.error(flaw.code, flaw.message, site.path, flaw.hint, inside=site.reference.offset + flaw.offset)


def find_flaw(subject: Subject, site: Site) -> Flaw | None:
    """What is wrong with one reference, as far as it can be seen."""
    return _RULES[site.reference.root](subject, site)


def _state(subject: Subject, site: Site) -> Flaw | None:
    reference = site.reference
    fields = subject.experience.fields
    if not reference.segments:
        return None
    name = reference.segments[0]
    if name not in fields:
        if subject.gaps.fields:
            return None
        hint = subject.near(str(name), fields) or _other_root(subject, site, str(name))
        return Flaw("unknown-field", f"'{_shown(reference)}': there is no state field '{clip(str(name), 40)}'", hint,
                    segment_offset(reference, 0))
    if name in subject.gaps.bad_fields:
        return None
    return _path_flaw(subject, reference, fields[str(name)].schema)


def _other_root(subject: Subject, site: Site, name: str) -> str:
    if name in ROOTS and site.reference.text.startswith("$."):
        return f"write ${site.reference.text[2:]}"
    if name in (subject.experience.arguments or ()):
        return f"write $args.{name} for the argument"
    if name in site.place.inputs:
        return f"write $inputs.{name} for the output of node '{name}'"
    return "declare it under state: {schema: …}"


def _args(subject: Subject, site: Site) -> Flaw | None:
    reference, arguments = site.reference, subject.experience.arguments
    if arguments is None or subject.gaps.arguments or not reference.segments:
        return None
    name = str(reference.segments[0])
    if name not in arguments:
        hint = subject.near(name, arguments)
        if hint is None:
            is_field = name in subject.experience.fields
            hint = f"write $.{name} for the state field" if is_field else "declare it under args"
        return Flaw("unknown-argument", f"'{_shown(reference)}': there is no argument '{clip(name, 40)}'", hint,
                    segment_offset(reference, 0))
    return _path_flaw(subject, reference, arguments[name].schema)


def _inputs(subject: Subject, site: Site) -> Flaw | None:
    reference, place = site.reference, site.place
    if not reference.segments or subject.gaps.units or subject.gaps.edges or place.unit is None:
        return None
    name = str(reference.segments[0])
    if name in place.inputs:
        return None
    offset = segment_offset(reference, 0)
    if name not in subject.experience.units:
        hint = subject.near(name, place.inputs or subject.experience.units)
        return Flaw("unknown-input", f"'{_shown(reference)}': there is no unit '{clip(name, 40)}'", hint, offset)
    return Flaw("not-a-predecessor", f"'{_shown(reference)}': '{name}' is no direct predecessor of {place.noun}",
                f"add needs: [{name}]", offset)


def _item(subject: Subject, site: Site) -> Flaw | None:
    if site.place.item:
        return None
    if site.place.node is not None and site.place.node.for_each is not None:
        return _out_of_place(site, "this is decided once for the whole node, before its items")
    return _out_of_place(site, "it exists in a for_each and in the stages of a pipeline")


def _iteration(subject: Subject, site: Site) -> Flaw | None:
    return None if site.place.iteration else _out_of_place(site, "it exists in the body of a loop and in its 'until'")


def _prev(subject: Subject, site: Site) -> Flaw | None:
    if site.place.prev or (site.place.prev is False and site.reference.default is not MISSING):
        return None
    if site.place.prev is False:
        return Flaw("out-of-place", f"'{_shown(site.reference)}': the first stage has no $prev",
                    "write $item, or give a default with ??", 0)
    return _out_of_place(site, "it exists in the stages of a pipeline, from the second on")


def _out_of_place(site: Site, hint: str) -> Flaw:
    return Flaw("out-of-place", f"'{_shown(site.reference)}': there is no ${site.reference.root} here", hint, 0)


def _bare(subject: Subject, site: Site) -> Flaw | None:
    """A name without `$` in a text: the node's arguments, the run's, edge inputs, fields that it reads."""
    reference, place = site.reference, site.place
    name = str(reference.segments[0])
    node, experience = place.node, subject.experience
    if node is None or node.id in subject.gaps.nodes or subject.gaps.edges or name in subject.argument_names(node):
        return None
    if name in (experience.arguments or ()):
        assert experience.arguments is not None
        return _path_flaw(subject, reference, experience.arguments[name].schema)
    if name in place.inputs:
        return None
    if name in node.reads:
        field = experience.fields.get(name)
        is_known = field is not None and name not in subject.gaps.bad_fields
        return _path_flaw(subject, reference, field.schema) if field and is_known else None
    if subject.gaps.arguments:
        return None
    return Flaw("unknown-name", f"'{_shown(reference)}': no argument, edge input or field of node '{node.id}' is "
                f"called '{clip(name, 40)}'", _bare_hint(subject, site, name), 0)


def _bare_hint(subject: Subject, site: Site, name: str) -> str:
    node = site.place.node
    assert node is not None
    if name in ROOTS:
        return f"write ${site.reference.text}"
    if name == "state" and len(site.reference.segments) > 1:
        return f"write ${site.reference.text.removeprefix(name)}"
    if name in subject.experience.fields:
        return add_to("reads", node.reads, name)
    known = [*subject.argument_names(node), *(subject.experience.arguments or ()), *site.place.inputs, *node.reads]
    return subject.near(name, known) or "give it under args, or add a field to reads"


def _path_flaw(subject: Subject, reference: Reference, schema: Json) -> Flaw | None:
    return find_path_flaw(reference, 1, schema, subject.schemas.load, subject.near)


def _shown(reference: Reference) -> str:
    return clip(reference.text, 60)


_RULES: Mapping[str, Callable[[Subject, Site], Flaw | None]] = {
    "state": _state, "args": _args, "inputs": _inputs, "item": _item, "index": _item, "iter": _iteration,
    "prev": _prev, "bare": _bare}
