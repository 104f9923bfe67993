"""Runs the bundled model's ONNX graph: no torch, and weights that are mapped from their file."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.embedding import Kind, Vectors
from rag.embedding.bundled import NAME
from rag.embedding.tokenizer import open_tokenizer
from rag.errors import EmbedderError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# e5 was trained with these; without them its vectors are worse.
_PREFIXES: dict[Kind, str] = {"query": "query: ", "passage": "passage: "}
_MAX_TOKENS = 512
# Tokens in one run: with more of them no token takes less time.
_BATCH_TOKENS = 256


class OnnxEmbedder:
    """The bundled multilingual-e5-small behind `Embedder`."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        """Open the model in `folder`, which `bundled_folder` wrote, to embed so many texts at once.

        Raises:
            EmbedderError: the folder is damaged.
        """
        try:
            self._session = open_session(folder / "onnx" / "model.onnx")
            self._tokenizer = open_tokenizer(folder)
        except Exception as error:  # both libraries raise their own bare Exception
            raise EmbedderError(f"The model in {folder} is damaged: delete that folder and try again.") from error
        self.name = NAME
        self.dimension = int(self._session.get_outputs()[0].shape[-1])
        self._threads = ThreadPoolExecutor(threads, "embed")

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Embedder.embed`."""
        begin, end = self._tokenizer.begin, self._tokenizer.end
        found = self._tokenizer.ids([_PREFIXES[kind] + text for text in texts])
        tokens = [[begin, *ids[: _MAX_TOKENS - 2], end] for ids in found]
        vectors = np.empty((len(texts), self.dimension), np.float32)
        batches = _batches([len(ids) for ids in tokens])
        run = map if len(batches) == 1 else self._threads.map
        rows = run(self._run, [[tokens[text] for text in batch] for batch in batches])
        for batch, embedded in zip(batches, rows, strict=True):
            vectors[batch] = embedded
        return vectors

    def _run(self, tokens: list[list[int]]) -> Vectors:
        """The vectors of texts of one length: without padding there is no mask, and no text has a say in another's."""
        (hidden,) = self._session.run(None, {"input_ids": np.array(tokens, np.int64)})
        # The mean over the tokens differs from their sum by a factor that the norm takes away again.
        summed: Vectors = hidden.sum(axis=1)
        normalised: Vectors = summed / np.linalg.norm(summed, axis=1, keepdims=True)
        return normalised


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in batches of one length, the longest first, so that no thread is left with one of them at the end."""
    batches: list[list[int]] = []
    for length, group in groupby(sorted(range(len(lengths)), key=lambda i: -lengths[i]), key=lengths.__getitem__):
        texts = list(group)
        size = max(_BATCH_TOKENS // length, 1)
        batches += [texts[at : at + size] for at in range(0, len(texts), size)]
    return batches


def open_session(path: Path) -> InferenceSession:
    """The ONNX graph in `path`, which runs on the thread that asks it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
