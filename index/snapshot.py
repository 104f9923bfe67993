"""A file of vectors: what FAISS writes of an index, the exact vectors if the index keeps them small, and a digest."""

from __future__ import annotations

import io
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.exact import Halves

_DIGEST_BYTES = 16
_LENGTH_BYTES = 8


def write(path: Path, index: faiss.Index, exact: Iterable[Halves] = ()) -> None:
    """Write `index`, and after it the rows of `exact`."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    with path.open("wb") as file:

        def put(data: bytes) -> int:
            digest.update(data)
            return file.write(data)

        faiss.write_index(index, faiss.PyCallbackIOWriter(put))
        length = file.tell()
        for some in exact:
            put(some.tobytes())
        put(length.to_bytes(_LENGTH_BYTES, "little"))
        file.write(digest.digest())


def read(path: Path) -> faiss.Index:
    """The index. Raises ValueError if the file is not what was written: FAISS must not be given that."""
    data = np.memmap(path, np.uint8, mode="r")
    content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if blake2b(content.data, digest_size=_DIGEST_BYTES).digest() != digest.tobytes():
        raise ValueError(f"{path} is damaged")
    return faiss.read_index(faiss.PyCallbackIOReader(io.BytesIO(content[: _length(data)].data).read))


def rows(path: Path, dimension: int) -> Halves:
    """The rows after the index, in a file that is known to be whole. They stay there and are mapped into memory."""
    data = np.memmap(path, np.uint8, mode="r")
    return data[_length(data) : -_DIGEST_BYTES - _LENGTH_BYTES].view(np.float16).reshape(-1, dimension)


def _length(data: NDArray[np.uint8]) -> int:
    """The bytes of the index."""
    return int.from_bytes(data[-_DIGEST_BYTES - _LENGTH_BYTES : -_DIGEST_BYTES].tobytes(), "little")
