"""Fits the calibration that comes with hoidap: `python -m eval.fit [GOLD CORPUS]...`.

On the gold dev questions over the seed articles and, where they are at hand, over the raw news texts; on further gold
sets, each over the articles in a folder; and on questions of other sets with the passage that does or does not answer
them (SQuAD form, one question a line). Writes `rag/calibration.json`. Not needed to run hoidap; an operator uses
`hoidap calibrate`.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from eval.cache import add_cached, open_cached
from eval.calibrate import Row, collect, fit, start_from
from eval.datasets import read_squad
from eval.gold import Gold, load_gold, shipped
from rag.articles import find, items
from rag.calibration import Calibration, load_calibration
from rag.grounding import features, missed
from rag.pipeline import Pipeline, open_pipeline
from rag.schema import Filters
from rag.settings import Settings, load_settings

SHARED = Path("../shared")
# Each question of a set that is not ours counts this much: they are many, and unlike ours.
_OTHERS = 0.1
_QUESTIONS = 500


def main() -> None:
    """Fit and write the shipped calibration."""
    settings = load_settings()
    dev = shipped("dev")
    sets = [(dev, settings.seeds_dir), (dev, SHARED / "seeds")]
    sets += [([Path(gold)], Path(corpus)) for gold, corpus in zip(sys.argv[1::2], sys.argv[2::2], strict=True)]
    rows: list[Row] = []
    for gold, corpus in sets:
        if corpus.is_dir():
            with _pipeline(settings, corpus) as pipeline:
                rows += collect(pipeline, _renamed(load_gold(gold, (), None), pipeline), _tell)
    ours = len(rows)
    others = SHARED / "data" / "mailong" / "train.jsonl"
    if others.is_file():
        rows += _given(settings, others)
    random.Random(0).shuffle(rows)  # noqa: S311 # folds, not secrets
    embedder = open_pipeline(settings).corpus.embedder.name
    before = start_from(load_calibration(Path("/nonexistent")), embedder)
    words = f"{ours} rows of gold questions, {len(rows) - ours} of other sets"
    fitted = fit(rows, replace(before, weights={}, bias=0.0), embedder, words)
    _write(fitted)


def _write(fitted: Calibration) -> None:
    path = Path(__file__).resolve().parents[1] / "rag" / "calibration.json"
    path.write_text(json.dumps(asdict(fitted), indent=2, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{path}: {fitted}\n")


def _renamed(golds: Sequence[Gold], pipeline: Pipeline) -> list[Gold]:
    """`golds` with the articles that hold their answers, told by their text: the raw texts have other ids."""
    texts = {article.id: article.text.casefold() for article in pipeline.articles()}

    def holding(gold: Gold) -> list[str]:
        wanted = [answer.casefold() for answer in (*gold.answers, *gold.all_of)]
        return [name for name, text in texts.items() if any(answer in text for answer in wanted)]

    return [gold.model_copy(update={"articles": holding(gold)}) for gold in golds]


@contextmanager
def _pipeline(settings: Settings, corpus: Path) -> Iterator[Pipeline]:
    with tempfile.TemporaryDirectory(prefix="hoidap-fit-", ignore_cleanup_errors=True) as folder:
        pipeline = open_pipeline(settings.with_index_in(Path(folder)))
        add_cached(settings, pipeline.corpus, [item.read() for path in find([corpus]) for item in items(path)], _tell)
        yield pipeline
        pipeline.corpus.index.close()


def _given(settings: Settings, path: Path) -> list[Row]:
    """Questions with the one passage that does or does not answer them."""
    squad = read_squad(path, None)
    cases = random.Random(0).sample(squad.cases, min(_QUESTIONS, len(squad.cases)))  # noqa: S311
    wanted = {case.given for case in cases}
    pipeline = open_cached(settings, [text for text in squad.texts if text.id in wanted], _tell)
    rows = []
    for done, case in enumerate(cases):
        _tell(done, len(cases))
        question = pipeline.understand(case.question)
        evidence = pipeline.find(question, Filters(articles=frozenset([case.given]))).evidence
        if evidence and not missed(question, evidence[0]):
            rows.append(Row(features(question, evidence), bool(case.given_answers), _OTHERS))
    pipeline.corpus.index.close()
    return rows


def _tell(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done}/{total} ")


if __name__ == "__main__":
    main()
