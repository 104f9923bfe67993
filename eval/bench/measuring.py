"""The whole bench, from its options to its result."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from eval.bench.askers import Rush, rush
from eval.bench.contender import Contender
from eval.bench.floor import Floor, floor
from eval.bench.peer import Peer
from eval.bench.quality import quality
from eval.bench.speed import TOKENS, again, as_text, asking, embedding, indexing, passages
from eval.bench.stages import Stage, stages
from eval.bench.timing import OURS, Figure, late, medians
from eval.cold import cold
from eval.errors import EvalError
from eval.gold import load_gold, shipped
from eval.load import served, visit
from rag.articles import find, items
from rag.embedding import BUNDLED
from rag.embedding.bundled import bundled_folder
from rag.pipeline import open_pipeline
from rag.schema import Article
from rag.settings import EXTRACTIVE, Settings
from rag.steps import NOTHING, Step

if TYPE_CHECKING:
    from eval.bench.recipe import Recipe

_ASKERS = (1, 4, 16, 64)
_SINGLE = 48  # questions that are embedded one by one in a round
_ON_THE_PAGE = 12.0  # seconds of asking over the browser's route
_UNREAD = "a warm question, without the reader"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured; see the command's help."""

    rounds: int
    questions: int | None
    articles: tuple[str, ...]
    limit: int
    cold: int
    peer_python: Path | None


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured.

    `passage_ms` is ours, to be held against the floor; `rushes` are by who was asked; `cold` as `eval.cold` names it.
    """

    figures: Sequence[Figure]
    floor: Floor
    passage_ms: float
    stages: Sequence[Stage]
    rushes: Mapping[str, Sequence[Rush]]
    cold: Mapping[str, float]


def measure(settings: Settings, options: Options, tell: Tell) -> Result:
    """Measure it all on an index of its own; `tell` is told what is being done.

    Raises:
        EvalError: the peer cannot be started, or the page gives no answer.
        ArticleError: an article cannot be read.
    """
    gold = load_gold(shipped("dev"), limit=options.questions)
    questions = list(dict.fromkeys(one.question for one in gold))
    folder = bundled_folder(settings.cache_dir)
    plain = {"embedder": BUNDLED, "generator": EXTRACTIVE, "without": NOTHING}
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        settings = settings.with_index_in(Path(temporary) / "index").model_copy(update=plain)
        pipeline = open_pipeline(settings)
        embedder = pipeline.corpus.embedder
        unread = open_pipeline(settings.model_copy(update={"without": {Step.READER}}), embedder=embedder)
        seeds = _articles([str(settings.seeds_dir)])
        pipeline.corpus.add(seeds)
        recipes = _recipes(folder, settings.threads, tell)
        peers = _peers(options.peer_python, folder, settings.threads, tell) if recipes else []
        for peer in peers:
            stack.callback(peer.close)
        usual: list[Contender] = [*recipes[:1], *peers]

        tell("Embedding ...")
        some = passages([article.text for article in seeds], Tokenizer.from_file(str(folder / "tokenizer.json")))
        vectors = {recipes[0].name: recipes[-1].embeddings} if recipes else {}  # with prefixes: the same texts as ours
        figures = embedding(embedder, vectors, some, questions[:_SINGLE], options.rounds)
        passage_ms = 1000 / figures[0].values[OURS]
        limit = floor(folder, TOKENS, settings.threads)

        articles = _articles(options.articles, options.limit) if options.articles else seeds
        tell(f"Indexing {len(articles)} articles ...")
        figures += indexing(embedder, articles, usual, options.rounds)

        tell(f"Asking {len(questions)} questions ...")
        others: list[Contender] = [*recipes, *peers]
        for other in others:
            other.index([as_text(article) for article in seeds])
        figures += asking({"a warm question": pipeline, _UNREAD: unread}, usual, questions, options.rounds)
        figures += again(pipeline, questions)
        figures += _over_the_page(settings.index_dir)
        figures += quality(pipeline, others, gold)

        tell("Many askers at once ...")
        rushes = {OURS: _rushes(pipeline.ask, pipeline.forget, questions)}
        rushes |= {one.name: _rushes(one.retrieve, lambda: None, questions) for one in recipes[:1]}

        tell("Stages, and cold starts ...")
        found = stages(pipeline, questions, options.rounds)
        return Result(figures, limit, passage_ms, found, rushes, cold(settings.index_dir, options.cold))


def _articles(paths: Sequence[str], limit: int | None = None) -> list[Article]:
    """The first `limit` articles in `paths`. Raises ArticleError if one of them cannot be read."""
    return [item.read() for item in islice((item for path in find(paths) for item in items(path)), limit)]


def _recipes(folder: Path, threads: int, tell: Tell) -> list[Recipe]:
    """The recipe without prefixes, as most run it, and with them; none if the extra is not installed."""
    try:
        from eval.bench.recipe import Recipe, TorchEmbeddings, open_model
    except ModuleNotFoundError as error:
        if error.name != "langchain_text_splitters":
            raise
        tell("The LangChain recipe is left out, and so is its peer: `pip install 'hoidap[bench]'` brings it.")
        return []
    model = open_model(folder, threads)
    return [
        Recipe("LangChain", TorchEmbeddings(model, is_prefixed=False)),
        Recipe("LangChain, prefixes", TorchEmbeddings(model, is_prefixed=True)),
    ]


def _peers(python: Path | None, folder: Path, threads: int, tell: Tell) -> list[Peer]:
    """txtai, if there is an interpreter that has it."""
    if python is None:
        tell("txtai is left out: --peer-python names a Python that has it.")
        return []
    from eval.bench.recipe import split

    return [Peer(python, folder, threads, split)]


def _over_the_page(index_dir: Path) -> list[Figure]:
    """A question as a browser asks it, until its answer stands on the page. Raises EvalError if none comes."""
    with served(index_dir) as (url, _):
        seen = asyncio.run(visit(url, users=1, think=0, seconds=_ON_THE_PAGE))
    if not seen.whole:
        raise EvalError(f"The chat page gave no answer ({'; '.join(seen.errors)}): start `hoidap serve` and look why.")
    taken = {OURS: [1000 * seconds for seconds in seen.whole]}
    return [medians("a question over the page, p50", taken), late("a question over the page, p95", taken)]


def _rushes(ask: Callable[[str], object], forget: Callable[[], None], questions: Sequence[str]) -> list[Rush]:
    """Ever more askers, each time with nothing remembered."""
    found = []
    for askers in _ASKERS:
        forget()
        found.append(rush(ask, questions, askers))
    return found
