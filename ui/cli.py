"""The command `hoidap`. Imports of weight happen inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.cli_eval import eval_app
from ui.cli_feedback import feedback_app
from ui.cli_sync import index_sync
from ui.terminal import progress_bar

if TYPE_CHECKING:
    from fastapi import FastAPI
    from rich.console import Console

    from rag.corpus import Corpus
    from rag.schema import Article
    from rag.settings import Settings
    from ui.starting import Tell

_DAY = "%Y-%m-%d"

app = typer.Typer(
    name="hoidap",
    help="Ask a set of Vietnamese articles, and get short answers with exact citations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
index_app = typer.Typer(help="Add, list and remove articles.", no_args_is_help=True)
index_app.command("sync")(index_sync)
app.add_typer(index_app, name="index")
app.add_typer(eval_app, name="eval")
app.add_typer(feedback_app, name="feedback")


class _State:
    """What stands before the command."""

    index_dir: Path | None = None


@app.callback()
def _options(
    index: Annotated[
        Path | None,
        typer.Option("--index", help="The folder of the index (or HOIDAP_INDEX_DIR)."),
    ] = None,
) -> None:
    _State.index_dir = index


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one [default: 7860].")] = None,
) -> None:
    """Open the chat. Indexes the seed articles first if the index is empty."""
    settings = _settings(host=host, port=port)
    from ui.app import create_app
    from ui.app import serve as run

    def make(tell: Tell) -> FastAPI:
        from rag.pipeline import open_pipeline

        pipeline = open_pipeline(settings)
        pipeline.load()
        if not pipeline.corpus.index.status().documents:
            articles, problems = _read([settings.seeds_dir])
            if problems:
                _fail(problems[0])
            with progress_bar("Indexing the seed articles") as progress:

                def show(done: int, total: int) -> None:
                    progress(done, total)
                    tell(f"Đang lập chỉ mục các bài viết: {done}/{total}.")

                pipeline.corpus.rebuild(articles, show)
        pipeline.ask("xin chào")  # loads what the first visitor would wait for, and checks the index
        return create_app(pipeline, settings, pipeline.corpus)

    run(make, settings)


@app.command()
def ask(  # noqa: PLR0917 # typer calls it by name
    question: Annotated[str, typer.Argument(help="The question, in Vietnamese.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    article: Annotated[list[str] | None, typer.Option(help="Only from this article; may be repeated.")] = None,
    publisher: Annotated[list[str] | None, typer.Option(help="Only from this publisher; may be repeated.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was published on or after.", formats=[_DAY])] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Only what was published on or before.", formats=[_DAY])
    ] = None,
) -> None:
    """Answer a question, with its sources."""
    settings = _settings()
    from rag.pipeline import open_pipeline
    from rag.schema import Filters
    from ui.export import to_json
    from ui.terminal import print_answer

    pipeline = open_pipeline(settings)
    if not pipeline.corpus.index.status().documents:
        _fail(
            f"The index in {settings.index_place} is empty: add articles with `hoidap index add PATH...`, "
            "or start `hoidap serve` once to index the seed articles."
        )
    pipeline.load()
    only = Filters(
        articles=frozenset(article or ()),
        publishers=frozenset(publisher or ()),
        since=since.date() if since else None,
        until=until.date() if until else None,
    )
    with _waiting(quiet=as_json):
        answer = pipeline.ask(question, only=only)
    if as_json:
        typer.echo(json.dumps(to_json(answer), ensure_ascii=False, indent=2))
    else:
        print_answer(_console(), answer)


@app.command()
def doctor() -> None:
    """Check that the index can be read and that the language model, if one is set, answers."""
    settings = _settings()
    from index.errors import IndexStoreError
    from rag.errors import HoidapError
    from rag.generation.llm import greet
    from rag.settings import EXTRACTIVE

    def look() -> str:
        return f"{_corpus(settings).index.status().documents} articles in {settings.index_place}"

    checks = {"index": look}
    if settings.generator != EXTRACTIVE:
        checks["generator"] = lambda: greet(settings)
    is_well = True
    for name, check in checks.items():
        try:
            found = f"{name}: {check()}"
        except (HoidapError, IndexStoreError) as error:
            is_well, found = False, f"{name}: FAILED. {error}"
        typer.echo(found)
    raise typer.Exit(0 if is_well else 1)


@index_app.command("add")
def index_add(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or patterns.", metavar="PATH...")],
) -> None:
    """Add articles, or put them in the place of what they were. Unchanged ones cost nothing.

    What cannot be read is named, the rest goes in, and the exit code is 1.
    """
    settings = _settings()
    articles, problems = _read(paths)
    for told in (*problems, *(doubt for article in articles for doubt in article.doubts)):
        typer.echo(f"hoidap: {told}", err=True)
    if not articles:
        raise typer.Exit(1)
    corpus = _corpus(settings)
    with progress_bar("Indexing") as progress:
        report = corpus.add(articles, progress)
    counts = {"added": report.added, "replaced": report.replaced, "unchanged": report.unchanged}
    _console().print(", ".join(f"{len(ids)} {what}" for what, ids in counts.items() if ids) + ".")
    raise typer.Exit(1 if problems else 0)


class _Engine(StrEnum):
    """What spreads the work over many machines."""

    RAY = "ray"


@index_app.command("bulk")
def index_bulk(
    sources: Annotated[list[str], typer.Argument(help="Files, folders or patterns.", metavar="SOURCE...")],
    engine: Annotated[_Engine, typer.Option(help="What spreads the work.")],
    cluster: Annotated[
        str | None, typer.Option(help="HOST:PORT of the Ray cluster; without it, all cores of this machine.")
    ] = None,
) -> None:
    """Add many articles, prepared on many machines. What fails is named at the end; the rest is in the index."""
    settings = _settings()
    from rag.articles import find, items
    from rag.bulk import bulk

    reads = {item.name: item.read for path in find(sources) for item in items(path)}
    with progress_bar("Indexing") as progress:
        report = bulk(_corpus(settings), reads, settings, cluster, progress)
    for failure in report.failures.values():
        typer.echo(f"hoidap: {failure}", err=True)
    counts = {"written": report.written, "unchanged": report.unchanged, "failed": len(report.failures)}
    _console().print(", ".join(f"{count} {what}" for what, count in counts.items() if count) + ".")
    raise typer.Exit(1 if report.failures else 0)


@index_app.command("list")
def index_list() -> None:
    """List the articles."""
    from rich.table import Column, Table

    table = Table(Column("id", no_wrap=True, overflow="fold"), "title", "publisher", Column("published", no_wrap=True))
    for article in _corpus(_settings()).articles():
        day = article.published.isoformat() if article.published else ""
        table.add_row(*map(_literal, (article.id, article.title, article.publisher, day)))
    _console().print(table if table.row_count else "The index is empty: add articles with `hoidap index add PATH...`.")


@index_app.command("remove")
def index_remove(ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of articles.")]) -> None:
    """Remove articles."""
    _corpus(_settings()).remove(ids)
    _console().print(f"{len(set(ids))} removed.")


@index_app.command("status")
def index_status() -> None:
    """Show what the index holds and what built it."""
    from rich.table import Table

    settings = _settings()
    corpus = _corpus(settings)
    status, manifest = corpus.index.status(), corpus.index.manifest
    table = Table(show_header=False, box=None)
    table.add_row("index", _literal(settings.index_place))
    table.add_row("articles", str(status.documents))
    table.add_row("chunks", str(status.records))
    if status.size_bytes:
        table.add_row("size", f"{status.size_bytes / 1e6:.1f} MB")
    if manifest:
        table.add_row("embedder", _literal(f"{manifest.embedder} ({manifest.dimension} dimensions, normalised)"))
        table.add_row("chunking", _literal(manifest.chunking))
        table.add_row("terms", _literal(manifest.terms))
    _console().print(table)


@index_app.command("check")
def index_check() -> None:
    """Look through the whole index, mend what can be derived from the rest, and tell what was found."""
    corpus = _corpus(_settings())
    lost = 0
    for fault in corpus.verify():
        lost += not fault.mended
        typer.echo(f"{'mended' if fault.mended else 'LOST'}: {fault.what}")
    status = corpus.index.status()
    held = f"{status.documents} articles, {status.records} chunks"
    typer.echo(f"{held}: {f'{lost} faults are left.' if lost else 'all is as it was written.'}")
    raise typer.Exit(1 if lost else 0)


@index_app.command("rebuild")
def index_rebuild() -> None:
    """Chunk and embed all articles anew; the old index stays whole until the new one is."""
    corpus = _corpus(_settings())
    with progress_bar("Rebuilding") as progress:
        count = corpus.rebuild(progress=progress)
    _console().print(f"{count} articles rebuilt.")


def main() -> None:
    """Run the command line; an expected failure is one sentence on stderr and exit code 1."""
    from index.errors import IndexStoreError
    from rag.errors import HoidapError

    _use_utf8()
    try:
        app(prog_name="hoidap")
    except (HoidapError, IndexStoreError) as error:
        _fail(str(error))


@app.command()
def calibrate(
    gold: Annotated[Path, typer.Argument(help="A gold file: see eval/gold/README.md.", metavar="GOLD")],
) -> None:
    """Fit how sure an answer must be, on questions of your own about the articles in the index."""
    settings = _settings()
    from eval.calibrate import calibrate as fit_on
    from rag.calibration import NAME
    from rag.pipeline import open_pipeline

    with progress_bar("Asking") as progress:
        fitted = fit_on(open_pipeline(settings), gold, settings.index_dir, progress)
    typer.echo(f"{settings.index_dir / NAME}: fitted on {fitted.fitted_on}.")


def _use_utf8() -> None:
    """Print Vietnamese even where the locale says ASCII."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="replace")


def _fail(message: str) -> None:
    """End with `message` on stderr and exit code 1."""
    typer.echo(f"hoidap: {message}", err=True)
    raise SystemExit(1)


def _settings(**overrides: Any) -> Settings:
    from rag.settings import load_settings

    return load_settings(index_dir=_State.index_dir, **overrides)


def _corpus(settings: Settings) -> Corpus:
    from rag.pipeline import open_corpus

    return open_corpus(settings)


def _read(paths: list[Path] | list[str]) -> tuple[list[Article], list[str]]:
    """All articles at `paths` that can be read, and why the others cannot."""
    from rag.articles import find, items
    from rag.errors import ArticleError

    articles: dict[str, Article] = {}
    problems: list[str] = []
    taken: dict[str, str] = {}
    for item in (item for path in find(paths) for item in items(path)):
        try:
            article = item.read()
        except ArticleError as error:
            problems.append(str(error))
            continue
        if taken.setdefault(article.id, item.name) == item.name:
            articles[article.id] = article
        else:
            problems.append(
                f"{item.name} and {taken[article.id]} have one id, {article.id}, and the first is taken: "
                "rename one of them, or give it an id of its own in its front matter."
            )
    return list(articles.values()), problems


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def _literal(text: str) -> str:
    """`text` for rich, without any markup in it coming to life."""
    from rich.markup import escape

    return escape(text)


@contextmanager
def _waiting(*, quiet: bool) -> Iterator[None]:
    """A spinner on stderr while the model loads and answers."""
    from rich.console import Console

    if quiet:
        yield
        return
    with Console(stderr=True).status("Đang tìm câu trả lời…"):
        yield
