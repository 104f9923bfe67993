"""One evaluation from its options to its result: the three kinds of set, each wired to what it is asked of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from eval.cache import add_cached, open_cached
from eval.datasets import read_beir, read_squad
from eval.errors import EvalError
from eval.gold import Gold, load_gold, shipped
from eval.result import Result
from eval.run import Progress, run_cases
from eval.score import Case
from rag.articles import find, items
from rag.pipeline import Pipeline, open_pipeline
from rag.schema import Article, Turn
from rag.settings import EXTRACTIVE, Settings
from rag.vietnamese.normalize import clean, strip_accents

Bar = Callable[[str], Progress]
"""Gives, for a label, the function that moves a progress bar."""
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be measured, and how. At most one of `gold`, `squad` and `beir`; none is the shipped gold set."""

    gold: Path | None = None
    split: str | None = None
    corpus: tuple[str, ...] = ()
    squad: Path | None = None
    beir: Path | None = None
    only: tuple[str, ...] = ()
    limit: int | None = None
    unaccented: bool = False


def evaluate(settings: Settings, options: Options, bar: Bar, warn: Warn) -> Result:
    """Run what `options` ask for; beside a language model also with quotes alone, to be compared with.

    Raises:
        EvalError: the options do not go together, or a file cannot be used.
        ArticleError: an article of `corpus` cannot be read.
    """
    _check(options)
    if options.beir:
        return _beir(settings, options, options.beir, bar)
    result = _answers(settings, options, bar, warn)
    if settings.generator != EXTRACTIVE:
        quoting = settings.model_copy(update={"generator": EXTRACTIVE})
        result.detail["extractive"] = asdict(_answers(quoting, options, bar, lambda _: None))
    return result


def _answers(settings: Settings, options: Options, bar: Bar, warn: Warn) -> Result:
    return _squad(settings, options, options.squad, bar) if options.squad else _gold(settings, options, bar, warn)


def _check(options: Options) -> None:
    if sum(source is not None for source in (options.gold, options.squad, options.beir)) > 1:
        raise EvalError("A gold file, --squad and --beir exclude each other: run them one after another.")
    other = options.squad or options.beir
    for name, value in (("--corpus", options.corpus), ("--only", options.only), ("--split", options.split)):
        if other and value:
            raise EvalError(
                f"{name} is for gold questions: --squad and --beir bring passages and questions of their own."
            )
    if options.gold and options.split:
        raise EvalError("--split is for the shipped gold set: leave it out, or the gold file.")
    if options.limit is not None and options.limit < 1:
        raise EvalError("--limit must be at least 1.")


def _gold(settings: Settings, options: Options, bar: Bar, warn: Warn) -> Result:
    paths = [options.gold] if options.gold else shipped(options.split)
    golds = load_gold(paths, options.only, options.limit)  # before the slow part: a broken line is told at once
    with _gold_pipeline(settings, options, bar) as (pipeline, stems, corpus):
        known = {article.id for article in pipeline.articles()}
        cases = [_case(gold, stems) for gold in golds]
        for case in cases:
            if missing := [article for article in case.articles if article not in known]:
                warn(f"{case.id}: {', '.join(missing)} is not in the corpus; its citations cannot be right.")
        run = {
            "corpus": corpus,
            "set": str(options.gold) if options.gold else f"gold/{options.split or 'dev+test'}",
            "questions": len(cases),
            "unaccented": options.unaccented,
        }
        asked = [_unaccented(case) for case in cases] if options.unaccented else cases
        return run_cases(pipeline, asked, run, progress=bar("Asking"))


@contextmanager
def _gold_pipeline(settings: Settings, options: Options, bar: Bar) -> Iterator[tuple[Pipeline, Mapping[str, str], str]]:
    """The pipeline to ask, the ids of articles by the names of their files, and the corpus in words.

    Articles that are named go into an index that is thrown away; a gold file alone is asked of the index in force;
    the shipped gold set belongs to the seed articles.
    """
    if options.gold and not options.corpus:
        pipeline = open_pipeline(settings)
        status = pipeline.corpus.index.status()
        if not status.documents:
            raise EvalError(
                f"The index in {settings.index_place} is empty: name the articles with --corpus, or index them first."
            )
        try:
            yield pipeline, {}, f"{settings.index_place} ({status.documents} articles, {status.records} chunks)"
        finally:
            pipeline.corpus.index.close()
        return
    named: Sequence[str | Path] = options.corpus or [settings.seeds_dir]
    articles, stems = list[Article](), dict[str, str]()
    for path in find(named):
        read = [item.read() for item in items(path)]
        articles += read
        if len(read) == 1:
            stems |= {clean(path.stem): read[0].id, clean(path.name): read[0].id}
    with tempfile.TemporaryDirectory(prefix="hoidap-eval-", ignore_cleanup_errors=True) as folder:
        here = settings.with_index_in(Path(folder))
        pipeline = open_pipeline(here, calibrated=settings.index_dir)
        try:
            add_cached(settings, pipeline.corpus, articles, bar("Indexing"))
            status = pipeline.corpus.index.status()
            words = ", ".join(str(name) for name in named)
            yield pipeline, stems, f"{words} ({status.documents} articles, {status.records} chunks)"
        finally:
            pipeline.corpus.index.close()


def _case(gold: Gold, stems: Mapping[str, str]) -> Case:
    return Case(
        id=gold.id,
        type=gold.type,
        question=gold.question,
        answers=tuple(gold.answers),
        all_of=tuple(gold.all_of),
        articles=tuple(dict.fromkeys(stems.get(clean(name), name) for name in gold.articles)),
        history=tuple(Turn(turn.role, turn.content) for turn in gold.history),
        every_article=gold.needs_every_article,
    )


def _unaccented(case: Case) -> Case:
    history = tuple(replace(t, text=strip_accents(t.text)) if t.role == "user" else t for t in case.history)
    return replace(case, question=strip_accents(case.question), history=history)


def _squad(settings: Settings, options: Options, path: Path, bar: Bar) -> Result:
    squad = read_squad(path, options.limit)
    pipeline = open_cached(settings, squad.texts, bar("Indexing"))
    run = {
        "corpus": f"{path} ({len(squad.texts)} contexts)",
        "set": f"squad {path}",
        "questions": len(squad.cases),
        "unaccented": options.unaccented,
    }
    cases = [_unaccented(case) for case in squad.cases] if options.unaccented else squad.cases
    try:
        return run_cases(
            pipeline,
            cases,
            run,
            passages=False,
            name=lambda article: squad.names.get(article, article),
            progress=bar("Asking"),
        )
    finally:
        pipeline.corpus.index.close()


def _beir(settings: Settings, options: Options, folder: Path, bar: Bar) -> Result:
    from eval.beir import run_beir

    beir = read_beir(folder, options.limit)
    pipeline = open_cached(settings, beir.texts, bar("Indexing"))
    run = {
        "corpus": f"{folder} ({len(beir.texts)} passages)",
        "set": f"beir {folder}",
        "questions": len(beir.queries),
        "unaccented": options.unaccented,
    }
    try:
        form = strip_accents if options.unaccented else str
        return run_beir(pipeline, beir, run, form=form, progress=bar("Asking"))
    finally:
        pipeline.corpus.index.close()
