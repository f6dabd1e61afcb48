"""Places within one layer of a drawing: as near to what each item wishes as order and widths allow. Pure."""

from __future__ import annotations

from collections.abc import Sequence

ITEM_GAP = 22.0
"""Between neighbours in a layer."""


def place_layer(wishes: Sequence[float], widths: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Centres in the given order, ITEM_GAP apart, with the least sum of weighted squares of distances to the wishes.

    Taken without the room that items need, this is an isotonic regression: neighbours that wish past each other are
    pooled and stand around the mean of their wishes (pool adjacent violators). Linear in the number of items.
    """
    offsets: list[float] = []
    room = 0.0
    for index, width in enumerate(widths):
        room += 0.0 if index == 0 else (widths[index - 1] + width) / 2 + ITEM_GAP
        offsets.append(room)
    pools: list[tuple[float, float, int]] = []
    for wish, offset, own_weight in zip(wishes, offsets, weights, strict=True):
        place, weight, count = wish - offset, own_weight, 1
        while pools and pools[-1][0] > place:
            earlier, earlier_weight, earlier_count = pools.pop()
            place = (place * weight + earlier * earlier_weight) / (weight + earlier_weight)
            weight += earlier_weight
            count += earlier_count
        pools.append((place, weight, count))
    starts = [place for place, _, count in pools for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]
