"""`hoidap eval`: run a set of questions, compare two runs, turn feedback into gold. Heavy imports happen inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from rag.settings import Settings

_RUN = "run"
_CORPUS = "--corpus"


class _RunByDefault(TyperGroup):
    """`hoidap eval FILE` is `hoidap eval run FILE`: what is not the name of a command is an argument of `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = [_RUN, *_each_by_itself(args)]
        return super().parse_args(ctx, args)


def _each_by_itself(args: list[str]) -> list[str]:
    """`--corpus a b c` as `--corpus a --corpus b --corpus c`: a shell makes the first of `--corpus *.txt`.

    A gold file may stand behind them: the first `.jsonl`, if none stood before.
    """
    spread: list[str] = []
    in_corpus = has_gold = False
    for position, arg in enumerate(args):
        if arg.startswith("-"):
            in_corpus = arg == _CORPUS
            spread.append(arg)
        elif in_corpus and args[position - 1] != _CORPUS and (has_gold or not arg.endswith(".jsonl")):
            spread += [_CORPUS, arg]
        else:
            has_gold = has_gold or arg.endswith(".jsonl")
            spread.append(arg)
    return spread


eval_app = typer.Typer(
    cls=_RunByDefault,
    help="Measure how well questions are answered; compare two runs.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@eval_app.command(
    _RUN,
    help=(
        "Ask a set of questions and measure the answers: the shipped gold set, a gold file, --squad or --beir. "
        "See also `hoidap eval compare --help` and `hoidap eval candidates --help`."
    ),
)
def run(
    ctx: typer.Context,
    gold: Annotated[
        Path | None, typer.Argument(help="A gold file; the shipped set if none is named.", metavar="GOLD")
    ] = None,
    *,
    split: Annotated[str | None, typer.Option(help="Of the shipped gold set: dev, test, small, or third.")] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(help="Files, folders or patterns to ask, in an index that is thrown away.", metavar="PATH"),
    ] = None,
    squad: Annotated[Path | None, typer.Option(help="SQuAD JSON, or one question a line.", metavar="FILE")] = None,
    beir: Annotated[Path | None, typer.Option(help="A folder in BEIR form; retrieval only.", metavar="DIR")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only questions of this type.", metavar="TYPE")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N questions.", metavar="N")] = None,
    unaccented: Annotated[bool, typer.Option("--unaccented", help="Strip the accents from the questions.")] = False,
    without: Annotated[
        list[str] | None, typer.Option(help="Leave out a step, to see what it is worth.", metavar="STEP")
    ] = None,
    generator: Annotated[
        str | None, typer.Option(help="Who writes the answers: extractive, or provider:model.", metavar="NAME")
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON.", metavar="OUT")] = None,
    html_out: Annotated[Path | None, typer.Option("--html", help="Write a report to look at.", metavar="OUT")] = None,
    minimum: Annotated[
        list[str] | None,
        typer.Option("--min", help="Exit with 1 if the metric is below the value.", metavar="METRIC=VALUE"),
    ] = None,
) -> None:
    """Ask a set of questions and measure the answers."""
    with _bad_input_exits_2():
        from eval.names import below, parse_minimum
        from eval.result import to_json, write_text
        from eval.session import Options, evaluate
        from eval.terminal import print_result

        minimums = [parse_minimum(text) for text in minimum or []]
        for out in (json_out, html_out):
            _check_writable(out)
        options = Options(
            gold, split, tuple(corpus or ()), squad, beir, tuple(only or ()), limit=limit, unaccented=unaccented
        )
        settings = _settings(ctx, generator, without)
        with _bars() as bar:
            result = evaluate(settings, options, bar, _warn)
        short = below(result, minimums)
        if json_out:
            write_text(json_out, to_json(result))
        if html_out:
            from eval.report import to_html

            write_text(html_out, to_html(result))
        print_result(_console(), result)
    for sentence in short:
        typer.echo(f"hoidap: {sentence}", err=True)
    if short:
        raise typer.Exit(1)


@eval_app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="The run before, as --json wrote it.", metavar="A.json")],
    b: Annotated[Path, typer.Argument(help="The run after.", metavar="B.json")],
) -> None:
    """Show what got better and worse from one run to another, and whether chance explains it."""
    with _bad_input_exits_2():
        from eval.compare import compare as compare_results
        from eval.result import load
        from eval.terminal import print_comparison

        print_comparison(_console(), compare_results(load(a), load(b)))


@eval_app.command()
def candidates(
    ctx: typer.Context,
    feedback: Annotated[
        Path | None,
        typer.Argument(
            help="What `hoidap feedback export` wrote; by default the store itself.",
            metavar="FEEDBACK.jsonl",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write there and not to the screen.")] = None,
) -> None:
    """Turn what people said about answers into gold lines to be reviewed."""
    with _bad_input_exits_2():
        from eval.candidates import candidates as to_review
        from eval.candidates import rated, read_feedback, to_lines
        from eval.errors import EvalError
        from eval.feedback import FeedbackStore
        from eval.result import write_text

        if feedback:
            said = read_feedback(feedback)
        elif (path := _settings(ctx, None, None).feedback_file).exists():
            said = rated(FeedbackStore(path).conversations())
        else:
            raise EvalError(f"Nothing is kept in {path} yet: ask in the chat of this index, or name a file.")
        lines = to_lines(to_review(said))
        if out:
            write_text(out, lines)
        else:
            typer.echo(lines, nl=False)


@contextmanager
def _bad_input_exits_2() -> Iterator[None]:
    """What was given cannot be used: one sentence on stderr, and exit code 2."""
    from rag.errors import ArticleError, EmbedderError, HoidapError, ModelError, SettingsError

    try:
        yield
    except HoidapError as error:
        from eval.errors import EvalError

        if not isinstance(error, EvalError | ArticleError | EmbedderError | ModelError | SettingsError):
            raise
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(f"hoidap: {message}", err=True)
    raise typer.Exit(2)


def _warn(message: str) -> None:
    typer.echo(f"hoidap: warning: {message}", err=True)


def _settings(ctx: typer.Context, generator: str | None, without: list[str] | None) -> Settings:
    """The settings in force, with `--index`, the generator that was asked for, and without the steps `without`."""
    from eval.errors import EvalError
    from rag.settings import load_settings
    from rag.steps import Step

    index_dir = ctx.find_root().params.get("index")
    if unknown := sorted(set(without or ()) - set(Step)):
        raise EvalError(f"--without: there is no step {unknown[0]!r}; known are {', '.join(Step)}.")
    return load_settings(
        index_dir=index_dir, generator=generator, without=frozenset(map(Step, without)) if without else None
    )


def _check_writable(out: Path | None) -> None:
    """Tell before the run, not after it, that its result has nowhere to go."""
    from eval.errors import EvalError

    if out is None:
        return
    if out.is_dir():
        raise EvalError(f"{out} is a folder: name a file.")
    if not out.absolute().parent.is_dir():
        raise EvalError(f"{out.absolute().parent} does not exist: make that folder, or name another file.")


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False)


@contextmanager
def _bars() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Progress bars on stderr, from the moment that there is something to show; they vanish at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    progress = Progress(*columns, console=console, transient=True)

    def bar(label: str) -> Callable[[int, int], None]:
        if not console.is_terminal:
            return lambda _done, _total: None
        progress.start()
        task = progress.add_task(label, total=None)
        return lambda done, total: progress.update(task, completed=done, total=total)

    try:
        yield bar
    finally:
        if console.is_terminal:
            progress.stop()
