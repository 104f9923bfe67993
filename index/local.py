"""The default index: SQLite as the truth, FAISS and tantivy derived from it, in one folder."""

from __future__ import annotations

import contextlib
import pickle
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from index.dense import Dense
from index.errors import IndexBusyError, IndexPathError, IndexStoreError
from index.lexical import Lexical
from index.schema import (
    Document,
    Entry,
    Fault,
    Filter,
    Found,
    Hit,
    Known,
    Manifest,
    Origin,
    Query,
    Status,
    Superseded,
    Terms,
    Vectors,
)
from index.store import Store
from index.verify import verify

_FILTERS = 8  # whose records are remembered until the index changes: at a million, those of one may take 10 MB


class LocalIndex:
    """An `Index` in a folder of this machine. One process writes; any number read and see what is new."""

    def __init__(self, folder: Path, fields: Sequence[str], *, graph: bool = False) -> None:
        """Open the index in `folder`, or make an empty one; `fields` are its lexical fields.

        Many vectors become a `graph` if that is wanted: see `index.kinds`.

        Raises:
            IndexStoreError: the folder cannot be used, or holds something else.
        """
        self._folder = folder
        self._lock = threading.RLock()
        self._beside = ThreadPoolExecutor(1, "hoidap-dense")
        self._matching = lru_cache(maxsize=_FILTERS)(lambda only, _sequence: self._store.matching(only))
        self._store = Store(folder / "store.sqlite")
        with self._errors():
            self._dense = Dense(folder, self._store, graph=graph)
            self._lexical = Lexical(folder, self._store, fields)

    @property
    def manifest(self) -> Manifest | None:
        """See `Index.manifest`."""
        return self._store.manifest

    def put(self, manifest: Manifest, entries: Iterable[Entry]) -> None:
        """See `Index.put`."""
        with self._lock, self._store.transaction():
            existing = self._store.manifest
            if existing not in (None, manifest) and self._store.count()[0]:
                raise IndexStoreError(
                    "The index was built by another embedder or chunking: run `hoidap index rebuild` first."
                )
            self._store.write(manifest, entries)
        self._refresh(save=True)

    def replace(self, manifest: Manifest, entries: Iterable[Entry], since: int) -> None:
        """See `Index.replace`."""
        with TemporaryFile(dir=self._folder) as staged:
            for entry in entries:  # making them takes long: nobody has to wait for that
                with self._errors():
                    pickle.dump(entry, staged)
            staged.seek(0)
            with self._lock, self._store.transaction():
                if self._store.sequence != since:
                    raise IndexBusyError("The index was changed by another process meanwhile: run the command again.")
                self._store.write_all(manifest, _entries(staged))
        self._refresh(save=True)

    def delete(self, document_ids: Iterable[str]) -> None:
        """See `Index.delete`."""
        with self._lock, self._store.transaction():
            self._store.remove(document_ids)
        self._refresh(save=True)

    def _refresh(self, *, save: bool = False) -> None:
        with self._lock, self._errors():
            self._dense.refresh()
            self._lexical.refresh()
            if save or not self._dense.is_saved:
                self._dense.save()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what files of the derived engines raise into our errors; the store has its own."""
        try:
            yield
        except (OSError, RuntimeError) as error:  # FAISS raises RuntimeError for a disk that is full
            raise IndexPathError(
                f"The index folder {self._folder} cannot be used ({error}): make it readable and writable and free "
                "some space; what was acknowledged is not lost."
            ) from error

    def document(self, document_id: str) -> Document | None:
        """See `Index.document`."""
        return self._store.document(document_id)

    def documents(self) -> list[Document]:
        """See `Index.documents`."""
        return self._store.documents()

    def known(self) -> list[Known]:
        """See `Index.known`."""
        return self._store.known()

    def trace(self, origins: Mapping[str, Origin]) -> None:
        """See `Index.trace`."""
        with self._lock, self._store.transaction():
            self._store.trace(origins)

    def superseded(self, document_id: str, digest: str) -> Superseded | None:
        """See `Index.superseded`."""
        return self._store.superseded(document_id, digest)

    def publishers(self) -> list[str]:
        """See `Index.publishers`."""
        return self._store.publishers()

    def search(self, vector: Vectors, query: Query, depth: int, only: Filter) -> list[Hit]:
        """See `Index.search`."""
        with self._lock:
            self._refresh()
            allowed = self._matching(only, self._dense.sequence) if only else None
            # The two do not hold the interpreter, and need about as long as each other.
            nearest = self._beside.submit(self._dense.search, vector, depth, allowed)
            try:
                lexical = self._lexical.search(query, depth, only)
            finally:  # nobody may write to it before it is done
                dense = nearest.result()
            # A record that only one of the two found still has a score in the other.
            only_lexical, only_dense = (
                sorted(lexical.keys() - dense.keys()),
                sorted(dense.keys() - lexical.keys()),
            )
            dense |= self._dense.search(vector, len(only_lexical), only_lexical)
            lexical |= self._lexical.search(query, len(only_dense), only_dense)
        return [Hit(key, dense[key], lexical.get(key, 0.0)) for key in sorted(dense)]

    def sharing(self, field: str, terms: Sequence[str], depth: int) -> list[tuple[int, float]]:
        """See `Index.sharing`."""
        with self._lock:
            self._refresh()
            found = self._lexical.search({field: dict.fromkeys(terms, 1.0)}, depth, None)
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))

    def records(self, keys: Sequence[int]) -> list[Found]:
        """See `Index.records`."""
        return self._store.records(keys)

    def owners(self, keys: Sequence[int]) -> list[str]:
        """See `Index.owners`."""
        return self._store.owners(keys)

    @property
    def version(self) -> int:
        """See `Index.version`."""
        return self._store.sequence

    def holding(self, wanted: Terms) -> list[str]:
        """See `Index.holding`."""
        with self._lock:
            self._refresh()
            return self._store.owners(self._lexical.holding(wanted))

    def vocabulary(self, field: str) -> list[tuple[str, int]]:
        """See `Index.vocabulary`."""
        with self._lock:
            self._refresh()
            return self._lexical.vocabulary(field)

    def frequencies(self, field: str, terms: Sequence[str]) -> tuple[int, list[int]]:
        """See `Index.frequencies`."""
        with self._lock:
            self._refresh()
            return self._lexical.records, self._lexical.frequencies(field, terms)

    def keys(self, document_ids: Sequence[str]) -> list[int]:
        """See `Index.keys`."""
        return self._store.rids(document_ids)

    def verify(self) -> Iterator[Fault]:
        """See `Index.verify`."""
        with self._lock, self._errors():
            yield from verify(self._store, self._dense, self._lexical)
            self._refresh()  # writes what was made anew

    def status(self) -> Status:
        """See `Index.status`."""
        documents, records = self._store.count()
        return Status(documents, records, sum(_size(path) for path in self._folder.rglob("*")))

    def close(self) -> None:
        """See `Index.close`."""
        self._beside.shutdown()
        self._store.close()


def _entries(staged: IO[bytes]) -> Iterator[Entry]:
    """What this process has put into its temporary file a moment ago."""
    with contextlib.suppress(EOFError):
        while True:
            yield pickle.load(staged)  # noqa: S301 # it is ours


def _size(path: Path) -> int:
    """The size of a file in bytes; 0 for a folder, and for a file that was merged away a moment ago."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
