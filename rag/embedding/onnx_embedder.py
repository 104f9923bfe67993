"""Runs the bundled model's ONNX graph: no torch, and weights that are mapped from their file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
_PAD = 1
# Tokens in one run, padding included: enough to fill two cores, few enough to keep memory flat.
_BATCH_TOKENS = 4096


class OnnxEmbedder:
    """The bundled multilingual-e5-small behind `Embedder`."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        """Open the model in `folder`, which `bundled_folder` wrote.

        Raises:
            EmbedderError: the folder is damaged.
        """
        try:
            self._session = open_session(folder / "onnx" / "model.onnx", threads)
            self._tokenizer = open_tokenizer(folder)
        except Exception as error:  # both libraries raise their own bare Exception
            raise EmbedderError(f"The model in {folder} is damaged: delete that folder and try again.") from error
        self.name = NAME
        self.dimension = int(self._session.get_outputs()[0].shape[-1])

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Embedder.embed`."""
        begin, end = self._tokenizer.begin, self._tokenizer.end
        found = self._tokenizer.ids([_PREFIXES[kind] + text for text in texts])
        tokens = [[begin, *ids[: _MAX_TOKENS - 2], end] for ids in found]
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch in _batches([len(ids) for ids in tokens]):
            vectors[batch] = self._run([tokens[i] for i in batch])
        return vectors

    def _run(self, tokens: list[list[int]]) -> Vectors:
        ids = np.full((len(tokens), max(map(len, tokens))), _PAD, np.int64)
        mask = np.zeros_like(ids)
        for row, found in enumerate(tokens):
            ids[row, : len(found)] = found
            mask[row, : len(found)] = 1
        (hidden,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        summed: Vectors = np.einsum("bth,bt->bh", hidden, mask.astype(np.float32))
        # The mean over the tokens differs from their sum by a factor that the norm takes away again.
        normalised: Vectors = summed / np.linalg.norm(summed, axis=1, keepdims=True)
        return normalised


def open_session(path: Path, threads: int) -> InferenceSession:
    """The ONNX graph in `path`, to be run on `threads` threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # A thread that spins after its work steals the core from whoever else serves this machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices in batches of like length, each within the token budget when padded."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
