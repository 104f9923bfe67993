"""As many articles as are wanted, with their vectors and terms, from some real ones: see `eval.scale`.

The first are real in everything. Each of the others is one of them in which sentences were exchanged for those of any
others; its terms are those of its sentences, and its vectors are real ones with noise. The noise is the difference of
two real vectors, so that it lies as they lie, and as strong as makes the nearest neighbour of a vector as near as the
real ones' of another article would be in a corpus of that size: that cosine rises by so much with each doubling of the
articles. Those of the same article do not count: they are as near in a small corpus as in a large one.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.errors import EvalError
from index.schema import Entry, Vectors
from rag.chunking import chunk_article, embedding_text
from rag.corpus import make_entries, make_entry
from rag.embedding import Embedder
from rag.schema import Article, Chunk
from rag.vietnamese import terms as vietnamese_terms
from rag.vietnamese.terms import FIELDS, SKETCH, Terms

Owners = NDArray[np.int64]
"""The number of the article that each vector is of."""

_SWAPPED = 0.8  # of the sentences of an article that was made
_PROBES = 500  # vectors that tell how near neighbours are
_FEWEST = 4
_NEAREST = 0.99  # a neighbour as near as that is the same text


def read_articles(path: Path, count: int) -> list[Article]:
    """The first `count` articles of a `.jsonl` or `.jsonl.gz` file: `id`, `title`, and `text` or `content`.

    Raises:
        EvalError: it cannot be read, or holds none.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line, _ in zip(lines, range(count), strict=False)]
        found = [Article(str(row["id"]), row["title"], row.get("text") or row["content"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvalError(f"{path} cannot be read ({error}): give JSON lines with id, title and text.") from error
    if not found:
        raise EvalError(f"{path} holds no article: give JSON lines with id, title and text.")
    return found


def made_up_articles(count: int) -> list[Article]:
    """Articles of nonsense, for a machine without a file of real ones."""
    chance = random.Random(0)  # noqa: S311 # no secret
    begins = "b c ch d đ g h kh l m n ng nh ph t th tr v x"
    words = [f"{a}{b}" for a in begins.split() for b in ("a", "an", "anh", "ế", "iên", "ông", "ư")]
    weights = [1 / place for place in range(1, len(words) + 1)]

    def sentence() -> str:
        return " ".join(chance.choices(words, weights, k=chance.randint(12, 40))).capitalize() + "."

    return [Article(f"made-{number}", sentence(), "\n".join(sentence() for _ in range(20))) for number in range(count)]


class Maker:
    """Makes entries of an index, the real articles first."""

    def __init__(self, articles: Sequence[Article], embedder: Embedder, chunks: int) -> None:
        """Embed `articles`, which takes a second each, and set the noise for an index of so many `chunks`.

        Raises:
            EvalError: there are too few articles.
        """
        self._chance = random.Random(0)  # noqa: S311 # no secret
        self._random = np.random.default_rng(0)
        batch = [(article, chunk_article(article)) for article in articles]
        self.real = make_entries(batch, embedder)
        self._articles = articles
        self._sentences = [
            [article.text[start:end] for chunk in chunked for start, end in chunk.sentences]
            for article, chunked in batch
        ]
        self._terms = dict[str, Terms]()
        records = [record for entry in self.real for record in entry.records]
        owners = np.repeat(np.arange(len(self.real)), [len(entry.records) for entry in self.real])
        self.vectors: Vectors = np.stack([record.vector for record in records])
        self._parts: Vectors = np.concatenate([record.part_vectors for record in records])
        self.nearest = min(_NEAREST, _extrapolated(self.vectors, owners, chunks, self._random))
        self.noise = self._calibrated()

    def entries(self) -> Iterator[Entry]:
        """The real ones, and then others without end."""
        yield from self.real
        number = 0
        while True:
            base = number % len(self._articles)
            text = "\n".join(self._swapped(self._sentences[base]))
            article = Article(f"{self._articles[base].id}-{number}", self._articles[base].title, text)
            chunks = chunk_article(article)
            vectors = self._noisy(self.vectors, len(chunks))
            parts = self._noisy(self._parts, sum(len(chunk.sentences) for chunk in chunks))
            at, made = 0, list[tuple[Chunk, Vectors, Vectors, Terms]]()
            for chunk, vector in zip(chunks, vectors, strict=True):
                made.append((chunk, vector, parts[at : at + len(chunk.sentences)], self._terms_of(article, chunk)))
                at += len(chunk.sentences)
            yield self._no_duplicate(make_entry(article, made))
            number += 1

    def _no_duplicate(self, entry: Entry) -> Entry:
        """`entry` with a sketch of its own: in no corpus do so many articles share their sentences."""
        first, *others = entry.records
        own = [f"{self._chance.getrandbits(64):x}" for _ in first.terms[SKETCH]]
        return replace(entry, records=[replace(first, terms={**first.terms, SKETCH: own}), *others])

    def _swapped(self, sentences: Sequence[str]) -> list[str]:
        chance = self._chance
        return [
            chance.choice(chance.choice(self._sentences)) if chance.random() < _SWAPPED else sentence
            for sentence in sentences
        ]

    def _terms_of(self, article: Article, chunk: Chunk) -> Terms:
        """Those of its sentences, each of which is cut into words once; pairs across sentences are left out."""
        found: Terms = {field: [] for field in FIELDS}
        for text in embedding_text(article, chunk).split("\n"):
            if text not in self._terms:
                self._terms[text] = vietnamese_terms.terms(text)
            for field, terms in self._terms[text].items():
                found[field] += terms
        return found

    def _noisy(self, real: Vectors, count: int, noise: float | None = None) -> Vectors:
        picked = self._random.integers(0, len(real), (3, count))
        difference = real[picked[1]] - real[picked[2]]
        rows = real[picked[0]] + (self.noise if noise is None else noise) * difference
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def _calibrated(self) -> float:
        """The noise under which a vector is as near to its nearest real one as `nearest` says."""
        low, high = 0.0, 2.0
        for _ in range(20):
            middle = (low + high) / 2
            near = float(np.median((self._noisy(self.vectors, _PROBES, middle) @ self.vectors.T).max(axis=1)))
            low, high = (middle, high) if near > self.nearest else (low, middle)
        return low


def _extrapolated(vectors: Vectors, owners: Owners, count: int, chance: np.random.Generator) -> float:
    """The median cosine to the nearest one of another owner among `count`, by a line through sizes of this corpus.

    The sizes are all owners, and the means over both halves of them, all quarters and all eighths, in any order.
    """
    place = chance.permutation(owners.max() + 1)[owners]
    sizes, medians = [], []
    for parts in (1, 2, 4, 8):
        if owners.max() + 1 >= parts * 2:
            sizes.append(len(vectors) / parts)
            medians.append(np.mean([_nearest(vectors, owners, place % parts == part, chance) for part in range(parts)]))
    if len(sizes) < 2:
        raise EvalError(f"{_FEWEST} articles are the fewest that tell how near neighbours are: give more with --real.")
    rise, level = np.polyfit(np.log2(sizes), medians, 1)
    return float(level + rise * np.log2(count))


def _nearest(vectors: Vectors, owners: Owners, among: NDArray[np.bool_], chance: np.random.Generator) -> float:
    """The median cosine of some of them to the nearest one of another owner, `among` which both are."""
    some, their = vectors[among], owners[among]
    probes = chance.permutation(len(some))[:_PROBES]
    cosines = some[probes] @ some.T
    cosines[their[probes, None] == their] = -1
    return float(np.median(cosines.max(axis=1)))
