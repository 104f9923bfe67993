"""The reader on ONNX Runtime."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.embedding.bundled import bundled_file
from rag.embedding.e5_file import E5File
from rag.errors import EmbedderError
from rag.reader import Reading
from rag.reader.weights import ReaderWeights, version

# What one reading may cost: tokens in all, of the question, and of each sentence. As in training.
MAX_TOKENS, QUESTION_TOKENS, SENTENCE_TOKENS = 208, 64, 96
# Less room than this is not worth beginning a sentence in.
_WORTHWHILE = 24
_LONGEST_SPAN = 30  # tokens
_PREFIX = "query: "


class OnnxReader:
    """The trained reader behind `Reader`."""

    def __init__(self, folder: Path, tokenizer: Path, *, threads: int) -> None:
        """Open the reader in the cache folder `folder`, building it first if it is not there.

        Raises:
            EmbedderError: the cache cannot be written, or the graph is damaged.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as the embedder does
        path = _built(folder)
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both libraries raise their own bare Exception
            raise EmbedderError(f"The reader {path} is damaged: delete that file and try again.") from error
        self._tokenizer.no_truncation()
        self._begin = self._tokenizer.token_to_id("<s>")
        self._end = self._tokenizer.token_to_id("</s>")

    def read(self, question: str, sentences: Sequence[str]) -> list[Reading]:
        """See `Reader.read`."""
        asked = self._tokenizer.encode(_PREFIX + question, add_special_tokens=False).ids[:QUESTION_TOKENS]
        ids = [self._begin, *asked, self._end]
        places = []
        for encoded in self._tokenizer.encode_batch(list(sentences), add_special_tokens=False):
            room = MAX_TOKENS - len(ids) - 1
            length = min(len(encoded.ids), SENTENCE_TOKENS, room)
            if length < min(len(encoded.ids), _WORTHWHILE):
                break
            places.append((len(ids), encoded.offsets[:length]))
            ids += [*encoded.ids[:length], self._end]
        tokens = np.array([ids], np.int64)
        (logits,) = self._session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
        starts, ends = logits[0, :, 0], logits[0, :, 1]
        nothing = float(starts[0] + ends[0])
        return [_best_span(starts, ends, at, offsets, nothing) for at, offsets in places]


def _best_span(
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    at: int,
    offsets: Sequence[tuple[int, int]],
    nothing: float,
) -> Reading:
    length = len(offsets)
    scores = starts[at : at + length, None] + ends[None, at : at + length]
    allowed = np.triu(np.ones((length, length), bool)) & ~np.triu(np.ones((length, length), bool), _LONGEST_SPAN)
    first, last = np.unravel_index(np.argmax(np.where(allowed, scores, -np.inf)), scores.shape)
    return Reading(float(scores[first, last]) - nothing, offsets[first][0], offsets[last][1])


def _built(folder: Path) -> Path:
    """The graph in `folder`, written first (a second, once) if it is not there."""
    path = folder / f"reader-{version()}.onnx"
    if path.is_file():
        return path
    from rag.embedding.onnx_graph import build_reader_graph

    graph = build_reader_graph(ReaderWeights(E5File(bundled_file())))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as temporary:
            temporary.write(graph.SerializeToString())
        Path(temporary.name).replace(path)
    except OSError as error:
        raise EmbedderError(
            f"The cache folder {folder} cannot be written ({os.strerror(error.errno or 0)}): make it writable with "
            "100 MB free, or name another one with HOIDAP_CACHE_DIR."
        ) from error
    return path
