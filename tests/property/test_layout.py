"""Drawings of random graphs: no box lies on another, every line leads from its box to its box and through none."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from oe.render.layer_places import ITEM_GAP, place_layer
from oe.render.layout import Box, Layout, Line, Size, lay_out

SIZES = st.builds(Size, st.floats(20, 300), st.floats(10, 120))
SLACK = 0.001


@st.composite
def drawings(draw: st.DrawFn) -> tuple[list[Size], list[Line]]:
    sizes = draw(st.lists(SIZES, min_size=1, max_size=30))
    pairs = draw(st.lists(st.tuples(st.integers(0, len(sizes) - 1), st.integers(0, len(sizes) - 1)), max_size=60, unique=True))
    labels = draw(st.booleans())
    return sizes, [Line(min(pair), max(pair), Size(60, 17) if labels and sum(pair) % 3 == 0 else None)
                   for pair in pairs if pair[0] != pair[1]]


def overlap(one: Box, other: Box) -> bool:
    return (one.x + one.width > other.x + SLACK and other.x + other.width > one.x + SLACK
            and one.y + one.height > other.y + SLACK and other.y + other.height > one.y + SLACK)


def placed(layout: Layout) -> list[Box]:
    return [*layout.boxes, *(label for label in layout.labels if label is not None)]


@given(drawings(), st.booleans())
@settings(max_examples=200)
def test_no_two_boxes_or_labels_overlap_and_all_lie_on_the_drawing(drawing: tuple[list[Size], list[Line]], sideways: bool) -> None:
    layout = lay_out(*drawing, sideways=sideways)
    for one, other in combinations(placed(layout), 2):
        assert not overlap(one, other), (one, other)
    for box in placed(layout):
        assert box.x >= -SLACK and box.x + box.width <= layout.size.width + SLACK
        assert box.y >= -SLACK and box.y + box.height <= layout.size.height + SLACK
    assert [(box.width, box.height) for box in layout.boxes] == list(drawing[0])


@given(drawings(), st.booleans())
@settings(max_examples=200)
def test_lines_join_their_boxes_and_lead_through_no_other(drawing: tuple[list[Size], list[Line]], sideways: bool) -> None:
    layout = lay_out(*drawing, sideways=sideways)
    for line, route in zip(drawing[1], layout.routes, strict=True):
        for end, box, side in ((route[0], layout.boxes[line.source], 1), (route[-1], layout.boxes[line.target], 0)):
            across, along = (end[1], end[0]) if sideways else end
            start, width, near, depth = (box.y, box.height, box.x, box.width) if sideways else (box.x, box.width, box.y, box.height)
            assert start <= across <= start + width
            assert abs(along - (near + side * depth)) < SLACK
        others = [box for index, box in enumerate(layout.boxes) if index not in (line.source, line.target)]
        for start_point, end_point in zip(route[::2], route[1::2], strict=True):
            piece = Box(min(start_point[0], end_point[0]), min(start_point[1], end_point[1]),
                        abs(end_point[0] - start_point[0]), abs(end_point[1] - start_point[1]))
            assert not any(overlap(piece, box) for box in others)
        for before, after in zip(route[1::2], route[2::2], strict=False):
            along = 0 if sideways else 1
            assert before[along] < after[along], "a bend leads on to the next layer"


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 200), st.sampled_from([1.0, 4.0])), min_size=1, max_size=40))
def test_a_layer_keeps_its_order_and_room(items: list[tuple[float, float, float]]) -> None:
    wishes, widths, weights = map(list, zip(*items, strict=True))
    centres = place_layer(wishes, widths, weights)
    for index in range(1, len(items)):
        room = (widths[index - 1] + widths[index]) / 2 + ITEM_GAP
        assert centres[index] - centres[index - 1] >= room - 1e-6


def test_wishes_that_leave_room_come_true() -> None:
    assert place_layer([0, 100, 300], [40, 40, 40], [1, 1, 1]) == [0, 100, 300]


def test_wishes_for_one_place_are_shared() -> None:
    assert place_layer([100, 100], [40, 40], [1, 1]) == [100 - (40 + ITEM_GAP) / 2, 100 + (40 + ITEM_GAP) / 2]
