"""What was measured, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Column, Table

from eval.bench.askers import Rush
from eval.bench.floor import Floor
from eval.bench.measuring import Result
from eval.bench.stages import Stage
from eval.bench.timing import Figure, Unit


def print_result(console: Console, result: Result) -> None:
    """Print everything."""
    _print_figures(console, result.figures)
    console.print()
    _print_floor(console, result.floor, result.passage_ms)
    console.print()
    _print_stages(console, result.stages)
    console.print()
    _print_rushes(console, result.rushes)
    console.print("\nfrom a cold start: " + ", ".join(f"{name} {value:.4g}" for name, value in result.cold.items()))


def _print_figures(console: Console, figures: Sequence[Figure]) -> None:
    """Everybody's figures side by side; in brackets, how many times as fast ours is."""
    names = list(dict.fromkeys(name for figure in figures for name in figure.values))
    table = Table(
        Column(no_wrap=True),
        Column("", no_wrap=True),
        *(Column(name, justify="right") for name in names),
        box=None,
        padding=(0, 2),
    )
    for figure in figures:
        table.add_row(figure.name, figure.unit, *(_cell(figure, name) for name in names))
    console.print(table)


def _cell(figure: Figure, name: str) -> str:
    if name not in figure.values:
        return ""
    value, times = figure.values[name], figure.times(name)
    shown = f"{value:.3f}" if figure.unit is Unit.SHARE else f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return shown if times is None else f"{shown} ({times:.1f}×)"


def _print_floor(console: Console, floor: Floor, ours_ms: float) -> None:
    """How far a passage is from what the cores could do."""
    console.print(
        f"A passage is {floor.gflop:.1f} GFLOP. At the peak of fp32 ({floor.fp32_peak:.0f} GFLOP/s) it takes "
        f"{floor.fp32_ms:.0f} ms, of int8 ({floor.int8_peak:.0f}) {floor.int8_ms:.0f} ms; ours takes {ours_ms:.0f} ms, "
        f"{ours_ms / floor.fp32_ms:.1f} and {ours_ms / floor.int8_ms:.1f} times that.",
        soft_wrap=True,
        highlight=False,
    )


def _print_stages(console: Console, stages: Sequence[Stage]) -> None:
    """The stages of a question."""
    numbers = (Column(name, justify="right") for name in ("p50, ms", "p95, ms", "of all"))
    table = Table("stage of a question", *numbers, box=None, padding=(0, 2))
    for stage in stages:
        table.add_row(stage.name, f"{stage.p50_ms:.2f}", f"{stage.p95_ms:.2f}", f"{stage.share:.0%}")
    console.print(table)


def _print_rushes(console: Console, rushes: Mapping[str, Sequence[Rush]]) -> None:
    """Many askers at once, of everybody."""
    numbers = (Column(name, justify="right") for name in ("askers", "a second", "p50, ms", "p95, ms", "errors"))
    table = Table("without time to think", *numbers, box=None, padding=(0, 2))
    for name, found in rushes.items():
        for one in found:
            row = (f"{one.answers_per_s:.1f}", f"{one.p50_ms:.0f}", f"{one.p95_ms:.0f}", str(one.errors))
            table.add_row(name, str(one.askers), *row)
    console.print(table)
