"""The articles and their index: adding, removing, listing, rebuilding, and reading an article back."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from threading import Lock
from types import MappingProxyType

from index.errors import IndexDamagedError
from index.protocol import Index
from index.schema import Document, Entry, Fault, Manifest, Origin, Record, Vectors
from rag.alike import alike, sketch
from rag.chunking import RULE, chunk_article, embedding_text
from rag.embedding import Embedder
from rag.errors import ArticleError, IndexMismatchError
from rag.schema import VERSION_DIGITS, Article, Chunk, Edition
from rag.vietnamese import terms as vietnamese_terms
from rag.vietnamese.normalize import has_accents

# Articles that share a sketch: so many at most are read to see which of them say the same, and of them those whose
# score is such a part of the article's own. Two that are just alike share 7 of 32 hashes, strangers 1 or 2.
_CANDIDATES, _SHARED_SKETCH = 50, 0.1
# Chunks embedded at once: many enough to sort them by length, few enough to show progress.
_BATCH_CHUNKS = 64

Progress = Callable[[int, int], None]
"""Called with the number of articles done, and of all."""


def _silent(_done: int, _total: int) -> None:
    """No progress wanted."""


@dataclass(frozen=True, slots=True)
class Report:
    """What adding articles did, by article id."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    unchanged: tuple[str, ...]


class Corpus:
    """The articles in an index. The embedder is loaded only when something has to be embedded."""

    def __init__(self, index: Index, load_embedder: Callable[[], Embedder]) -> None:
        """Wire `index` to the embedder that `load_embedder` gives."""
        self.index = index
        self._load_embedder = load_embedder
        self._embedder: Embedder | None = None
        self._lock = Lock()
        self._decode = lru_cache(maxsize=256)(_decode_article)
        self._at = lru_cache(maxsize=256)(self._read_at)
        self._found_alike = lru_cache(maxsize=256)(self._find_alike)

    @property
    def embedder(self) -> Embedder:
        """The embedding model, loaded on first use."""
        with self._lock:  # whoever comes while it is loaded waits, and does not load it again
            if self._embedder is None:
                self._embedder = self._load_embedder()
        return self._embedder

    @property
    def manifest(self) -> Manifest:
        """What this program would build an index with."""
        return Manifest(self.embedder.name, self.embedder.dimension, RULE, vietnamese_terms.RULE)

    def check(self) -> None:
        """Raise IndexMismatchError if the index was built in another way than this program would."""
        found = self.index.manifest
        if found is not None and found != self.manifest and self.index.status().documents:
            was, now = asdict(found), asdict(self.manifest)
            changes = ", ".join(f"{k}: {was[k]!r} in the index, {now[k]!r} now" for k in was if was[k] != now[k])
            raise IndexMismatchError(
                f"The index was built in another way ({changes}): run `hoidap index rebuild`, "
                "or name another index with --index."
            )

    def add(
        self,
        articles: Iterable[Article],
        progress: Progress = _silent,
        origins: Mapping[str, Origin] = MappingProxyType({}),
    ) -> Report:
        """Add articles, each in the place of one of the same id; unchanged ones cost nothing.

        `origins` tell by article id where those come from that were not added by hand.
        Each batch is acknowledged when it is written: what was added before an interruption stays.

        Raises:
            IndexMismatchError: the index was built in another way.
        """
        known = {document.id: document for document in self.index.known()}
        wanted = {article.id: article for article in articles}  # of two with one id the last one stands
        digests = {name: document.digest for name, document in known.items()}
        changed = [a for a in wanted.values() if digests.get(a.id) != digest(a)]
        if changed and known:
            self.check()
        progress(0, len(changed))
        done = 0
        for entries in self._entries(changed, origins):
            self.index.put(self.manifest, entries)
            done += len(entries)
            progress(done, len(changed))
        ids = dict.fromkeys(article.id for article in changed)
        unchanged = tuple(i for i in wanted if i not in ids)
        self.index.trace({i: origins[i] for i in unchanged if i in origins and origins[i] != known[i].origin})
        return Report(
            added=tuple(i for i in ids if i not in known),
            replaced=tuple(i for i in ids if i in known),
            unchanged=unchanged,
        )

    def rebuild(self, articles: Sequence[Article] | None = None, progress: Progress = _silent) -> int:
        """Build the index anew, from `articles` or from those it holds, and return their number.

        One transaction: a rebuild that is stopped half-way leaves the index as it was.
        """
        version = self.index.version
        origins = {document.id: document.origin for document in self.index.known()}
        given = self.articles() if articles is None else articles
        wanted = list({article.id: article for article in given}.values())  # of two with one id the last one stands

        def entries() -> Iterator[Entry]:
            done = 0
            progress(0, len(wanted))
            for batch in self._entries(wanted, origins):
                yield from batch
                done += len(batch)
                progress(done, len(wanted))

        self.index.replace(self.manifest, entries(), version)
        return len(wanted)

    def remove(self, article_ids: Sequence[str]) -> None:
        """Remove articles.

        Raises:
            ArticleError: one of the ids is not in the index; nothing is removed then.
        """
        known = {document.id for document in self.index.known()}
        unknown = [name for name in article_ids if name not in known]
        if unknown:
            raise ArticleError(f"Not in the index: {', '.join(unknown)}. `hoidap index list` shows what is.")
        self.index.delete(article_ids)

    def articles(self) -> list[Article]:
        """All articles, in the order of their ids."""
        return [_decode_article(document.payload) for document in self.index.documents()]

    def article(self, article_id: str) -> Article | None:
        """The article of that id."""
        document = self.index.document(article_id)
        return self._decode(document.payload) if document else None

    def edition(self, article_id: str, version: str) -> Edition | None:
        """The article as it was when it was cited as `version`, or today's if that is "" or is not kept any more."""
        document = self.index.document(article_id)
        if document is None:
            return None
        today = Edition(self._decode(document.payload))
        if version in {"", document.digest[:VERSION_DIGITS]}:
            return today
        was = None
        if len(version) == VERSION_DIGITS:
            with suppress(IndexDamagedError):  # `verify` tells of it
                was = self.index.superseded(article_id, version)
        if was is None:
            return replace(today, is_asked_for=False)
        return Edition(self._decode(was.payload), was.replaced)

    def publishers(self) -> list[str]:
        """The publishers of all articles, each once, in order."""
        return self.index.publishers()

    def holding(self, words: str) -> list[Article]:
        """The articles that hold all of `words` in one chunk with its title; a word without accents stands for any."""
        wanted: dict[str, list[str]] = {"syllables": [], "folded_syllables": []}
        for word in vietnamese_terms.syllables(words):
            wanted["syllables" if has_accents(word) else "folded_syllables"].append(word)
        return [article for name in self.index.holding(wanted) if (article := self.article(name))]

    def alike(self, article_id: str) -> tuple[Article, ...]:
        """The articles that say nearly the same as the one of that id, in the order of their ids: see `rag.alike`."""
        return self._found_alike(article_id, self.index.version)

    def _find_alike(self, article_id: str, _version: int) -> tuple[Article, ...]:
        article = self.article(article_id)
        if article is None:
            return ()
        found = self.index.sharing(vietnamese_terms.SKETCH, sketch(article.text), _CANDIDATES)
        least = _SHARED_SKETCH * max((score for _, score in found), default=0.0)
        owners = self.index.owners([key for key, score in found if score > least])
        others = (self.article(name) for name in owners if name != article_id)
        return tuple(other for other in others if other and alike(article, other))

    def article_at(self, article_id: str, digest: str) -> Article | None:
        """The article of that id, unless it has changed since the moment that `digest` is of."""
        with suppress(LookupError):
            return self._at(article_id, digest, self.index.version)
        return None

    def _read_at(self, article_id: str, digest: str, _version: int) -> Article:
        document = self.index.document(article_id)
        if document is None or document.digest != digest:
            raise LookupError(article_id)  # which is not remembered
        return self._decode(document.payload)

    def verify(self) -> Iterator[Fault]:
        """Look through everything, as `Index.verify` does, and then through the articles and their chunks.

        Raises:
            IndexDamagedError: so much is damaged that the rest cannot be looked at.
        """
        yield from self.index.verify()
        for known in self.index.known():
            try:
                document = self.index.document(known.id)
                found = self.index.records(self.index.keys([known.id]))
            except IndexDamagedError:  # told already
                continue
            if document:
                yield from _faults(document, [record.payload for record in found])

    def _entries(self, articles: Sequence[Article], origins: Mapping[str, Origin]) -> Iterator[list[Entry]]:
        """What is to be written of each batch of articles; the next is made while one is written."""
        with ThreadPoolExecutor(1, "next-batch") as ahead:
            made: deque[Future[list[Entry]]] = deque()
            for batch in self._batches(articles):
                made.append(ahead.submit(make_entries, batch, self.embedder, origins))
                if len(made) > 1:
                    yield made.popleft().result()
            yield from (last.result() for last in made)

    def _batches(self, articles: Sequence[Article]) -> Iterator[list[tuple[Article, list[Chunk]]]]:
        """Articles with their chunks, in groups of about `_BATCH_CHUNKS` chunks."""
        before = 0
        numbered = []
        for article in articles:
            chunks = chunk_article(article)
            numbered.append((before // _BATCH_CHUNKS, article, chunks))
            before += len(chunks)
        for _, group in groupby(numbered, key=lambda item: item[0]):
            yield [(article, chunks) for _, article, chunks in group]


def make_entries(
    batch: Sequence[tuple[Article, list[Chunk]]],
    embedder: Embedder,
    origins: Mapping[str, Origin] = MappingProxyType({}),
) -> list[Entry]:
    """Embed the chunks of a batch of articles, and their sentences, and cut them into terms meanwhile."""
    pairs = [(article, chunk) for article, chunks in batch for chunk in chunks]
    texts = [embedding_text(article, chunk) for article, chunk in pairs]
    sentences = [article.text[start:end] for article, chunk in pairs for start, end in chunk.sentences]
    with ThreadPoolExecutor(1, "embed-batch") as beside:
        embedding = beside.submit(embedder.embed, [*texts, *sentences], "passage")
        terms_of = iter([vietnamese_terms.terms(text) for text in texts])
        embedded = embedding.result()
    vectors, part_vectors = iter(embedded[: len(texts)]), embedded[len(texts) :]
    entries, part_at = [], 0
    for article, chunks in batch:
        made = []
        for chunk in chunks:
            parts = part_vectors[part_at : part_at + len(chunk.sentences)]
            part_at += len(chunk.sentences)
            made.append((chunk, next(vectors), parts, next(terms_of)))
        entries.append(make_entry(article, made, origins.get(article.id, Origin())))
    return entries


def make_entry(
    article: Article,
    chunks: Iterable[tuple[Chunk, Vectors, Vectors, vietnamese_terms.Terms]],
    origin: Origin = Origin(),  # noqa: B008 # frozen
) -> Entry:
    """What is written of `article`: each of its chunks with its vector, those of its sentences, and its terms."""
    records: list[Record] = []
    for chunk, vector, parts, terms in chunks:
        held = terms if records else {**terms, vietnamese_terms.SKETCH: sketch(article.text)}
        records.append(Record(chunk.id, _encode_chunk(chunk), vector, parts, held))
    payload = _encode_article(article)
    document = Document(article.id, payload, _digest(payload), article.publisher, article.published, origin)
    return Entry(document, records)


def digest(article: Article) -> str:
    """A hash of all that an article is, by which the index tells changed from unchanged."""
    return _digest(_encode_article(article))


def _faults(document: Document, chunks: Sequence[str]) -> Iterator[Fault]:
    """What is wrong with an article or one of its chunks, as they are encoded."""
    if _digest(document.payload) != document.digest:
        yield Fault(f"The article {document.id} is another than was added: add it again.", mended=False)
    article = _decode_article(document.payload)
    for chunk in (decode_chunk(payload, article) for payload in chunks):
        inside = all(chunk.start <= start <= end <= chunk.end for start, end in chunk.sentences)
        if not (inside and 0 <= chunk.start <= chunk.end <= len(article.text) and chunk.article_id == article.id):
            yield Fault(f"Chunk {chunk.id} does not stand in its article: run `hoidap index rebuild`.", mended=False)


def _digest(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()


def _encode_article(article: Article) -> str:
    content = asdict(article) | {"published": article.published.isoformat() if article.published else None}
    del content["doubts"]  # they are of the reading, and name the file as it was called then
    for name in ("pages", "credits"):  # most have none; and what was indexed before there were any is unchanged
        if not content[name]:
            del content[name]
    return json.dumps(content, ensure_ascii=False)


def _decode_article(payload: str) -> Article:
    content = json.loads(payload)
    content["published"] = date.fromisoformat(content["published"]) if content["published"] else None
    for name in ("headings", "credits"):
        content[name] = tuple((start, end) for start, end in content.get(name, ()))
    for name in ("tags", "pages"):
        content[name] = tuple(content.get(name, ()))
    return Article(**content)


def _encode_chunk(chunk: Chunk) -> str:
    """`chunk` without its text, which the article holds."""
    return json.dumps(asdict(replace(chunk, text="")), ensure_ascii=False)


def chunk_id(payload: str) -> str:
    """The id of the chunk that a record holds."""
    return str(json.loads(payload)["id"])


def decode_chunk(payload: str, article: Article) -> Chunk:
    """The chunk that a record of `article` holds."""
    content = json.loads(payload)
    content["text"] = article.text[content["start"] : content["end"]]
    content["sentences"] = tuple((start, end) for start, end in content["sentences"])
    return Chunk(**content)
