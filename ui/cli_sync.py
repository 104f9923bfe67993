"""`hoidap index sync`: the index made equal to the sources that articles come from."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.terminal import progress_bar

if TYPE_CHECKING:
    from rag.articles.web import Web
    from rag.corpus import Corpus
    from rag.settings import Settings
    from rag.sync import SyncReport

_AGAIN = 2.0  # seconds until a folder that changed while another sync was at work is looked at again


def index_sync(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(help="Folders, files, feeds, sitemaps, or addresses of them or of pages.", metavar="SOURCE..."),
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done, by name.")] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Remove what came from a source that now holds nothing.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, at each change of these folders, until Ctrl-C.")
    ] = False,
) -> None:
    """Make the index equal to its sources: add, change and remove what came from them, and touch nothing else."""
    from rag.articles.sources import is_address
    from rag.articles.web import Web
    from rag.errors import SyncError
    from rag.pipeline import open_corpus
    from rag.settings import load_settings

    settings = load_settings(index_dir=ctx.find_root().params.get("index"))
    if watch and (dry_run or allow_empty or any(map(is_address, sources))):
        raise SyncError(
            "--watch is for folders and files of this machine, without other options: the README has a timer."
        )
    with closing(Web([ip_network(one) for one in settings.allowed_networks])) as web:
        corpus = open_corpus(settings)
        if watch:
            with suppress(KeyboardInterrupt):  # between two syncs; within one it is told in the report
                _watch(settings, corpus, web, sources)
            return
        report = _once(settings, corpus, web, sources, dry_run=dry_run, allow_empty=allow_empty)
    raise typer.Exit(1 if report.failures or report.stopped else 0)


def _watch(settings: Settings, corpus: Corpus, web: Web, sources: list[str]) -> None:
    from rag.articles.watching import changes
    from rag.errors import SyncError

    typer.echo("Watching; Ctrl-C ends it.")
    for _ in changes([Path(source).expanduser() for source in sources]):
        while True:
            try:
                report = _once(settings, corpus, web, sources)
            except SyncError as error:  # another sync is at work: what changed is not forgotten
                typer.echo(f"hoidap: {error}", err=True)
                time.sleep(_AGAIN)
            else:
                break
        if report.is_interrupted:
            return


def _once(
    settings: Settings,
    corpus: Corpus,
    web: Web,
    sources: list[str],
    *,
    dry_run: bool = False,
    allow_empty: bool = False,
) -> SyncReport:
    from rag.sync import alone, sync

    with alone(settings.sync_file, ", ".join(sources)), progress_bar("Syncing") as progress:
        report = sync(corpus, sources, web, progress, dry_run=dry_run, allow_empty=allow_empty)
    _print(report, dry_run=dry_run)
    return report


def _print(report: SyncReport, *, dry_run: bool) -> None:
    counts = {"added": report.added, "changed": report.changed, "removed": report.removed}
    if dry_run:
        for what, ids in counts.items():
            for name in ids:
                typer.echo(f"would be {what}: {name}")
    for reason in (*report.failures, *report.doubts):
        typer.echo(f"hoidap: {reason}", err=True)
    told = [f"{len(ids)} {what}" for what, ids in counts.items()]
    told += [f"{report.unchanged} unchanged", f"{len(report.failures)} failed"]
    typer.echo(("Nothing was done. It would be: " if dry_run else "") + ", ".join(told) + ".")
    if report.stopped:
        typer.echo(f"hoidap: {report.stopped}", err=True)
