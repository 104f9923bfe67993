"""A picture of the ratios: how many times as fast as the others ours is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from eval.bench.timing import OURS, Figure

_STYLE = Markup("""
text { font: 13px system-ui, sans-serif; fill: #1c2733; } .soft { fill: #5b6875; font-size: 11px; }
.end { text-anchor: end; } .mid { text-anchor: middle; } .grid { stroke: #d5dbe1; } .even { stroke: #1c2733; }
.s0 { fill: #2f6fb0; } .s1 { fill: #c0752c; } .s2 { fill: #5a8f4e; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6ebf0; } .soft { fill: #a3b0bd; } .grid { stroke: #3a4550; } .even { stroke: #e6ebf0; }
}
""")
_LEFT, _WIDTH, _THICK, _GAP = 330, 380, 16, 14


def ratios(figures: Sequence[Figure]) -> str:
    """The speeds among `figures` as an SVG file: a bar for each of the others, and a line where both are equal."""
    compared = [(f, {name: n for name in f.values if (n := f.times(name)) is not None}) for f in figures]
    rows = [(figure, times) for figure, times in compared if times]
    others = list(dict.fromkeys(name for _, times in rows for name in times))
    most = max((value for _, times in rows for value in times.values()), default=1.0)
    step = next(step for step in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, math.ceil(most)) if 8 * step >= most)
    scale = _WIDTH / (step * max(1, -(-most // step)))
    parts, y = [], 12.0
    for figure, times in rows:
        middle = y + _THICK * len(times) / 2 + 4
        parts.append(Markup('<text x="{}" y="{:.1f}" class="end">{}</text>').format(_LEFT - 10, middle, figure.name))
        for name, value in times.items():
            parts.append(
                Markup(
                    '<rect x="{}" y="{:.1f}" width="{:.1f}" height="{}" rx="2" class="s{}"/>'
                    '<text x="{:.1f}" y="{:.1f}" class="soft">{:.1f}</text>'
                ).format(
                    *(_LEFT, y, value * scale, _THICK - 2, others.index(name) % 3),
                    *(_LEFT + value * scale + 6, y + _THICK - 5, value),
                )
            )
            y += _THICK
        y += _GAP
    grid = []
    for i in range(round(_WIDTH / scale / step) + 1):
        grid.append(
            Markup(
                '<path d="M{x:.1f} 4V{y:.1f}" class="grid"/>'
                '<text x="{x:.1f}" y="{ty:.1f}" class="soft mid">{t:g}</text>'
            ).format(x=_LEFT + i * step * scale, y=y, ty=y + 16, t=i * step)
        )
    grid.append(Markup('<path d="M{:.1f} 4V{:.1f}" class="even"/>').format(_LEFT + scale, y))
    y += 40
    for j, name in enumerate(others):
        parts.append(
            Markup(
                '<rect x="{}" y="{:.1f}" width="11" height="11" rx="2" class="s{}"/><text x="{}" y="{:.1f}">{}</text>'
            ).format(_LEFT, y - 10, j % 3, _LEFT + 18, y, f"times as fast as {name}")
        )
        y += 20
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h:.0f}" width="{w}" height="{h:.0f}" role="img" '
        'aria-label="{title}"><style>{style}</style>{parts}</svg>\n'
    ).format(
        w=_LEFT + _WIDTH + 60,
        h=y,
        title=f"How many times as fast {OURS} is",
        style=_STYLE,
        parts=Markup("").join([*grid, *parts]),
    )
