"""An answer in the terminal, and how far a long command is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from rag.schema import Answer, Citation, Outcome
from ui.parts import short_spans, steps, understood, written


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, and the function that moves it: what is done, and of how much."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_answer(console: Console, answer: Answer) -> None:
    """Print how the question was understood, the answer, then its numbered sources with their quotes."""
    console.print()
    if question := understood(answer):
        console.print(f"[dim]Tôi hiểu câu hỏi là: {escape(question)}[/dim]")
    for name, after in steps(answer):
        console.print(f"[dim]  {escape(name)}: {escape(after)}[/dim]")
    for line in _lines(answer, bold=console.color_system is not None):
        console.print(line)
    for told in filter(None, (answer.writing.note, written(answer))):
        console.print(f"[dim]{escape(told)}[/dim]")
    for citation in answer.citations:
        console.print()
        console.print(f"[bold]\\[{citation.marker}][/bold] {_describe(citation)}")
        for quoted in f"“{citation.quote}”".splitlines():
            console.print(f"    [italic]{escape(quoted)}[/italic]")
    console.print()


def _lines(answer: Answer, *, bold: bool) -> list[Text]:
    """The answer. A doubt comes before it; why it was refused, between the refusal and what comes nearest."""
    lines = list(_marked(answer, bold=bold).split("\n"))
    if answer.outcome == Outcome.UNSURE:
        return [Text(answer.reason, "yellow"), *lines]
    if answer.outcome == Outcome.NOT_FOUND:
        refusal, *nearest = lines
        refusal.stylize("red")
        why = [Text(answer.reason, "dim")] if answer.reason else []
        return [refusal, *why, *nearest]
    return lines


def _marked(answer: Answer, *, bold: bool) -> Text:
    """The text with its short answers in bold, or between `**` where nothing can be bold."""
    text = Text()
    position = 0
    for start, end in short_spans(answer.text, answer.citations):
        text.append(answer.text[position:start])
        words = answer.text[start:end]
        text.append(words if bold else f"**{words}**", "bold")
        position = end
    return text.append(answer.text[position:])


def _describe(citation: Citation) -> str:
    day = citation.published.strftime("%d/%m/%Y") if citation.published else ""
    page = f"trang {citation.page}" if citation.page else ""
    near = f"và {citation.alike} bài gần giống" if citation.alike else ""
    parts = (citation.title, citation.publisher, day, page, citation.url or citation.article_id, near)
    return escape(" · ".join(part for part in parts if part))
