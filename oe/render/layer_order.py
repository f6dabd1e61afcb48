"""The order of items within the layers of a drawing, so that few lines cross. Pure."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_SWEEPS = 12


class Neighbours(NamedTuple):
    """For each item those of the layer above and of the layer below that it is joined to."""

    above: Sequence[Sequence[int]]
    below: Sequence[Sequence[int]]


def order_layers(layers: Sequence[Sequence[int]], neighbours: Neighbours) -> list[list[int]]:
    """The layers, each in the best order of a number of sweeps: down and up in turns, every item goes to the mean place
    of its neighbours in the layer before."""
    present = [list(layer) for layer in layers]
    best, fewest = present, _crossings(present, neighbours)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        is_down = sweep % 2 == 0
        present = _swept(present, neighbours.above if is_down else neighbours.below, is_down=is_down)
        count = _crossings(present, neighbours)
        if count < fewest:
            best, fewest = present, count
    return best


def _swept(layers: Sequence[Sequence[int]], sides: Sequence[Sequence[int]], *, is_down: bool) -> list[list[int]]:
    done: list[list[int]] = []
    places: dict[int, float] = {}
    for layer in layers if is_down else reversed(layers):
        own = {item: float(place) for place, item in enumerate(layer)}
        for item in layer:
            if sides[item]:
                own[item] = sum(places[each] for each in sides[item]) / len(sides[item])
        ordered = sorted(layer, key=own.__getitem__)
        places.update((item, float(place)) for place, item in enumerate(ordered))
        done.append(ordered)
    return done if is_down else done[::-1]


def _crossings(layers: Sequence[Sequence[int]], neighbours: Neighbours) -> int:
    """How many pairs of lines cross between neighbouring layers."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {item: index for index, item in enumerate(lower)}
        passed: list[int] = []
        for item in upper:
            ends = sorted(place[each] for each in neighbours.below[item])
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total
