"""Cost curves as an SVG drawing: what one thing costs against how many there are. Level means linear. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log10
from xml.sax.saxutils import escape

Curve = Sequence[tuple[int, float]]
"""(how many, microseconds for each of them), the fewest first."""

WIDTH, HEIGHT = 720, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 250, 44, 48
_LINE_HEIGHT = 18
_LEVELS = 4
_COLOURS = ("#3b7dd8", "#d9822b", "#2e9e6b", "#b0569e", "#8a7f1d")
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; } .quiet { fill: #57606a; }
.grid { stroke: #d0d7de; } .curve { fill: none; stroke-width: 2; } .leader { stroke-width: 1; stroke-dasharray: 2 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .quiet { fill: #9198a1; } .grid { stroke: #3d444d; }
}
"""


def drawing(title: str, curves: Mapping[str, Curve]) -> str:
    """The curves with their names at their ends, moved apart where they would overlap."""
    sizes = sorted({size for curve in curves.values() for size, _ in curve})
    top = _round_up(max(cost for curve in curves.values() for _, cost in curve))
    parts = [f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>', *_grid(sizes, top)]
    ends = {name: _height(curve[-1][1], top) for name, curve in curves.items()}
    labels = spread(ends)
    for (name, curve), colour in zip(curves.items(), _COLOURS * len(curves), strict=False):
        points = " ".join(f"{_across(size, sizes):.1f},{_height(cost, top):.1f}" for size, cost in curve)
        right = _across(curve[-1][0], sizes)
        parts += [
            f'<polyline class="curve" stroke="{colour}" points="{points}"/>',
            f'<line class="leader" stroke="{colour}" x1="{right + 3:.1f}" y1="{ends[name]:.1f}" x2="{right + 20:.1f}" '
            f'y2="{labels[name]:.1f}"/>',
            f'<text x="{right + 25:.1f}" y="{labels[name] + 4:.1f}">{escape(name)}: {curve[-1][1]:.0f} µs</text>']
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'role="img">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n{body}\n</svg>\n')


def spread(wanted: Mapping[str, float]) -> dict[str, float]:
    """Places for labels, in the order of the wanted ones, each a line's height below the one before at least, and all
    above the axis."""
    names = sorted(wanted, key=lambda name: wanted[name])
    places: dict[str, float] = {}
    lowest = 0.0
    for name in names:
        lowest = places[name] = max(wanted[name], lowest)
        lowest += _LINE_HEIGHT
    floor = float(HEIGHT - _BOTTOM)
    for name in reversed(names):
        places[name] = min(places[name], floor)
        floor = places[name] - _LINE_HEIGHT
    return places


def _grid(sizes: Sequence[int], top: float) -> list[str]:
    left, right = _across(sizes[0], sizes), _across(sizes[-1], sizes)
    parts = []
    for level in range(_LEVELS + 1):
        cost = top * level / _LEVELS
        height = _height(cost, top)
        parts += [f'<line class="grid" x1="{left:.1f}" y1="{height:.1f}" x2="{right:.1f}" y2="{height:.1f}"/>',
                  f'<text class="quiet" text-anchor="end" x="{left - 8:.1f}" y="{height + 4:.1f}">{cost:.0f} µs</text>']
    parts += [f'<text class="quiet" text-anchor="middle" x="{_across(size, sizes):.1f}" y="{HEIGHT - _BOTTOM + 22}">'
              f'{size:,}</text>' for size in sizes]
    return parts


def _across(size: int, sizes: Sequence[int]) -> float:
    """Logarithmic, so that ten times as many is as far wherever one begins."""
    share = log10(size / sizes[0]) / log10(sizes[-1] / sizes[0])
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _height(cost: float, top: float) -> float:
    return HEIGHT - _BOTTOM - cost / top * (HEIGHT - _TOP - _BOTTOM)


def _round_up(cost: float) -> float:
    """The next number with two digits that a scale can have four even steps of."""
    unit: float = 10 ** (len(str(int(cost))) - 1) * 0.4
    return ceil(cost / unit) * unit
