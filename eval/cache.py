"""Indexes of other people's sets, kept between runs.

Under `cache_dir/eval` there is one index for each set of passages, named by a hash of their content and of what built
it (so it never serves another model), and one file of vectors, for gold corpora too: a text that stands in two sets,
or in one that is measured twice, is embedded once. The folder may be deleted at any time.
An interrupted build goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from eval.datasets import Text
from eval.errors import EvalError
from rag.corpus import Corpus
from rag.embedding import Embedder, Kind, Vectors
from rag.pipeline import Pipeline, open_corpus, open_pipeline
from rag.schema import Article
from rag.settings import Settings

Progress = Callable[[int, int], None]


def open_cached(settings: Settings, texts: Sequence[Text], progress: Progress) -> Pipeline:
    """A pipeline over an index of `texts`, from the cache or built into it. Each text is an article of its id.

    Raises:
        EvalError: the cache cannot be written.
    """
    root = settings.cache_dir / "eval"
    manifest = open_manifest(settings)
    content = json.dumps([manifest, sorted(text.id for text in texts)], sort_keys=True)
    folder = root / hashlib.sha256(content.encode()).hexdigest()[:16]
    here = settings.with_index_in(folder)
    plain = open_corpus(here)
    try:
        held = {document.id for document in plain.index.known()}
        missing = [Article(text.id, text.title, text.text) for text in texts if text.id not in held]
        if missing:  # only those: what is held already is by its id, a hash of its content, what it should be
            add_cached(settings, plain, missing, progress)
    finally:
        plain.index.close()
    return open_pipeline(here, calibrated=settings.index_dir)


def add_cached(settings: Settings, corpus: Corpus, articles: Sequence[Article], progress: Progress) -> None:
    """`corpus.add`, with the vectors of texts that any evaluation has embedded before.

    Raises:
        EvalError: the cache cannot be written.
    """
    vectors = CachedEmbedder(corpus.embedder, settings.cache_dir / "eval" / "vectors.sqlite")
    try:
        Corpus(corpus.index, lambda: vectors).add(articles, progress)
    finally:
        vectors.close()


def open_manifest(settings: Settings) -> dict[str, object]:
    """What an index would be built with: the identity of model, chunking and terms."""
    from rag.chunking import RULE
    from rag.embedding import load_embedder
    from rag.vietnamese import terms

    embedder = load_embedder(settings)
    return {"embedder": embedder.name, "dimension": embedder.dimension, "chunking": RULE, "terms": terms.RULE}


class CachedEmbedder:
    """An embedder that remembers passages. Questions go to the model: their time is measured."""

    def __init__(self, inner: Embedder, path: Path) -> None:
        """Remember the vectors of `inner` in the SQLite file `path`.

        Raises:
            EvalError: the file cannot be written.
        """
        self._inner = inner
        self._lock = Lock()  # batches of articles are embedded in a thread of their own
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("create table if not exists vector (key text primary key, value blob) without rowid")
        except (OSError, sqlite3.Error) as error:
            raise EvalError(
                f"The cache {path} cannot be used ({error}): set HOIDAP_CACHE_DIR to another folder."
            ) from error

    @property
    def name(self) -> str:
        """See `Embedder.name`."""
        return self._inner.name

    @property
    def dimension(self) -> int:
        """See `Embedder.dimension`."""
        return self._inner.dimension

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Embedder.embed`."""
        if kind != "passage":
            return self._inner.embed(texts, kind)
        with self._lock:
            return self._remembered(texts, kind)

    def _remembered(self, texts: Sequence[str], kind: Kind) -> Vectors:
        keys = [hashlib.sha256(f"{self.name}\0{self.dimension}\0{text}".encode()).hexdigest() for text in texts]
        sql = "select key, value from vector where key in (select value from json_each(?))"
        known = dict(self._db.execute(sql, (json.dumps(keys),)).fetchall())
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            # In half precision, as the index keeps them.
            vectors = self._inner.embed(list(new.values()), kind).astype(np.float16)
            rows = [(key, vector.tobytes()) for key, vector in zip(new, vectors, strict=True)]
            self._db.execute("begin immediate")
            self._db.executemany("insert or ignore into vector values (?, ?)", rows)
            self._db.execute("commit")
            known.update(rows)
        joined = b"".join(known[key] for key in keys)
        return np.frombuffer(joined, np.float16).astype(np.float32).reshape(len(keys), self.dimension)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
