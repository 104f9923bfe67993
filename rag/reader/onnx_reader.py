"""The reader on ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.embedding.bundled import bundled_file, bundled_folder, save_graph
from rag.embedding.e5_file import E5File
from rag.embedding.onnx_embedder import open_session
from rag.embedding.tokenizer import Tokenizer, open_tokenizer
from rag.errors import EmbedderError
from rag.reader import Reading
from rag.reader.weights import ReaderWeights, version

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# What is read together: tokens in all, of the question, of what introduces an article, and of each sentence.
MAX_TOKENS, QUESTION_TOKENS, INTRODUCTION_TOKENS, SENTENCE_TOKENS = 208, 64, 48, 96
# Less room than this is not worth beginning a sentence in.
WORTHWHILE = 24
_LONGEST_SPAN = 30  # tokens
_WORST = -50.0
_PREFIX = "query: "

Places = Sequence[tuple[int, Sequence[tuple[int, int]]]]
"""Of each sentence that is read, its first token, and the offsets of its tokens."""


class Introduced(NamedTuple):
    """A sentence, and what is to be known of its article ("": nothing)."""

    text: str
    introduction: str


class OnnxReader:
    """The trained reader behind `Reader`."""

    def __init__(self, cache_dir: Path) -> None:
        """Keep the reader under `cache_dir`. It is opened when it is first used."""
        self._cache_dir = cache_dir
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(os.cpu_count(), "read")  # one run takes one core

    def load(self) -> None:
        """See `Reader.load`. Raises what `read` raises."""
        with self._lock:  # whoever comes meanwhile waits, and does not open it again
            _ = self._session

    @cached_property
    def _session(self) -> InferenceSession:
        path = _built(self._cache_dir)
        try:
            return open_session(path)
        except Exception as error:  # ONNX Runtime raises its own bare Exception
            raise EmbedderError(f"The reader {path} is damaged: delete that file and try again.") from error

    def read(self, question: str, sentences: Sequence[str], introductions: Sequence[str] = ()) -> list[Reading]:
        """See `Reader.read`.

        Raises:
            EmbedderError: the cache cannot be written, or the graph in it is damaged.
        """
        self.load()
        introduced = [Introduced(*pair) for pair in zip_longest(sentences, introductions, fillvalue="")]
        order = by_introduction(introduced)
        together = list(self._parted(question, [introduced[at] for at in order]))
        readings = []
        for logits, (_, places) in zip(
            self._pool.map(self._logits, [ids for ids, _ in together]), together, strict=True
        ):
            starts, ends = logits[:, 0], logits[:, 1]
            nothing = float(starts[0] + ends[0])
            readings += [_best_span(starts, ends, at, offsets, nothing) for at, offsets in places]
        found = dict(zip(order, readings, strict=True))
        return [_without_space(found[at], text) for at, text in enumerate(sentences)]

    def _logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Of each token, how much the answer may begin and end there: `[tokens, 2]`."""
        (logits,) = self._session.run(None, {"input_ids": np.array([ids], np.int64)})
        found: NDArray[np.float32] = logits[0]
        return found

    def _parted(self, question: str, sentences: Sequence[Introduced]) -> Iterator[tuple[list[int], Places]]:
        """What is read together, as `arrange` gives it, until all `sentences` are."""
        tokenizer = open_tokenizer(bundled_folder(self._cache_dir))
        while sentences:
            ids, places = arrange(tokenizer, question, sentences)
            yield ids, places
            sentences = sentences[len(places) :]


def by_introduction(sentences: Sequence[Introduced]) -> list[int]:
    """The places of `sentences` in the order in which they are read: those of one article together, the first first."""
    first: dict[str, int] = {}
    for at, sentence in enumerate(sentences):
        first.setdefault(sentence.introduction, at)
    return sorted(range(len(sentences)), key=lambda at: (first[sentences[at].introduction], at))


def arrange(tokenizer: Tokenizer, question: str, sentences: Sequence[Introduced]) -> tuple[list[int], Places]:
    """The tokens that the model sees, and for each sentence that has room where it begins, and its offsets."""
    (asked,) = tokenizer.ids([_PREFIX + question])
    ids = [tokenizer.begin, *asked[:QUESTION_TOKENS], tokenizer.end]
    places = []
    known = ""
    for sentence in sentences:
        encoded, before = tokenizer.tokens(sentence.text), list[int]()
        if sentence.introduction != known:
            before = [*tokenizer.tokens(sentence.introduction).ids[:INTRODUCTION_TOKENS], tokenizer.end]
        room = MAX_TOKENS - len(ids) - len(before) - 1
        length = min(len(encoded.ids), SENTENCE_TOKENS, room)
        if length < min(len(encoded.ids), WORTHWHILE):
            break
        ids += before
        known = sentence.introduction
        places.append((len(ids), encoded.offsets[:length]))
        ids += [*encoded.ids[:length], tokenizer.end]
    return ids, places


def _best_span(
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    at: int,
    offsets: Sequence[tuple[int, int]],
    nothing: float,
) -> Reading:
    length = len(offsets)
    if not length:  # nothing that can be seen
        return Reading(_WORST, 0, 0)
    scores = starts[at : at + length, None] + ends[None, at : at + length]
    allowed = np.triu(np.ones((length, length), bool)) & ~np.triu(np.ones((length, length), bool), _LONGEST_SPAN)
    first, last = divmod(int(np.argmax(np.where(allowed, scores, -np.inf))), length)
    return Reading(float(scores[first, last]) - nothing, offsets[first][0], offsets[last][1])


def _without_space(reading: Reading, text: str) -> Reading:
    """`reading` without the space that a token begins with."""
    words = text[reading.start : reading.end]
    return replace(reading, start=reading.end - len(words.lstrip()))


def graph_file() -> str:
    """The name of the graph in the cache folder: weights, graph and layout have their versions in it."""
    return f"hoidap-reader-{version()}-int8.4.onnx"


def _built(cache_dir: Path) -> Path:
    """The graph under `cache_dir`, written first (some seconds, once) if it is not there."""
    path = cache_dir / graph_file()
    if path.is_file():
        return path
    from rag.embedding.onnx_graph import build_reader_graph, load_largest

    graph = build_reader_graph(ReaderWeights(E5File(bundled_file())), load_largest("rag.reader"))
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache_dir) as temporary:
            for file in save_graph(graph, Path(temporary, path.name)):
                file.replace(cache_dir / file.name)
    except OSError as error:
        raise EmbedderError(
            f"The cache folder {cache_dir} cannot be written ({error.strerror}): make it writable with "
            "100 MB free, or name another one with HOIDAP_CACHE_DIR."
        ) from error
    return path
