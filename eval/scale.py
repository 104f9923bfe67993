"""How everything grows with the corpus: `python -m eval.scale`, an index of 1,000 to a million chunks.

One index is filled through its public interface and measured at each size in a process of its own: the time to build
it by parts, its files, memory, opening, each stage of a question, and how many of the ten nearest vectors are found.
The reader is left out. `eval.scale_articles` tells what is real of it; the outcome says how much.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from eval.cache import CachedEmbedder
from eval.metrics import percentile
from eval.scale_articles import Maker, made_up_articles, read_articles
from eval.scale_plot import plot
from index.dense import Dense
from index.lexical import Lexical
from index.local import LocalIndex
from index.schema import Entry, Filter, Vectors
from index.store import Store
from rag.corpus import Corpus
from rag.pipeline import Pipeline, open_corpus, open_pipeline
from rag.settings import Settings, load_settings
from rag.steps import Step

_GOLD = Path(__file__).parent / "gold" / "dev.jsonl"
_ARTICLES_AT_ONCE = 2_000  # in a transaction
_NEAREST = 10
_SAME = 1e-6  # a difference of two inner products that is of rounding
_WARM_UP = 10
_VECTORS = "vectors.f16"  # beside the index: what brute force compares with
# The parts of building, and of a question, that are timed besides the stages that an answer tells.
_BUILT = {"store": (Store, "write"), "vectors": (Dense, "refresh"), "snapshot": (Dense, "save"),
          "terms": (Lexical, "refresh")}  # fmt: skip
_ASKED = {"dense": (Dense, "search"), "lexical": (Lexical, "search"), "records": (LocalIndex, "records"),
          "frequencies": (LocalIndex, "frequencies"), "alike": (Corpus, "alike")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """What is built, and of what."""

    sizes: tuple[int, ...]
    articles: Path | None
    real: int
    folder: Path
    out: Path
    questions: int


def main() -> None:
    """Build, measure, and write `scale.json` and `scale.svg`."""
    options, measured = _options()
    if measured:
        print(json.dumps(measure(options, measured)))
        return
    settings = load_settings(index_dir=options.folder / "index", without=frozenset({Step.READER}))
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    options.out.mkdir(parents=True, exist_ok=True)
    corpus = open_corpus(settings)
    maker = _maker(options, corpus, settings)
    told: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()},
        "articles": str(options.articles or "made up"),
        "real_articles": len(maker.real),
        "real_chunks": len(maker.vectors),
        "made": "sentences exchanged between the real articles; vectors with noise",
        "noise": {"strength": round(maker.noise, 3), "nearest_cosine": round(maker.nearest, 3)},
        "sizes": [],
    }
    entries, built = maker.entries(), dict.fromkeys(("all", *_BUILT), 0.0)
    for size in options.sizes:
        _fill(corpus, entries, size, built, options.folder / _VECTORS)
        command = [sys.executable, "-m", "eval.scale", "--measure", str(size), *sys.argv[1:]]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 # ourselves
        row = {"build_s": {name: round(taken, 1) for name, taken in built.items()}, **json.loads(done.stdout)}
        told["sizes"].append(row)
        print(json.dumps(row), flush=True)
        (options.out / "scale.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        (options.out / "scale.svg").write_text(plot(told["sizes"]), encoding="utf-8")
    corpus.index.close()
    shutil.rmtree(options.folder)


def _options() -> tuple[Options, int]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000", help="chunks, with commas between")
    parser.add_argument("--articles", type=Path, help="JSON lines, .gz or not; without it articles are made up")
    parser.add_argument("--real", type=int, default=300, help="articles that are taken as they are (default 300)")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder with room: 13 GB for a million")
    parser.add_argument("--out", type=Path, default=Path(), help="where scale.json and scale.svg go")
    parser.add_argument("--questions", type=int, default=100, help="questions asked at each size (default 100)")
    parser.add_argument("--measure", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = tuple(sorted(int(size) for size in given.sizes.split(",")))
    return Options(sizes, given.articles, given.real, given.folder, given.out, given.questions), given.measure


def _maker(options: Options, corpus: Corpus, settings: Settings) -> Maker:
    articles = read_articles(options.articles, options.real) if options.articles else made_up_articles(options.real)
    vectors = CachedEmbedder(corpus.embedder, settings.cache_dir / "eval" / "vectors.sqlite")
    try:
        return Maker(articles, vectors, max(options.sizes))
    finally:
        vectors.close()


def _fill(corpus: Corpus, entries: Iterator[Entry], size: int, built: dict[str, float], vectors: Path) -> None:
    """Add entries until there are `size` chunks or a few more, and the vectors to their file."""
    held = corpus.index.status().records
    while held < size:
        batch = list[Entry]()
        for entry in islice(entries, _ARTICLES_AT_ONCE):
            batch.append(entry)
            held += len(entry.records)
            if held >= size:
                break
        with vectors.open("ab") as file:
            for entry in batch:
                for record in entry.records:
                    file.write(record.vector.astype(np.float16).tobytes())
        samples: dict[str, list[float]] = {}
        with clocked(_BUILT, samples):
            begun = time.perf_counter()
            corpus.index.put(corpus.manifest, batch)
            built["all"] += time.perf_counter() - begun
        for name, taken in samples.items():
            built[name] += sum(taken) / 1000


def measure(options: Options, size: int) -> dict[str, Any]:
    """What an index of `size` chunks costs, in this process, which has done nothing yet."""
    folder = options.folder / "index"
    settings = load_settings(index_dir=folder, without=frozenset({Step.READER}))
    questions = list(dict.fromkeys(json.loads(line)["question"] for line in _GOLD.read_text("utf-8").splitlines()))
    questions = questions[: options.questions + _WARM_UP]
    corpus = open_corpus(settings)
    vectors = np.concatenate([corpus.embedder.embed([question], "query") for question in questions])
    corpus.index.close()
    before = memory()
    begun = time.perf_counter()
    pipeline = open_pipeline(settings, embedder=corpus.embedder)
    pipeline.corpus.index.search(vectors[0], {}, _NEAREST, Filter())
    opened = time.perf_counter() - begun
    begun = time.perf_counter()
    pipeline.ask(questions[0])
    first = time.perf_counter() - begun
    for question in questions[1:_WARM_UP]:
        pipeline.ask(question)
    samples = _asked(pipeline, questions[_WARM_UP:])
    files = {
        name: sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())
        for name, pattern in (("store", "store.sqlite*"), ("vectors", "dense-*"), ("terms", "lexical-*/*"))
    }
    chunks = pipeline.corpus.index.status().records
    return {
        "chunks": chunks,
        "open_s": round(opened, 2),
        "first_question_s": round(first, 2),
        "mb": {name: round(size / 1e6, 1) for name, size in files.items()},
        "bytes_per_chunk": {name: round(size / chunks) for name, size in files.items()},
        "memory_mb": {name: round((after - before[name]) / 1e3) for name, after in memory().items()},
        "ms": {stage: {"p50": _at(taken, 50), "p95": _at(taken, 95)} for stage, taken in samples.items()},
        f"recall@{_NEAREST}": round(recall(pipeline.corpus, vectors, options.folder / _VECTORS), 4),
        "load": os.getloadavg()[0],
    }


def _asked(pipeline: Pipeline, questions: list[str]) -> dict[str, list[float]]:
    """Milliseconds of each question, in all and by stage; parts that happen several times are added up."""
    samples: dict[str, list[float]] = {}
    for question in questions:
        parts: dict[str, list[float]] = {}
        with clocked(_ASKED, parts):
            begun = time.perf_counter()
            answer = pipeline.ask(question)
            total = (time.perf_counter() - begun) * 1000
        summed = {name: sum(taken) for name, taken in parts.items()}
        for stage, taken in {"total": total, **answer.timings, **summed}.items():
            samples.setdefault(stage, []).append(taken)
    return samples


def recall(corpus: Corpus, questions: Vectors, path: Path) -> float:
    """How many of the nearest to `questions` that brute force over the vectors in `path` finds the index finds too.

    One that is as near as the last of them counts as well: some vectors were made twice.
    """
    rows = np.memmap(path, np.float16, "r").reshape(-1, questions.shape[1])
    best = np.empty((len(questions), 0), np.float32)
    for begin in range(0, len(rows), 50_000):
        best = np.hstack([best, questions @ rows[begin : begin + 50_000].astype(np.float32).T])
        best = -np.sort(-best, axis=1)[:, :_NEAREST]
    found = 0
    for question, nearest in zip(questions, best, strict=True):
        hits = sorted(corpus.index.search(question, {}, 100, Filter()), key=lambda hit: -hit.dense)[:_NEAREST]
        scores = rows[[hit.key - 1 for hit in hits]].astype(np.float32) @ question
        found += int(np.sum(scores >= nearest[-1] - _SAME))
    return found / best.size


def memory() -> dict[str, int]:
    """Resident memory in kB: all of it, and what is this process's own; the rest are files that are mapped."""
    rows = (line.split() for line in Path("/proc/self/status").read_text("utf-8").splitlines())
    wanted = {"VmRSS:": "resident", "RssAnon:": "own"}
    return {wanted[row[0]]: int(row[1]) for row in rows if row and row[0] in wanted}


@contextmanager
def clocked(methods: dict[str, tuple[type, str]], samples: dict[str, list[float]]) -> Iterator[None]:
    """Note the milliseconds of each call of `methods` in `samples`."""
    kept = {name: getattr(owner, method) for name, (owner, method) in methods.items()}

    def clock(name: str, called: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(called)
        def timed(*values: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return called(*values, **named)
            finally:
                samples.setdefault(name, []).append((time.perf_counter() - begun) * 1000)

        return timed

    for name, (owner, method) in methods.items():
        setattr(owner, method, clock(name, kept[name]))
    try:
        yield
    finally:
        for name, (owner, method) in methods.items():
            setattr(owner, method, kept[name])


def _at(samples: list[float], percent: float) -> float:
    return round(percentile(samples, percent), 2)


if __name__ == "__main__":
    main()
