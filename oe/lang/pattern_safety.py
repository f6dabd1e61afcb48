"""How long a pattern can take: the growth of backtracking, read off an automaton of its character positions.

A position automaton has one state for each character set in the pattern. Its edges carry how many ways lead from one
position to the next (capped at two), so it counts the paths that a backtracking matcher may walk:
two different ways round one loop on the same text are exponential; two loops that can share a text, one after the
other, are polynomial (A. Weber, H. Seidl, "On the degree of ambiguity of finite automata", 1991).
The end of the text counts as a character, other assertions are taken as always true, and long counted repeats as
endless, so the answer errs on the careful side.
"""

from __future__ import annotations

from typing import NamedTuple

from oe.lang.pattern_graph import Graph, components, reachable
from oe.lang.pattern_tree import Assertion, Chars, Choice, Ranges, Regex, Repeat, Sequence

LONGEST_CHAIN = 6
"""Choices in a row that each double the paths; more are refused as exponential though they are finite."""

_MOST_EDGES = 20_000
_MOST_STEPS = 200_000
_MOST_COPIES = 10
_MOST_COPIED = 32
_MOST_EMPTY = 8
"""Copies of one character and positions of a group that a counted repeat is written out to; a count above that is
taken as endless. Repeats of something that can be empty are refused above the last figure."""


class TooComplex(Exception):
    """The pattern cannot be analysed within bounds."""


class Ambiguous(Exception):
    """The pattern can take exponential time; the argument says where."""


class Growth(NamedTuple):
    """A search takes at most about `length ** power * 2 ** doublings` steps."""

    power: int
    doublings: int


def growth(tree: Regex) -> Growth:
    """How the time of a search grows. Raises Ambiguous or TooComplex."""
    alphabet = _alphabet(tree)
    anchored = _is_anchored(tree)
    builder = _Builder(alphabet)
    power, doublings = builder.growth(tree, anchored=anchored)
    leading = _leading_looks(tree) if anchored else []
    for look in builder.looks:
        inner = _Builder(alphabet)
        found = inner.growth(look, anchored=True)
        builder.looks += inner.looks
        power = max(power, found.power + (0 if any(look is known for known in leading) else 1))
        doublings = max(doublings, found.doublings)
    return Growth(power, doublings)


def _is_anchored(node: Regex) -> bool:
    match node:
        case Assertion():
            return node.python == "^"
        case Sequence():
            for part in node.parts:
                if _is_anchored(part):
                    return True
                if not isinstance(part, Assertion):
                    return False
            return False
        case Choice():
            return all(map(_is_anchored, node.alternatives))
    return False


def _leading_looks(node: Regex) -> list[Regex]:
    """Bodies of the looks around that stand before everything that consumes."""
    found: list[Regex] = []
    for part in node.parts if isinstance(node, Sequence) else (node,):
        if isinstance(part, Sequence) and part.parts and all(isinstance(each, Assertion) for each in part.parts):
            found += _leading_looks(part)
        elif not isinstance(part, Assertion):
            break
        elif part.body is not None:
            found.append(part.body)
    return found


class _Alphabet(NamedTuple):
    """A bit for each group of characters that no set of the pattern divides; one more for the end of the text."""

    mask_of: dict[Ranges, int]
    everything: int
    end: int


def _alphabet(tree: Regex) -> _Alphabet:
    sets: set[Ranges] = set()
    waiting: list[Regex] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case Chars():
                sets.add(node.ranges)
            case Sequence():
                waiting += node.parts
            case Choice():
                waiting += node.alternatives
            case Repeat():
                waiting.append(node.body)
            case Assertion():
                waiting += [node.body] if node.body is not None else []
    cuts = sorted({0} | {cut for ranges in sets for first, last in ranges for cut in (first, last + 1)})
    bit = {cut: 1 << index for index, cut in enumerate(cuts)}
    mask_of = {ranges: sum(bit[last + 1] - bit[first] for first, last in ranges) for ranges in sets}
    return _Alphabet(mask_of, (1 << len(cuts)) - 1, 1 << len(cuts))


class _Part(NamedTuple):
    """Ways to match nothing; positions that may come first and last, each with the number of ways."""

    empty: int
    first: dict[int, int]
    last: dict[int, int]


_EMPTY = _Part(1, {}, {})


class _Builder:
    """Builds the automaton of one tree; the bodies of looks around wait in `looks` for an analysis of their own."""

    def __init__(self, alphabet: _Alphabet) -> None:
        self._alphabet = alphabet
        self._masks: list[int] = []
        self._follow: list[dict[int, int]] = []
        self._edges = 0
        self._has_assertion = False
        self.looks: list[Regex] = []

    def growth(self, tree: Regex, *, anchored: bool) -> Growth:
        """The growth of the tree, without its looks around."""
        self._position(0 if anchored else self._alphabet.everything)
        start = _Part(0, {0: 1}, {0: 1})
        if not anchored:
            self._link(start.last, start.first)
        whole = self._build(tree)
        self._join(start, whole)
        accepting = frozenset() if self._has_assertion else frozenset(whole.last)
        graph = Graph(self._masks, self._follow)
        groups = components(self._follow)
        _check_loops(graph, groups)
        choices = _longest_chain(graph, groups)
        overlaps = _overlaps(graph, groups, accepting)
        return Growth(1 + overlaps, max(0, choices - overlaps))

    def _position(self, mask: int) -> int:
        self._masks.append(mask)
        self._follow.append({})
        return len(self._masks) - 1

    def _link(self, last: dict[int, int], first: dict[int, int]) -> None:
        self._edges += len(last) * len(first)
        if self._edges > _MOST_EDGES:
            raise TooComplex
        for source, ways in last.items():
            follow = self._follow[source]
            for target, more in first.items():
                follow[target] = min(2, follow.get(target, 0) + ways * more)

    def _build(self, node: Regex) -> _Part:
        match node:
            case Chars():
                return self._one(self._alphabet.mask_of[node.ranges])
            case Assertion():
                self._has_assertion = True
                if node.body is not None:
                    self.looks.append(node.body)
                return self._one(self._alphabet.end) if node.python == r"\Z" else _EMPTY
            case Sequence():
                return self._sequence(node.parts)
            case Choice():
                return self._choice(node.alternatives)
            case Repeat():
                return self._repeat(node)

    def _one(self, mask: int) -> _Part:
        position = self._position(mask)
        return _Part(0, {position: 1}, {position: 1})

    def _sequence(self, nodes: tuple[Regex, ...]) -> _Part:
        whole = _EMPTY
        for node in nodes:
            whole = self._join(whole, self._build(node))
        return whole

    def _join(self, left: _Part, right: _Part) -> _Part:
        self._link(left.last, right.first)
        return _Part(min(2, left.empty * right.empty), _merged(left.first, right.first, left.empty),
                     _merged(right.last, left.last, right.empty))

    def _choice(self, nodes: tuple[Regex, ...]) -> _Part:
        parts = [self._build(node) for node in nodes]
        first = {position: ways for part in parts for position, ways in part.first.items()}
        last = {position: ways for part in parts for position, ways in part.last.items()}
        return _Part(min(2, sum(part.empty for part in parts)), first, last)

    def _repeat(self, node: Repeat) -> _Part:
        body, least, most = node.body, node.least, node.most
        size = _size(body)
        if most is not None and most > _MOST_EMPTY and _can_be_empty(body):
            raise Ambiguous("a counted repeat of something that can be empty")
        copies = _MOST_COPIES if size == 1 else max(1, _MOST_COPIED // max(1, size))
        if most is not None and (most <= copies or (least == most and isinstance(body, Chars))):
            return self._written_out(body, min(least, copies), min(most, copies))
        whole = self._sequence((body,) * (min(max(1, least), copies) - 1))
        loop = self._build(body)
        self._link(loop.last, loop.first)
        if least == 0:
            loop = _optional(loop)
        return self._join(whole, loop)

    def _written_out(self, body: Regex, least: int, most: int) -> _Part:
        """`x{2,4}` as `xx(x(x)?)?`."""
        rest = _EMPTY
        for _ in range(most - least):
            rest = _optional(self._join(self._build(body), rest))
        return self._join(self._sequence((body,) * least), rest)


def _optional(part: _Part) -> _Part:
    return part._replace(empty=min(2, part.empty + 1))


def _merged(base: dict[int, int], more: dict[int, int], factor: int) -> dict[int, int]:
    if not factor or not more:
        return base
    merged = dict(base)
    for position, ways in more.items():
        merged[position] = min(2, merged.get(position, 0) + ways * factor)
    return merged


def _size(node: Regex) -> int:
    """Positions of a part, its repeats written out."""
    match node:
        case Chars():
            return 1
        case Sequence():
            return sum(map(_size, node.parts))
        case Choice():
            return sum(map(_size, node.alternatives))
        case Repeat():
            times = min(_MOST_COPIES, max(node.least, node.most or 1, 1))
            return times * _size(node.body)
    return 0


def _can_be_empty(node: Regex) -> bool:
    match node:
        case Chars():
            return False
        case Sequence():
            return all(map(_can_be_empty, node.parts))
        case Choice():
            return any(map(_can_be_empty, node.alternatives))
        case Repeat():
            return node.least == 0 or _can_be_empty(node.body)
    return True


def _check_loops(graph: Graph, groups: list[list[int]]) -> None:
    """Raises Ambiguous where one loop has two ways round on the same text."""
    for group in groups:
        members = frozenset(group)
        if len(group) > 1 or group[0] in graph.follow[group[0]]:
            for state in group:
                if graph.merges(state, members, _MOST_STEPS):
                    raise Ambiguous("a repeat inside a repeat, or two ways through one, that match the same text")


def _longest_chain(graph: Graph, groups: list[list[int]]) -> int:
    """How many choices in a row leave two ways for the same text each. Raises Ambiguous where they are many."""
    everything = frozenset(range(len(graph.masks)))
    longest: dict[int, int] = {}
    for group in groups:
        targets = {target for state in group for target in graph.follow[state]}
        best = max((longest[target] for target in targets if target in longest), default=0)
        for state in group:
            merged = graph.merges(state, everything, _MOST_STEPS)
            best = max([best, *(1 + longest[target] for target in merged if target in longest)])
        longest.update(dict.fromkeys(group, best))
    most = max(longest.values())
    if most > LONGEST_CHAIN:
        raise Ambiguous("a row of optional parts that match the same text")
    return most


def _overlaps(graph: Graph, groups: list[list[int]], accepting: frozenset[int]) -> int:
    """The most loops, one after the other, that can share one text with the next."""
    loops = [index for index, group in enumerate(groups) if len(group) > 1 or group[0] in graph.follow[group[0]]]
    below = reachable(graph.follow, groups)
    best: dict[int, int] = {}
    for index in range(len(groups)):
        best[index] = max((best[other] for other in below[index] if other != index), default=0)
        if index in loops:
            sharing = [best[other] for other in loops if other in below[index] and other != index
                       and not accepting.issuperset(groups[other])
                       and graph.share(groups[index], groups[other], _MOST_STEPS)]
            best[index] = max([best[index], *(1 + deeper for deeper in sharing)])
    return best[len(groups) - 1] if groups else 0
