"""Places for the boxes and lines of a graph: longest-path layers, barycentre order, no two boxes overlap. Pure.

After Sugiyama, Tagawa and Toda (1981): a line that passes a layer has a place of its own in it, so it crosses no box.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from oe.render.layer_order import Neighbours, order_layers
from oe.render.layer_places import place_layer

LAYER_GAP = 34.0
"""Between layers, for the lines to bend in."""

LABEL_GAP = 22.0
"""The same where every second layer is one of labels."""

_WIDEST_GAP = 120.0
_SLOPE = 0.12
_STRAIGHTENING = 10
_PASSING_WIDTH = 10.0
_PASSING_WEIGHT = 4.0
_PORT_STEP = 14.0
_PORTS_SHARE = 0.7


class Size(NamedTuple):
    """Width and height in pixels."""

    width: float
    height: float


class Box(NamedTuple):
    """A placed rectangle, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """An edge from a box to one of a higher index, with room for a label where it has one."""

    source: int
    target: int
    label: Size | None = None


class Layout(NamedTuple):
    """A drawn graph. Each route is (x, y) points in pairs: a straight piece within a layer, then a bend to the next."""

    size: Size
    boxes: list[Box]
    routes: list[list[tuple[float, float]]]
    labels: list[Box | None]


def lay_out(sizes: Sequence[Size], lines: Sequence[Line], *, sideways: bool = False) -> Layout:
    """Layers from top to bottom, or `sideways` from left to right. Lines lead from a lower to a higher index."""
    if not sideways:
        return _Drawing(sizes, lines).layout()
    turned = _Drawing([_turned(size) for size in sizes],
                      [line._replace(label=_turned(line.label) if line.label else None) for line in lines]).layout()
    return Layout(_turned(turned.size), [_turned_box(box) for box in turned.boxes],
                  [[(y, x) for x, y in route] for route in turned.routes],
                  [_turned_box(box) if box else None for box in turned.labels])


def ranks_of(count: int, lines: Sequence[Line]) -> list[int]:
    """The length of the longest way to each box; one without a way to it stands right before what it leads to."""
    ranks = [0] * count
    nearest: dict[int, int] = {}
    for line in sorted(lines, key=lambda line: line.source):
        ranks[line.target] = max(ranks[line.target], ranks[line.source] + 1)
    for line in lines:
        nearest[line.source] = min(nearest.get(line.source, count), ranks[line.target])
    has_incoming = {line.target for line in lines}
    return [rank if index in has_incoming or index not in nearest else nearest[index] - 1
            for index, rank in enumerate(ranks)]


class _Drawing:
    """One layout in the making. Items are the boxes, then the places of lines that pass a layer."""

    def __init__(self, sizes: Sequence[Size], lines: Sequence[Line]) -> None:
        self._sizes = list(sizes)
        self._lines = lines
        self._count = len(sizes)
        self._ranks = ranks_of(len(sizes), lines)
        self._gap = LAYER_GAP
        if any(line.label for line in lines):  # labels have layers of their own
            self._ranks = [2 * rank for rank in self._ranks]
            self._gap = LABEL_GAP
        self._ways = [self._way(line) for line in lines]
        self._neighbours = self._find_neighbours()
        layers: list[list[int]] = [[] for _ in range(max(self._ranks, default=-1) + 1)]
        for item, rank in enumerate(self._ranks):
            layers[rank].append(item)
        self._layers = order_layers(layers, self._neighbours)
        self._centres = [0.0] * len(self._sizes)

    def layout(self) -> Layout:
        self._place_across()
        tops, heights, height = self._place_down()
        boxes = [self._box(item, tops, heights) for item in range(self._count)]
        labels = [self._box(way[1], tops, heights) if line.label else None
                  for line, way in zip(self._lines, self._ways, strict=True)]
        width = max((box.x + box.width for box in [*boxes, *filter(None, labels)]), default=0.0)
        routes = self._routes(boxes, tops, heights)
        width = max([width, *(x for route in routes for x, _ in route)])
        return Layout(Size(width, height), boxes, routes, labels)

    def _way(self, line: Line) -> list[int]:
        """The items that a line goes through, its ends included; adds those in between."""
        first, last = self._ranks[line.source], self._ranks[line.target]
        between = range(len(self._sizes), len(self._sizes) + last - first - 1)
        for rank in range(first + 1, last):
            is_label = line.label is not None and rank == first + 1
            self._sizes.append(line.label if is_label and line.label else Size(_PASSING_WIDTH, 0.0))
            self._ranks.append(rank)
        return [line.source, *between, line.target]

    def _find_neighbours(self) -> Neighbours:
        above: list[list[int]] = [[] for _ in self._sizes]
        below: list[list[int]] = [[] for _ in self._sizes]
        for way in self._ways:
            for upper, lower in pairwise(way):
                below[upper].append(lower)
                above[lower].append(upper)
        return Neighbours(above, below)

    def _place_across(self) -> None:
        """Centres of all items: each where its neighbours are, as near as order and widths allow."""
        for layer in self._layers:
            self._settle(layer, [0.0] * len(layer))
        for step in range(_STRAIGHTENING):
            is_down = step % 2 == 0
            sides = self._neighbours.above if is_down else self._neighbours.below
            for layer in self._layers if is_down else reversed(self._layers):
                self._settle(layer, [self._wish(item, sides[item]) for item in layer])
        left = min((self._centres[item] - self._sizes[item].width / 2 for item in range(len(self._sizes))), default=0.0)
        self._centres = [centre - left for centre in self._centres]

    def _wish(self, item: int, neighbours: Sequence[int]) -> float:
        if not neighbours:
            return self._centres[item]
        return sum(self._centres[each] for each in neighbours) / len(neighbours)

    def _settle(self, layer: Sequence[int], wishes: Sequence[float]) -> None:
        widths = [self._sizes[item].width for item in layer]
        weights = [_PASSING_WEIGHT if item >= self._count else 1.0 for item in layer]
        for item, centre in zip(layer, place_layer(wishes, widths, weights), strict=True):
            self._centres[item] = centre

    def _place_down(self) -> tuple[list[float], list[float], float]:
        """Top and height of each layer, and where the last one ends."""
        heights = [max((self._sizes[item].height for item in layer), default=0.0) for layer in self._layers]
        tops: list[float] = []
        end = 0.0
        for layer, height in zip(self._layers, heights, strict=True):
            if tops:
                end += self._gap_above(layer)
            tops.append(end)
            end += height
        return tops, heights, end

    def _gap_above(self, layer: Sequence[int]) -> float:
        """Lines that go far to the side need more room to bend."""
        furthest = max((abs(self._centres[item] - self._centres[above]) for item in layer
                        for above in self._neighbours.above[item]), default=0.0)
        return min(_WIDEST_GAP, max(self._gap, furthest * _SLOPE))

    def _box(self, item: int, tops: Sequence[float], heights: Sequence[float]) -> Box:
        width, height = self._sizes[item]
        rank = self._ranks[item]
        return Box(self._centres[item] - width / 2, tops[rank] + (heights[rank] - height) / 2, width, height)

    def _routes(self, boxes: Sequence[Box], tops: Sequence[float],
                heights: Sequence[float]) -> list[list[tuple[float, float]]]:
        leaving = self._ports([(line.source, way[1]) for line, way in zip(self._lines, self._ways, strict=True)])
        arriving = self._ports([(line.target, way[-2]) for line, way in zip(self._lines, self._ways, strict=True)])
        routes = []
        for number, (line, way) in enumerate(zip(self._lines, self._ways, strict=True)):
            source, target = boxes[line.source], boxes[line.target]
            first, last = self._ranks[line.source], self._ranks[line.target]
            route = [(leaving[number], source.y + source.height), (leaving[number], tops[first] + heights[first])]
            for item in way[1:-1]:
                rank = self._ranks[item]
                route += [(self._centres[item], tops[rank]), (self._centres[item], tops[rank] + heights[rank])]
            routes.append([*route, (arriving[number], tops[last]), (arriving[number], target.y)])
        return routes

    def _ports(self, ends: Sequence[tuple[int, int]]) -> list[float]:
        """Where each line meets its box: side by side, in the order of where they go. `ends` are (box, next item)."""
        meeting: dict[int, list[int]] = {}
        for number, (box, _) in enumerate(ends):
            meeting.setdefault(box, []).append(number)
        places = [0.0] * len(ends)
        for box, numbers in meeting.items():
            numbers.sort(key=lambda number: self._centres[ends[number][1]])
            step = min(_PORT_STEP, self._sizes[box].width * _PORTS_SHARE / len(numbers))
            for place, number in enumerate(numbers):
                places[number] = self._centres[box] + (place - (len(numbers) - 1) / 2) * step
        return places


def _turned(size: Size) -> Size:
    return Size(size.height, size.width)


def _turned_box(box: Box) -> Box:
    return Box(box.y, box.x, box.height, box.width)
