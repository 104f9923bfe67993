"""`hoidap feedback`: what was asked in the chat, and what people thought of the answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rag.schema import Outcome

feedback_app = typer.Typer(help="What was asked, and what was thought of the answers.", no_args_is_help=True)


class Form(StrEnum):
    """What `export` writes."""

    JSONL = "jsonl"
    CSV = "csv"


class Thumb(StrEnum):
    """Which thumb an exchange was given."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


@feedback_app.callback()
def _group() -> None:
    """A group of commands, though there is one."""


@feedback_app.command()
def export(
    ctx: typer.Context,
    *,
    out: Annotated[Path | None, typer.Option(help="Write there and not to the screen.")] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="csv by default for a file so named, else jsonl.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Only from this day on.", formats=["%Y-%m-%d"])] = None,
    outcome: Annotated[list[Outcome] | None, typer.Option(help="Only with this outcome; may be repeated.")] = None,
    thumb: Annotated[list[Thumb] | None, typer.Option(help="Only with this thumb; may be repeated.")] = None,
) -> None:
    """Write the questions, answers, thumbs and comments that are kept, oldest first."""
    from eval.errors import FeedbackError
    from eval.feedback import FeedbackStore
    from eval.result import write_text
    from rag.settings import load_settings
    from ui.exchanges import to_csv, to_json_lines

    path = load_settings(index_dir=ctx.find_root().params.get("index")).feedback_file
    if not path.exists():
        raise FeedbackError(f"Nothing is kept in {path} yet: ask in the chat of this index first.")
    store = FeedbackStore(path)
    told = (
        (one, before)
        for one, before in store.conversations()
        if (since is None or one.time.replace(tzinfo=None) >= since)
        and (not outcome or one.outcome in outcome)
        and (not thumb or (one.rating or Thumb.NONE) in thumb)
    )
    as_csv = form == Form.CSV if form else out is not None and out.suffix.lower() == ".csv"
    text = to_csv(told) if as_csv else to_json_lines(told)
    store.close()
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, f"\ufeff{text}" if as_csv else text)  # without the mark Excel reads no UTF-8
