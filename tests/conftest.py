"""What several test files share: the real model, a pipeline over the real seeds, and small stand-ins for both."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from platformdirs import user_cache_path

from index.local import LocalIndex
from index.schema import Document, Entry, Manifest, Query, Record, Terms, Vectors
from rag.articles import find, read
from rag.calibration import Calibration, load_calibration
from rag.corpus import Corpus
from rag.embedding import Embedder, Kind
from rag.embedding.bundled import bundled_folder
from rag.embedding.onnx_embedder import OnnxEmbedder
from rag.generation.extractive import ExtractiveGenerator
from rag.pipeline import Pipeline
from rag.reader.onnx_reader import OnnxReader
from rag.schema import Article
from rag.vietnamese.terms import FIELDS

SEEDS = Path(__file__).resolve().parents[1] / "seeds"


@pytest.fixture(scope="session", autouse=True)
def _no_trace_of_questions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is asked in tests is not kept beside the index of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOIDAP_INDEX_DIR", str(tmp_path_factory.mktemp("kept") / "index"))
        yield


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The bundled model, in the cache of whoever runs the tests, so that its folder is written once."""
    return OnnxEmbedder(bundled_folder(user_cache_path("hoidap")), threads=2)


@pytest.fixture(scope="session")
def reader() -> OnnxReader:
    """The shipped reader, in the same cache."""
    return OnnxReader(user_cache_path("hoidap"))


@pytest.fixture(scope="session")
def seeds_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the index of `pipeline`."""
    return tmp_path_factory.mktemp("seeds") / "index"


@pytest.fixture(scope="session")
def pipeline(embedder: Embedder, reader: OnnxReader, seeds_index: Path) -> Iterator[Pipeline]:
    """The whole way over the real seed articles. Shared by all tests: not to be written to."""
    index = LocalIndex(seeds_index, FIELDS)
    corpus = Corpus(index, lambda: embedder)
    corpus.add([read(path) for path in find([SEEDS])])
    yield Pipeline(corpus, ExtractiveGenerator(), load_calibration(seeds_index), reader)
    index.close()


class HashEmbedder:
    """An `Embedder` without a model: a text is the sum of vectors that its words' checksums choose."""

    def __init__(self, name: str = "hash", dimension: int = 16) -> None:
        self.name = name
        self.dimension = dimension
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        self.embedded.extend(texts)
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in [kind, *text.lower().split()]:
                row[:] += np.random.default_rng(zlib.crc32(word.encode())).standard_normal(self.dimension)
        norms: Vectors = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / norms).astype(np.float32)


def calibration_of(embedder: str, **fields: object) -> Calibration:
    """A calibration for the embedder of that name, that weighs what the question holds; `fields` instead of ours."""
    plain: dict[str, object] = {
        "weights": {"held": 2.0, "pairs": 4.0, "years": 3.0},
        "bias": -5.0,
        "refuse_below": 0.4,
        "answer_from": 0.5,
        "fitted_on": "nothing: for tests",
    }
    return Calibration(embedder=embedder, **(plain | fields))  # type: ignore[arg-type]


def no_embedder() -> Embedder:
    """For a corpus that must not need its model."""
    raise AssertionError("the embedder was loaded")


def make_article(article_id: str, text: str = "", **fields: object) -> Article:
    """An article of two sentences about itself, unless `text` is given."""
    text = text or f"Bài {article_id} nói về cây cầu mới. Cầu của {article_id} dài 86 mét, rộng 7 mét."
    return Article(id=article_id, title=f"Tiêu đề {article_id}", text=text, **fields)  # type: ignore[arg-type]


# What follows is for the tests of `index`, which knows no articles.

MANIFEST = Manifest("model", 8, "chunks-1", "terms-1")
FIELD_NAMES = ("words", "pairs")


def make_record(record_id: str, vector: Vectors, terms: Terms, parts: int = 0) -> Record:
    return Record(record_id, f"payload {record_id}", vector, np.tile(vector, (parts, 1)), terms)


def make_entries(count: int, *, seed: int = 0, per_document: int = 3, prefix: str = "d") -> list[Entry]:
    """Documents with records of random unit vectors and random terms, few enough that BM25's lengths are exact."""
    random = np.random.default_rng(seed)
    letters = np.array(list("abcdefghij"))
    weights = 1.0 / np.arange(1, len(letters) + 1)
    entries = []
    for number in range(count):
        name = f"{prefix}{number:03}"
        records = []
        for part in range(per_document):
            vector = random.standard_normal(MANIFEST.dimension).astype(np.float32)
            vector /= np.linalg.norm(vector)
            words = [str(w) for w in random.choice(letters, random.integers(1, 30), p=weights / weights.sum())]
            terms = {"words": words, "pairs": [a + b for a, b in pairwise(words)]}
            records.append(make_record(f"{name}:{part}", vector, terms, parts=part))
        entries.append(Entry(Document(name, f"text {name}", f"digest {name}"), records))
    return entries


def rounded(vector: Vectors) -> Vectors:
    """`vector` as the store keeps it."""
    return vector.astype(np.float16).astype(np.float32)


def bm25(records: Sequence[Terms], query: Query, *, also_counted: int = 1) -> list[float]:
    """BM25 (k1 1.2, b .75) by the book, a score for each of `records`.

    The lexical index keeps one document of its own beside the records, without terms, and counts it as one.
    """
    scores = [0.0] * len(records)
    total = len(records) + also_counted
    for field, wanted in query.items():
        counts = [Counter(record.get(field, ())) for record in records]
        average = sum(count.total() for count in counts) / total
        for term, weight in wanted.items():
            holding = sum(term in count for count in counts)
            idf = math.log(1 + (total - holding + 0.5) / (holding + 0.5))
            for number, count in enumerate(counts):
                if tf := count[term]:
                    length = 1 - 0.75 + 0.75 * count.total() / average
                    scores[number] += weight * idf * tf * 2.2 / (tf + 1.2 * length)
    return scores


def damage(path: Path, how: str) -> None:
    """Do to a file what a full disk, a power cut or a person can do."""
    data = path.read_bytes()
    changed: Mapping[str, bytes] = {
        "truncated": data[: len(data) // 2],
        "empty": b"",
        "zeroed": bytes(len(data)),
        "garbled": bytes(255 - byte for byte in data),
    }
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(changed[how])


DAMAGES = ("deleted", "truncated", "empty", "zeroed", "garbled")
