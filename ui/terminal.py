"""An answer in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from rag.schema import Answer, Citation


def print_answer(console: Console, answer: Answer) -> None:
    """Print the answer, then its numbered sources with their quotes."""
    console.print()
    if answer.understood != answer.question:
        console.print(f"[dim]Tôi hiểu câu hỏi là: {escape(answer.understood)}[/dim]")
    console.print(escape(answer.text))
    if answer.reason:
        console.print(f"[dim]{escape(answer.reason)}[/dim]")
    for citation in answer.citations:
        console.print()
        console.print(f"[bold]\\[{citation.marker}][/bold] {_describe(citation)}")
        for line in f"“{citation.quote}”".splitlines():
            console.print(f"    [italic]{escape(line)}[/italic]")
    console.print()


def _describe(citation: Citation) -> str:
    day = citation.published.strftime("%d/%m/%Y") if citation.published else ""
    parts = (citation.title, citation.publisher, day, citation.url or citation.article_id)
    return escape(" · ".join(part for part in parts if part))
