"""The curves of `eval.scale` as one SVG file: four panels with logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

_SIDE, _LEFT, _TOP, _GAP = 260, 60, 34, 170
_COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a", "#bf3989")
Row = Mapping[str, Any]


def plot(rows: Sequence[Row]) -> Markup:
    """Build time, files, memory, and milliseconds of a question (p95), by the number of chunks."""
    panels = {
        "build, s": _lines(rows, "build_s"),
        "files, MB": _lines(rows, "mb"),
        "memory MB; opening s": _lines(rows, "memory_mb") | {"opening": [(r["chunks"], r["open_s"]) for r in rows]},
        "a question, ms, p95": {
            name: [(r["chunks"], r["ms"][name]["p95"]) for r in rows if name in r["ms"]] for name in rows[-1]["ms"]
        },
    }
    width, height = len(panels) * (_SIDE + _GAP), _SIDE + _TOP + 50
    parts = [_panel(title, lines, _LEFT + at * (_SIDE + _GAP)) for at, (title, lines) in enumerate(panels.items())]
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
        'font-family="sans-serif" font-size="11"><rect width="{w}" height="{h}" fill="white"/>{parts}</svg>\n'
    ).format(w=width, h=height, parts=Markup("").join(parts))


def _lines(rows: Sequence[Row], of: str) -> dict[str, list[tuple[float, float]]]:
    return {name: [(row["chunks"], row[of][name]) for row in rows] for name in rows[-1][of]}


def _panel(title: str, lines: Mapping[str, Sequence[tuple[float, float]]], left: int) -> Markup:
    points = [(x, max(y, 0.01)) for line in lines.values() for x, y in line]
    xs, ys = _decades([x for x, _ in points]), _decades([y for _, y in points])

    def at(x: float, y: float) -> str:
        across = (math.log10(x) - xs[0]) / (xs[1] - xs[0]) * _SIDE
        up = (math.log10(max(y, 0.01)) - ys[0]) / (ys[1] - ys[0]) * _SIDE
        return f"{left + across:.1f} {_TOP + _SIDE - up:.1f}"

    parts = [Markup('<text x="{}" y="{}" font-size="13">{}</text>').format(left, _TOP - 12, title)]
    for decade in range(xs[0], xs[1] + 1):
        place = at(10**decade, 10 ** ys[0]).split()[0]
        parts.append(
            Markup(
                '<path d="M{x} {t}v{s}" stroke="#ddd"/><text x="{x}" y="{y}" text-anchor="middle">{v}</text>'
            ).format(x=place, t=_TOP, s=_SIDE, y=_TOP + _SIDE + 16, v=f"{10**decade:,}")
        )
    for decade in range(ys[0], ys[1] + 1):
        place = at(10 ** xs[0], 10**decade).split()[1]
        parts.append(
            Markup('<path d="M{x} {y}h{s}" stroke="#ddd"/><text x="{e}" y="{y}" text-anchor="end">{v:g}</text>').format(
                x=left, y=place, s=_SIDE, e=left - 6, v=10.0**decade
            )
        )
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(
            Markup(
                '<path d="M{d}" fill="none" stroke="{c}" stroke-width="2"{dash}/>'
                '<text x="{x}" y="{y}" fill="{c}">{name}</text>'
            ).format(
                d="L".join(at(x, y) for x, y in line),
                c=colour,
                dash=Markup(' stroke-dasharray="4 3"') if number >= len(_COLOURS) else "",
                x=left + _SIDE + 8,
                y=_TOP + 12 + number * 15,
                name=escape(name),
            )
        )
    return Markup("").join(parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around `values`."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)
