"""The reader's weights: those of the bundled model, with the upper layers and the head replaced by our own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from rag.embedding.e5_file import BLOCK, E5File

_FILE = "weights.npz"


class ReaderWeights:
    """Has what `rag.embedding.onnx_graph` asks of an `E5File`.

    Training moves a weight by less than a step of the 4-bit weights that it began from. So the file holds, for each
    trained matrix, how far it was moved: `name.values` (two 4-bit values a byte, `[rows, in / 2]`) and `name.scales`
    (f16, `[rows, in / 32]`); every other trained tensor under its name; and `layers`.
    """

    def __init__(self, base: E5File) -> None:
        """Take the trained weights from the package, the others from `base`."""
        self._base = base
        with (files("rag.reader") / _FILE).open("rb") as file, np.load(file) as arrays:
            self._own = dict(arrays)
        self.shape = replace(base.shape, layers=int(self._own["layers"]))

    def floats(self, name: str) -> NDArray[np.float32]:
        """The f32 tensor `name`, flat."""
        return self._own[name].astype(np.float32).ravel() if name in self._own else self._base.floats(name)

    def quantised(self, name: str, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The matrix `name` as it is in the bundled model; see `E5File.quantised`."""
        return self._base.quantised(name, rows)

    def weights(self, name: str, rows: int) -> NDArray[np.float32]:
        """The matrix `name`, `[rows, in]`, as f32, moved if it was trained."""
        weights = self._base.weights(name, rows)
        if f"{name}.values" in self._own:
            weights += dequantise(self._own[f"{name}.values"], self._own[f"{name}.scales"])
        return weights


def quantise(weights: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """`weights` `[rows, in]` as packed 4-bit values and scales, in the form that the file has.

    The scale of each block of 32 is the one of a few tried that leaves the least squared error.
    """
    blocks = weights.reshape(len(weights), -1, BLOCK)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)
    best = np.full(blocks.shape[:2], np.inf)
    values = np.zeros(blocks.shape, np.uint8)
    scales = np.zeros(blocks.shape[:2], np.float16)
    for share in np.linspace(0.7, 1.1, 17):
        tried = (extreme * share / -8).astype(np.float16).astype(np.float32)
        rounded = np.clip(np.round(blocks / np.where(tried == 0, 1, tried)) + 8, 0, 15)
        error = (((rounded - 8) * tried - blocks) ** 2).sum(-1)
        better = error < best
        best[better], values[better] = error[better], rounded[better].astype(np.uint8)
        scales[better] = tried[..., 0][better].astype(np.float16)
    flat = values.reshape(len(weights), -1)
    return (flat[:, 0::2] | (flat[:, 1::2] << 4)).astype(np.uint8), scales


def dequantise(packed: NDArray[np.uint8], scales: NDArray[np.float16]) -> NDArray[np.float32]:
    """What `quantise` packed, `[rows, in]`."""
    values = np.stack([packed & 0x0F, packed >> 4], axis=-1).reshape(len(packed), -1, BLOCK).astype(np.float32)
    return ((values - 8) * scales.astype(np.float32)[:, :, None]).reshape(len(packed), -1)


@cache
def version() -> str:
    """Tells one set of trained weights from another: the beginning of the file's SHA-256."""
    return hashlib.sha256((files("rag.reader") / _FILE).read_bytes()).hexdigest()[:12]
