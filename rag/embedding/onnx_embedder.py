"""Runs the bundled model's ONNX graph: no torch, and weights that are mapped from their file."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
        if len(texts) == 1:
            vectors[0] = self._run(tokens[0])
            return vectors
        # The longest first, so that no thread is left with one of them at the end.
        order = sorted(range(len(texts)), key=lambda text: -len(tokens[text]))
        for text, vector in zip(order, self._threads.map(self._run, [tokens[text] for text in order]), strict=True):
            vectors[text] = vector
        return vectors

    def _run(self, tokens: list[int]) -> Vectors:
        """The vector of one text. Alone it needs no padding, no mask and no thread but its own, and no neighbour has a
        say in how its numbers are rounded.
        """
        (hidden,) = self._session.run(None, {"input_ids": np.array([tokens], np.int64)})
        # The mean over the tokens differs from their sum by a factor that the norm takes away again.
        summed: Vectors = hidden[0].sum(axis=0)
        normalised: Vectors = summed / np.linalg.norm(summed)
        return normalised


def open_session(path: Path) -> InferenceSession:
    """The ONNX graph in `path`, which runs on the thread that asks it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
