"""A result, or a comparison, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eval.compare import Comparison, compare
from eval.names import ANSWER, EVIDENCE, REFUSAL, RETRIEVAL, WRITING
from eval.probe import WAYS
from eval.result import Question, Result, extractive

_BY_TYPE = {
    "correct": "correct",
    "answer_accuracy": "answer",
    "citation_accuracy": "citation",
    "false_refusal_rate": "false ref.",
    "refusal_recall": "ref. recall",
}
_SHOWN = 20


def print_result(console: Console, result: Result) -> None:
    """Print the metrics with their intervals, retrieval side by side, types, times, and how a model fared."""
    run = result.run
    console.print(
        f"[bold]{escape(str(run.get('set', '')))}[/bold] · {run.get('questions', len(result.questions))} questions · "
        f"{escape(str(run.get('generator') or 'retrieval only'))} · {escape(str(run['embedder']))} · "
        f"{run['seconds']:.0f} s"
    )
    console.print(f"[dim]{escape(str(run['corpus']))}[/dim]")
    intervals = result.detail.get("intervals", {})
    plain = Table("metric", "value", "95 % interval", box=None, padding=(0, 2))
    for name in ("correct", *ANSWER, *EVIDENCE, *REFUSAL, *WRITING):
        for full in (name, f"given_context.{name}"):
            if full in result.metrics:
                plain.add_row(full, _number(full, result.metrics[full]), _spread(full, intervals.get(full)))
    if plain.row_count:
        console.print(plain)
    for level in ("", "article."):
        rows = [name for name in RETRIEVAL if f"fused.{level}{name}" in result.metrics]
        unit = "article" if level else "passage"
        table = Table(f"retrieval by {unit}", *WAYS, box=None, padding=(0, 2))
        for name in rows:
            table.add_row(name, *(_cell(result, intervals, f"{way}.{level}{name}") for way in WAYS))
        if rows:
            console.print(table)
    if len(result.by_type) > 1:
        console.print(_types(result))
    _print_costs(console, result)
    _print_writing(console, result)
    if beside := extractive(result):
        console.print("\n[bold]A: quotes alone. B: the language model.[/bold]")
        print_comparison(console, compare(beside, result))


def _types(result: Result) -> Table:
    columns = [name for name in _BY_TYPE if any(name in found for found in result.by_type.values())]
    table = Table(box=None, padding=(0, 1))
    for header in ("type", "n", *(_BY_TYPE[name] for name in columns)):
        table.add_column(header, no_wrap=True)
    spreads = result.detail.get("by_type_intervals", {})
    counts = result.detail.get("counts", {})
    for kind, found in sorted(result.by_type.items(), key=lambda item: item[1].get("correct", 0)):
        cells = [
            (f"{found[name]:.2f}" + (f" [dim]{_short(spreads.get(kind, {}).get(name))}[/dim]" if not i else ""))
            if name in found
            else ""
            for i, name in enumerate(columns)
        ]
        table.add_row(escape(kind), str(counts.get(kind, "")), *cells)
    return table


def _print_costs(console: Console, result: Result) -> None:
    stages = [n.removesuffix("_p50_ms") for n in result.metrics if n.startswith("latency") and n.endswith("_p50_ms")]
    if stages:
        table = Table("milliseconds", "p50", "p95", box=None, padding=(0, 2))
        for stage in stages:
            values = (f"{result.metrics[f'{stage}_{p}_ms']:.1f}" for p in ("p50", "p95"))
            table.add_row(stage.removeprefix("latency.").replace("latency", "whole answer"), *values)
        console.print(table)
    if "peak_memory_mb" in result.metrics:
        console.print(f"peak memory {result.metrics['peak_memory_mb']:.0f} MB")


def _print_writing(console: Console, result: Result) -> None:
    """What was shown, dropped, re-attributed and replaced; and each sentence that should not have been shown."""
    if not (sums := result.detail.get("writing")):
        return
    console.print(
        f"\n[bold]{escape(str(result.run['generator']))}[/bold] was asked {sums['asked']} questions. Of its sentences "
        f"{sums['shown']} are shown, {sums['moved']} of them with another source than it said, and {sums['dropped']} "
        f"were dropped; {sums['replaced']} answers were replaced by quotes. It read {sums['tokens_in']} tokens and "
        f"wrote {sums['tokens_out']}."
    )
    console.print(f"Unsupported sentences that are shown: {sums['unsupported']}")
    for question in result.questions:
        for found in question.get("writing", {}).get("unsupported", ()):
            why = ", ".join(found["lacks"]) or "the corpus does not hold an answer"
            console.print(f"  {escape(question['id'])}  {escape(found['text'])} [red]({escape(why)})[/red]")


def _cell(result: Result, intervals: dict[str, Any], name: str) -> str:
    if name not in result.metrics:
        return ""
    return f"{result.metrics[name]:.3f} [dim]{_short(intervals.get(name))}[/dim]"


def _number(name: str, value: float) -> str:
    return f"{value:.1f}" if name.endswith("mean_words") or "tokens" in name else f"{value:.3f}"


def _spread(name: str, interval: Sequence[float] | None) -> str:
    return f"{_number(name, interval[0])}–{_number(name, interval[1])}" if interval else ""


def _short(interval: Sequence[float] | None) -> str:
    """Two digits, without the zero before them: .52–.71."""
    return "–".join(f"{value:.2f}".removeprefix("0") for value in interval) if interval else ""


def print_comparison(console: Console, found: Comparison) -> None:
    """Print the differences, marked where they are significant, and the questions that changed."""
    console.print(f"{found.shared} shared questions ({found.only_a} only in A, {found.only_b} only in B)")
    if found.same_citations is not None:
        share = found.same_citations / found.shared
        console.print(f"The same citations for {found.same_citations} of them ({share:.1%})")
    order = {name: i for i, name in enumerate(("correct", *ANSWER, *EVIDENCE, *REFUSAL, *WRITING))}
    changed = [d for d in found.differences if d.low or d.high]
    table = Table(box=None, padding=(0, 1))
    for header in ("metric", "A", "B", "B - A", "95 % interval", "p", ""):
        table.add_column(header, no_wrap=True)
    for d in sorted(changed, key=lambda d: order.get(d.name, len(order))):
        verdict = {True: "[green]better[/green]", False: "[red]worse[/red]", None: ""}[d.better]
        spread = f"{d.low:+.3f} {d.high:+.3f}"
        table.add_row(d.name, f"{d.a:.3f}", f"{d.b:.3f}", f"{d.b - d.a:+.3f}", spread, f"{d.p:.3f}", verdict)
    if changed:
        console.print(table)
    tests = len(found.differences)
    console.print(f"{tests - len(changed)} of {tests} metrics are the same for every question.")
    console.print("[dim]Marked: p < 0.05. Of so many tests, about one in twenty is marked by chance alone.[/dim]")
    for title, pairs in (("Better", found.better), ("Worse", found.worse)):
        console.print(f"\n[bold]{title}: {len(pairs)}[/bold]")
        for a, b in pairs[:_SHOWN]:
            console.print(f"  {escape(b['id'])}  {escape(b['question'])}")
            console.print(f"    [dim]A {_said(a)}[/dim]")
            console.print(f"    B {_said(b)}")
        if len(pairs) > _SHOWN:
            console.print(f"  … and {len(pairs) - _SHOWN} more")


def _said(question: Question) -> str:
    text = " ".join(str(question.get("answer") or "").split())
    return escape(text if len(text) <= 160 else text[:159] + "…")
