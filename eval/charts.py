"""Charts as inline SVG, drawn by hand: no script, no font, no request. Colours are the report's CSS classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.labels import Label
from eval.metrics import percentile

_ROW = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a bar chart: value and interval from 0 to 1, and a note such as the number of questions."""

    label: Label
    value: float
    interval: Sequence[float] | None
    note: str = ""


def bars(rows: Sequence[Bar], title: str) -> Markup:
    """Horizontal bars from 0 to 1 with their 95 % intervals."""
    left, width, height = 176, 226, len(rows) * _ROW + 28
    parts = [_grid(left, width, height - 24)]
    for i, row in enumerate(rows):
        y = i * _ROW + 6
        parts.append(
            Markup(
                '<text x="{x}" y="{y1}" class="t end">{vi}</text><text x="{x}" y="{y2}" class="t small end">{en}</text>'
                '<rect x="{left}" y="{y}" width="{w:.1f}" height="22" rx="3" class="bar {tone}"/>'
            ).format(
                x=left - 10,
                y1=y + 11,
                y2=y + 25,
                vi=row.label.vi,
                en=f"{row.label.en}{row.note}",
                left=left,
                y=y + 2,
                w=max(row.value, 0.004) * width,
                tone="good" if row.value >= 0.8 else "fair" if row.value >= 0.5 else "poor",
            )
        )
        if row.interval:
            low, high = (left + width * v for v in row.interval)
            parts.append(
                Markup('<path d="M{low:.1f} {m}H{high:.1f}M{low:.1f} {a}v8M{high:.1f} {a}v8" class="whisker"/>').format(
                    low=low, high=high, m=y + 13, a=y + 9
                )
            )
        parts.append(
            Markup('<text x="{x}" y="{y}" class="t num">{value}</text>').format(
                x=left + width + 10, y=y + 18, value=f"{row.value:.0%}"
            )
        )
    return _svg(left + width + 60, height, title, parts)


def groups(rows: Mapping[str, Mapping[str, float]], title: str) -> Markup:
    """For each row a bar of each series, all from 0 to 1: retrieval by its three ways."""
    left, width, thick = 80, 340, 14
    series = list(dict.fromkeys(name for values in rows.values() for name in values))
    step = thick * len(series) + 16
    height = len(rows) * step + 50
    parts = [_grid(left, width, height - 46)]
    for i, (name, values) in enumerate(rows.items()):
        y = i * step + 6
        parts.append(
            Markup('<text x="{x}" y="{y}" class="t end">{name}</text>').format(
                x=left - 10, y=y + step / 2 - 4, name=name
            )
        )
        for j, way in enumerate(series):
            value = values.get(way, 0.0)
            parts.append(
                Markup(
                    '<rect x="{left}" y="{y}" width="{w:.1f}" height="{h}" rx="2" class="s{j}"/>'
                    '<text x="{x:.1f}" y="{ty}" class="t small">{value}</text>'
                ).format(
                    left=left,
                    y=y + j * thick,
                    w=value * width,
                    h=thick - 2,
                    j=j,
                    x=left + value * width + 6,
                    ty=y + j * thick + 9.5,
                    value=f"{value:.3f}",
                )
            )
    for j, way in enumerate(series):
        parts.append(
            Markup(
                '<rect x="{x}" y="{y}" width="11" height="11" rx="2" class="s{j}"/>'
                '<text x="{tx}" y="{ty}" class="t small">{way}</text>'
            ).format(x=left + j * 110, y=height - 14, j=j, tx=left + j * 110 + 17, ty=height - 4, way=way)
        )
    return _svg(left + width + 60, height, title, parts)


def plot(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    *,
    axes: tuple[str, str],
    dots: Iterable[tuple[float, float, float]] = (),
    diagonal: bool = False,
    at: float | None = None,
) -> Markup:
    """Lines and dots (x, y, size) in a square from 0 to 1; `at` is a place on the x axis to mark."""
    left, top, side = 46, 8, 280

    def x(value: float) -> float:
        return left + value * side

    def y(value: float) -> float:
        return top + (1 - value) * side

    parts = [Markup('<rect x="{x}" y="{y}" width="{s}" height="{s}" class="frame"/>').format(x=left, y=top, s=side)]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            Markup(
                '<path d="M{x0} {y:.1f}h{s}M{x:.1f} {top}v{s}" class="grid"/>'
                '<text x="{tx}" y="{ty:.1f}" class="t small end">{t}</text>'
                '<text x="{x:.1f}" y="{by}" class="t small mid">{t}</text>'
            ).format(
                x0=left, y=y(tick), x=x(tick), top=top, s=side, tx=left - 6, ty=y(tick) + 4, by=top + side + 15, t=tick
            )
        )
    if diagonal:
        parts.append(Markup('<path d="M{}L{}" class="diagonal"/>').format(f"{x(0)} {y(0)}", f"{x(1)} {y(1)}"))
    if at is not None:
        parts.append(Markup('<path d="M{x:.1f} {top}v{s}" class="mark"/>').format(x=x(at), top=top, s=side))
    for j, (name, points) in enumerate(lines.items()):
        path = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in points)
        ly = top + side + 56 + j * 17
        parts.append(
            Markup(
                '<path d="M{path}" class="line l{j}"/><path d="M{x} {ly}h18" class="line l{j}"/>'
                '<text x="{tx}" y="{ty}" class="t small">{name}</text>'
            ).format(path=path, j=j, x=left, ly=ly, tx=left + 25, ty=ly + 4, name=name)
        )
    for a, b, size in dots:
        parts.append(
            Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" class="dot"/>').format(x(a), y(b), 3 + 9 * size)
        )
    parts.append(
        Markup('<text x="{}" y="{}" class="t small mid">{}</text>').format(x(0.5), top + side + 34, axes[0])
        + Markup('<text transform="translate(10 {}) rotate(-90)" class="t small mid">{}</text>').format(y(0.5), axes[1])
    )
    return _svg(left + side + 14, top + side + 46 + 17 * len(lines), title, parts)


def latency(values: Sequence[float], title: str, steps: int = 30) -> Markup:
    """A histogram of milliseconds with median and 95th percentile; what is beyond the 99th is in the last bar."""
    left, width, height = 12, 400, 110
    top = max(percentile(values, 99), 1e-9)
    counts = [0] * steps
    for value in values:
        counts[min(int(value / top * steps), steps - 1)] += 1
    most = max(counts)
    parts = []
    for i, count in enumerate(counts):
        h = height * count / most
        parts.append(
            Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5" class="s2"/>').format(
                left + i * width / steps, 36 + height - h, width / steps - 2, h
            )
        )
    for percent, y in ((50, 24), (95, 12)):  # in two rows: the two may be near
        value = percentile(values, percent)
        x = left + min(value / top, 1) * width
        parts.append(
            Markup(
                '<path d="M{x:.1f} {above}v{h}" class="mark"/><text x="{x:.1f}" y="{y}" class="t small mid">{t}</text>'
            ).format(x=x, y=y, above=y + 6, h=height + 30 - y, t=f"p{percent} {value:.0f} ms")
        )
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            Markup('<text x="{x:.1f}" y="{y}" class="t small mid">{t}</text>').format(
                x=left + share * width, y=height + 52, t=f"{share * top:.0f}"
            )
        )
    return _svg(left + width + 36, height + 60, title, parts)


def columns(rows: Mapping[str, Mapping[str, int]], tones: Sequence[str], title: str) -> Markup:
    """For each row, such as a day, a column of counts upon each other, one tone each; some of many are named."""
    left, top, width, height = 34, 8, 386, 130
    series = list(dict.fromkeys(name for counts in rows.values() for name in counts))
    tick = _tick(max(sum(counts.values()) for counts in rows.values()))
    scale = height / (4 * tick)
    parts = []
    for i in range(5):
        y = top + height - i * tick * scale
        parts.append(
            Markup(
                '<path d="M{} {:.1f}h{}" class="grid"/><text x="{}" y="{:.1f}" class="t small end">{}</text>'
            ).format(left, y, width, left - 6, y + 4, i * tick)
        )
    step = width / len(rows)
    every = -(-len(rows) // 7)
    for i, (name, counts) in enumerate(rows.items()):
        y = float(top + height)
        for j, kind in enumerate(series):
            if h := counts.get(kind, 0) * scale:
                y -= h
                parts.append(
                    Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}"/>').format(
                        left + i * step + 0.1 * step, y, 0.8 * step, h, tones[j]
                    )
                )
        if i % every == 0:
            parts.append(
                Markup('<text x="{:.1f}" y="{}" class="t small mid">{}</text>').format(
                    left + (i + 0.5) * step, top + height + 16, name
                )
            )
    for j, kind in enumerate(series):
        x, y = left + j * width / len(series), top + height + 28
        parts.append(
            Markup(
                '<rect x="{x:.1f}" y="{y:.1f}" width="11" height="11" rx="2" class="{tone}"/>'
                '<text x="{tx:.1f}" y="{ty:.1f}" class="t small">{kind}</text>'
            ).format(x=x, y=y, tone=tones[j], tx=x + 17, ty=y + 10, kind=kind)
        )
    return _svg(left + width + 12, top + height + 44, title, parts)


def _tick(most: int) -> int:
    """The least of 1, 2, 5, 10, 20, ... of which four reach `most`."""
    power = 1
    while 20 * power < most:
        power *= 10
    return next(digit * power for digit in (1, 2, 5) if 4 * digit * power >= most)


def _grid(left: int, width: int, height: int) -> Markup:
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            Markup('<path d="M{x} 0v{h}" class="grid"/><text x="{x}" y="{y}" class="t small mid">{t}</text>').format(
                x=left + tick * width, h=height, y=height + 15, t=f"{tick:.0%}"
            )
        )
    return Markup("").join(parts)


def _svg(width: float, height: float, title: str, parts: Sequence[Any]) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{title}">{parts}</svg>'
    ).format(w=width, h=height, title=title, parts=Markup("").join(parts))
